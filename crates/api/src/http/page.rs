//! Lists: pages by the last identifier seen, and query parameters whose errors name the parameter.

use axum::{
    Json,
    extract::{FromRequestParts, Query},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::ApiError;

const MAX_LIMIT: u16 = 1000;

/// Query parameters; a bad one is a 400 that names it.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|rejection| ApiError::BadRequest(format!("{}.", rejection.body_text())))
    }
}

/// Which part of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// At most this many, 1 to 1000; 100 when absent
    #[serde(default, deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 1000, value_type = Option<u16>)]
    limit: Limit,
    /// Continue after this identifier, the last one of the page before
    #[serde(default)]
    pub after: Option<String>,
}

impl Paging {
    /// One more than asked for, to learn whether there is a next page.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit.0) + 1
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
        .ok_or_else(|| serde::de::Error::custom(format!("must be a number from 1 to {MAX_LIMIT}")))
}

/// A page of a list, with a link to the next one if there is one.
#[derive(Debug)]
pub struct Page<T> {
    rows: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to [`Paging::fetch`] rows. `filters` are the other query parameters, for the link.
    pub fn new(
        paging: &Paging,
        mut rows: Vec<T>,
        id: impl Fn(&T) -> &str,
        filters: &[(&str, Option<&str>)],
    ) -> Self {
        let limit = usize::from(paging.limit.0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| {
            let mut link = format!("<?limit={limit}&after={}", id(last));
            for (name, value) in filters {
                if let Some(value) = value {
                    link.push_str(&format!("&{name}={value}"));
                }
            }
            link + ">; rel=\"next\""
        });
        Self { rows, next }
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
