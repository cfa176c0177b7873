//! Lists: filters, sort orders, pages by the last row seen, and query parameters whose errors name the parameter.

use std::marker::PhantomData;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use hc_domain::{DeviceId, PatientId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{ApiError, Json, serde_error};
use crate::{
    openapi::types,
    store::list::{Cursor, Found, List, Order, Rest, Table},
};

const MAX_LIMIT: u16 = 1000;
const MAX_TEXT: usize = 100;

/// Query parameters; a bad or unknown one is a 400 that names it.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut given = Map::new();
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.contains('\0') {
                return Err(ApiError::parameter(
                    name,
                    "must not contain the character NUL",
                ));
            }
            if given.insert(name.to_string(), value.into()).is_some() {
                return Err(ApiError::parameter(name, "is given twice"));
            }
        }
        serde_path_to_error::deserialize(Value::Object(given))
            .map(Self)
            .map_err(|error| {
                let (name, detail) = serde_error::parameter(&error);
                ApiError::parameter(name, detail)
            })
    }
}

/// Which part of a list of patients, devices or prescriptions, and in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListParams {
    /// At most this many, 1 to 1000; 100 when absent
    #[serde(deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 1000, value_type = Option<u16>, example = 100)]
    limit: Limit,
    /// Only what belongs to this patient
    #[param(example = "P001", value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
    /// Only what belongs to this device
    #[param(example = "DEV-P001", value_type = Option<types::DeviceId>)]
    device_id: Option<String>,
    /// Only what has this text, in any case, in an identifier, a name or the like; 1 to 100 characters but NUL
    #[param(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00]+$",
        example = "P00"
    )]
    q: Option<String>,
    // Described by `Sorted`, because the fields depend on what is listed.
    #[param(ignore)]
    sort: Option<String>,
    /// Continue after this: the identifier of the last row when sorted by it, otherwise from the `Link` of the page before
    #[param(pattern = r"^[^\x00]*$", example = "P001")]
    after: Option<String>,
}

impl ListParams {
    /// The checked parameters, for a list of this table.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub(crate) fn parse<'a>(&'a self, table: &'static Table) -> Result<List<'a>, ApiError> {
        let order = self.order(table)?;
        if let Some(id) = &self.patient_id {
            id.parse::<PatientId>()
                .map_err(|error| bad("patientId", error))?;
        }
        if let Some(id) = &self.device_id {
            id.parse::<DeviceId>()
                .map_err(|error| bad("deviceId", error))?;
        }
        if let Some(text) = &self.q
            && !(1..=MAX_TEXT).contains(&text.chars().count())
        {
            return Err(bad("q", format!("must have 1 to {MAX_TEXT} characters")));
        }
        Ok(List {
            table,
            patient_id: self.patient_id.as_deref(),
            device_id: self.device_id.as_deref(),
            text: self.q.as_deref(),
            after: self.cursor(order)?,
            order,
            limit: self.limit.0,
        })
    }

    fn order(&self, table: &'static Table) -> Result<Order, ApiError> {
        let sort = self.sort.as_deref().unwrap_or(table.id.field);
        let (field, descending) = match sort.strip_prefix('-') {
            Some(field) => (field, true),
            None => (sort, false),
        };
        let by = table.sort(field).ok_or_else(|| {
            let fields: Vec<_> = table.sorts().map(|sort| sort.field).collect();
            bad(
                "sort",
                format!(
                    "must be one of {}, or one of them with - before it",
                    fields.join(", ")
                ),
            )
        })?;
        Ok(Order {
            by,
            descending,
            is_id: by.field == table.id.field,
        })
    }

    fn cursor(&self, order: Order) -> Result<Option<Cursor<'_>>, ApiError> {
        let Some(after) = self.after.as_deref() else {
            return Ok(None);
        };
        if order.is_id {
            return Ok(Some(Cursor {
                id: after,
                key: None,
            }));
        }
        // Identifiers have no colon.
        let (id, key) = after
            .split_once(':')
            .ok_or_else(|| bad("after", "is not from the Link of a page in this order"))?;
        Ok(Some(Cursor { id, key: Some(key) }))
    }
}

/// What the database says about the key in `after` when it is not of the type of the order.
pub(crate) fn wrong_cursor(error: sqlx::Error) -> ApiError {
    match error.as_database_error().and_then(|e| e.code()).as_deref() {
        Some("22007" | "22008" | "22P02" | "22003") => {
            bad("after", "is not from the Link of a page in this order")
        }
        _ => error.into(),
    }
}

fn bad(parameter: &str, detail: impl std::fmt::Display) -> ApiError {
    ApiError::parameter(parameter, detail)
}

/// What can be listed.
pub(crate) trait Listed {
    /// How its table is listed.
    fn table() -> &'static Table;
}

/// The parameter `sort` of a list, with the fields of its table.
#[derive(Debug)]
pub(crate) struct Sorted<T>(PhantomData<T>);

impl<T: Listed> IntoParams for Sorted<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let fields: Vec<_> = T::table().sorts().map(|sort| sort.field).collect();
        let values = ["", "-"]
            .into_iter()
            .flat_map(|sign| fields.iter().map(move |field| format!("{sign}{field}")));
        let sort = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(values))
            .default(Some(T::table().id.field.into()));
        let sort = ParameterBuilder::new()
            .name("sort")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some("The field to sort by, descending with `-` before it"))
            .schema(Some(sort))
            .build();
        vec![sort]
    }
}

#[derive(Debug, Clone, Copy)]
struct Limit(u16);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

fn limit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    bounded_limit(deserializer).map(Limit)
}

/// Reads a number of rows, 1 to 1000.
///
/// # Errors
/// Anything else.
pub fn bounded_limit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| {
            serde::de::Error::custom(format!("must be a whole number from 1 to {MAX_LIMIT}"))
        })
}

/// A page of a list, with a link to the next one if there is one.
#[derive(Debug)]
pub struct Page<T> {
    rows: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// A page from what [`ListParams::parse`] asks for.
    pub(crate) fn new<R: Into<T>>(
        params: &ListParams,
        found: Found<R>,
        id: impl Fn(&R) -> &str,
    ) -> Self {
        let next = match (found.rest, found.rows.last()) {
            (Rest::After(None), Some(last)) => Some(params.link(id(last))),
            (Rest::After(Some(key)), Some(last)) => {
                Some(params.link(&format!("{}:{key}", id(last))))
            }
            _ => None,
        };
        Self {
            rows: found.rows.into_iter().map(Into::into).collect(),
            next,
        }
    }
}

impl ListParams {
    fn link(&self, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.limit.0.to_string());
        query.append_pair("after", after);
        let rest = [
            ("patientId", &self.patient_id),
            ("deviceId", &self.device_id),
            ("q", &self.q),
            ("sort", &self.sort),
        ];
        for (name, value) in rest {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("<?{}>; rel=\"next\"", query.finish())
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.rows).into_response();
        // Relative to the request, so that it also holds behind a proxy that adds a prefix.
        if let Some(Ok(next)) = self.next.map(|next| HeaderValue::from_str(&next)) {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}
