//! Request bodies: what arrives, checked step by step so that the error says what is wrong and where.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, OptionalFromRequest, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::header,
};
use hc_domain::{Checks, Invalid};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    ApiError,
    serde_error::{located, pointer},
};

/// Largest request body, in bytes. A prescription has about 500.
pub const MAX_BODY: usize = 64 * 1024;

/// What a body must be, after "must be".
pub(crate) const EXPECTED: &str = "JSON, with the header Content-Type: application/json";

/// A type that is read from a request body.
pub trait Resource: Serialize + DeserializeOwned {
    /// The fields that a client sets, in the HTTP spelling.
    const FIELDS: &'static [&'static str];
    /// The fields that responses add; ignored in requests, so that a client can send back what it got.
    const READ_ONLY: &'static [&'static str] = &["version", "createdAt", "updatedAt"];
}

/// The object in a request body, with its keys in camelCase.
#[derive(Debug, Default)]
pub struct JsonObject(Map<String, Value>);

impl JsonObject {
    fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            ApiError::BadRequest(format!("The request body is not JSON: {error}."))
        })?;
        match value {
            Value::Object(object) => Ok(Self(camel_case_keys(object)?)),
            _ => Err(ApiError::invalid("", "must be a JSON object")),
        }
    }

    /// The same bytes for the same content; serde_json sorts the keys.
    pub fn canonical(&self) -> String {
        serde_json::Value::from(self.0.clone()).to_string()
    }

    /// Makes the identifier in the path the one in the body.
    ///
    /// # Errors
    /// 422 when the body has another identifier.
    pub fn identified(mut self, field: &'static str, id: &str) -> Result<Self, ApiError> {
        match self.0.get(field) {
            Some(Value::String(same)) if same == id => {}
            None => {
                self.0.insert(field.to_owned(), Value::from(id));
            }
            Some(_) => {
                let detail = format!("cannot be changed; the path says {id}");
                return Err(ApiError::invalid(format!("/{field}"), detail));
            }
        }
        Ok(self)
    }

    /// The value of the fields, all of which the body must have unless they are optional.
    ///
    /// # Errors
    /// 422 with a pointer to the first field that is missing or of the wrong type, or to every unknown one.
    pub fn into_resource<T: Resource>(mut self) -> Result<T, ApiError> {
        self.0
            .retain(|name, _| !T::READ_ONLY.contains(&name.as_str()));
        let mut checks = Checks::default();
        for name in self.0.keys().map(String::as_str) {
            if !T::FIELDS.contains(&name) {
                let known = T::FIELDS.join(", ");
                checks.fail(
                    pointer([name]),
                    format_args!("is not known here; the fields are {known}"),
                );
            }
        }
        checks.finish()?;
        serde_path_to_error::deserialize(Value::Object(self.0))
            .map_err(|error| located(&error).into())
    }

    /// RFC 7396: the resource with the fields of this body replaced, and those that are null removed.
    ///
    /// # Errors
    /// As [`JsonObject::into_resource`].
    pub fn merge_into<T: Resource>(self, resource: &T) -> Result<T, ApiError> {
        let current = serde_json::to_value(resource)
            .map_err(|error| ApiError::Internal(anyhow::Error::new(error)))?;
        let mut target = Value::Object(Map::new());
        merge(&mut target, current);
        merge(&mut target, Value::Object(self.0));
        match target {
            Value::Object(object) => Self(object).into_resource(),
            _ => Err(ApiError::invalid("", "must be a JSON object")),
        }
    }
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(object) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            object.remove(&key);
        } else {
            merge(object.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Accepts the snake_case spelling of each key, at all levels, and JSON in a string under `parameters`.
fn camel_case_keys(object: Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    let mut result = Map::with_capacity(object.len());
    for (key, value) in object {
        let key = camel_case(&key);
        let value = match value {
            Value::String(text) if key == "parameters" => {
                let parsed = serde_json::from_str(&text).map_err(|error| {
                    Invalid::at(
                        "/parameters",
                        format_args!("must be an array, or an array as JSON text: {error}"),
                    )
                })?;
                convert(parsed)?
            }
            other => convert(other)?,
        };
        if result.contains_key(&key) {
            return Err(Invalid::at(pointer([key.as_str()]), "is given twice"));
        }
        result.insert(key, value);
    }
    Ok(result)
}

fn convert(value: Value) -> Result<Value, Invalid> {
    Ok(match value {
        Value::Object(object) => Value::Object(camel_case_keys(object)?),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(convert).collect::<Result<_, _>>()?)
        }
        other => other,
    })
}

pub(crate) fn camel_case(key: &str) -> String {
    let mut words = key.split('_');
    let mut result = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        result.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        result.push_str(letters.as_str());
    }
    result
}

fn is_json(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase())
        .is_some_and(|essence| {
            essence == "application/json" || essence == "application/merge-patch+json"
        })
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                ApiError::TooLarge { limit: MAX_BODY }
            }
            other => {
                let detail = format!("The request body could not be read: {}.", other.body_text());
                ApiError::BadRequest(detail)
            }
        })
}

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            return Err(ApiError::UnsupportedMediaType { expected: EXPECTED });
        }
        Self::parse(&read(request, state).await?)
    }
}

impl<S: Send + Sync> OptionalFromRequest<S> for JsonObject {
    type Rejection = ApiError;

    /// `None` for an empty body, whatever its type is said to be.
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let json = is_json(&request);
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            Ok(None)
        } else if json {
            Self::parse(&bytes).map(Some)
        } else {
            Err(ApiError::UnsupportedMediaType { expected: EXPECTED })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_accepted_in_both_spellings_but_once() {
        let object = |value: Value| match value {
            Value::Object(object) => camel_case_keys(object),
            other => panic!("{other} is not an object"),
        };
        let keys =
            object(json!({"patient_id": "P", "parameters": "[{\"parameter_name\": \"x\"}]"}))
                .unwrap();
        assert_eq!(
            Value::Object(keys),
            json!({"patientId": "P", "parameters": [{"parameterName": "x"}]})
        );
        let twice = object(json!({"patient_id": "P", "patientId": "P"})).unwrap_err();
        assert_eq!(twice.errors()[0].pointer, "/patientId");
    }

    #[test]
    fn merges_as_the_examples_of_rfc_7396() {
        let check = |target: Value, patch: Value, expected: Value| {
            let mut target = target;
            merge(&mut target, patch);
            assert_eq!(target, expected);
        };
        check(
            json!({"a": "b", "b": "c"}),
            json!({"a": null}),
            json!({"b": "c"}),
        );
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(
            json!({"a": {"b": "c"}}),
            json!({"a": {"b": "d", "c": null}}),
            json!({"a": {"b": "d"}}),
        );
        check(
            json!({"a": [{"b": "c"}]}),
            json!({"a": [1]}),
            json!({"a": [1]}),
        );
        check(
            json!({}),
            json!({"a": {"bb": {"ccc": null}}}),
            json!({"a": {"bb": {}}}),
        );
    }
}
