//! Versioned resources over HTTP: entity tags and preconditions.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{ApiError, Json};

/// One resource with its entity tag.
#[derive(Debug)]
pub struct Entity<T> {
    body: T,
    version: i64,
}

impl<T> Entity<T> {
    /// 200
    pub fn new(version: i64, body: T) -> Self {
        Self { body, version }
    }
}

impl<T: Serialize> IntoResponse for Entity<T> {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.version)) {
            headers.insert(header::ETAG, tag);
        }
        (headers, Json(self.body)).into_response()
    }
}

/// The precondition of a change that may go without one.
#[derive(Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// No header.
    Absent,
    /// `*`: any version.
    Any,
    /// One of these versions; tags that no version has are left out.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// Compares with the version in the database, which the caller has locked.
    ///
    /// # Errors
    /// 412 when it is another one.
    pub fn check(&self, current: i64) -> Result<(), ApiError> {
        match self {
            Self::Versions(versions) if !versions.contains(&current) => {
                Err(ApiError::PreconditionFailed { current })
            }
            _ => Ok(()),
        }
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        let tags = tags(text).filter(|tags| !tags.is_empty()).ok_or_else(|| {
            ApiError::parameter(
                "If-Match",
                "must be an ETag in double quotes, such as \"3\"",
            )
        })?;
        // If-Match compares strongly (RFC 9110, 13.1.1), and a weak tag never matches that way.
        let strong = tags.into_iter().filter(|tag| !tag.weak);
        Ok(Self::Versions(
            strong.filter_map(|tag| tag.opaque.parse().ok()).collect(),
        ))
    }
}

/// An entity tag (RFC 9110, 8.8.3). What is between the quotes may have a comma.
struct Tag<'a> {
    weak: bool,
    opaque: &'a str,
}

/// Entity tags separated by commas, or `None` for anything else.
fn tags(text: &str) -> Option<Vec<Tag<'_>>> {
    let between = |c: char| matches!(c, ',' | ' ' | '\t');
    let mut tags = Vec::new();
    let mut rest = text.trim_start_matches(between);
    while !rest.is_empty() {
        let strong = rest.strip_prefix("W/");
        let weak = strong.is_some();
        let (opaque, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak, opaque });
        rest = after.trim_start_matches(between);
        let separated = after[..after.len() - rest.len()].contains(',');
        if !rest.is_empty() && !separated {
            return None;
        }
    }
    Some(tags)
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.headers.get(header::IF_MATCH) {
            None => Ok(Self::Absent),
            Some(value) => value
                .to_str()
                .map_err(|_| ApiError::parameter("If-Match", "must be readable text"))
                .and_then(Self::parse),
        }
    }
}

/// The precondition of a change that must say which version it is meant for; 428 without it.
#[derive(Debug)]
pub struct MustMatch(pub IfMatch);

impl<S: Sync> FromRequestParts<S> for MustMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match IfMatch::from_request_parts(parts, state).await? {
            IfMatch::Absent => Err(ApiError::PreconditionRequired),
            given => Ok(Self(given)),
        }
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![describe(Required::False)]
    }
}

impl IntoParams for MustMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![describe(Required::True)]
    }
}

fn describe(required: Required) -> Parameter {
    let tags = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r#"^(\*|"[0-9]+"(, "[0-9]+")*)$"#));
    ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(
            "`ETag` of the version that the change is meant for, several of them, or `*` for any",
        ))
        .schema(Some(tags))
        .example(Some("\"1\"".into()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_entity_tags() {
        assert_eq!(IfMatch::parse("*").unwrap(), IfMatch::Any);
        assert_eq!(IfMatch::parse("\"3\"").unwrap(), IfMatch::Versions(vec![3]));
        assert_eq!(
            IfMatch::parse("\"3\", \"4\"").unwrap(),
            IfMatch::Versions(vec![3, 4])
        );
        assert_eq!(
            IfMatch::parse("W/\"3\"").unwrap(),
            IfMatch::Versions(vec![])
        );
        assert_eq!(IfMatch::parse("\"x\"").unwrap(), IfMatch::Versions(vec![]));
        assert_eq!(
            IfMatch::parse("\"a,b\" ,, W/\"1\",\"2\"").unwrap(),
            IfMatch::Versions(vec![2])
        );
        for wrong in ["3", "", ",", "\"1", "\"1\" \"2\"", "\"1\", *"] {
            assert!(IfMatch::parse(wrong).is_err(), "{wrong}");
        }
    }
}
