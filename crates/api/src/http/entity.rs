//! Versioned resources over HTTP: entity tags and preconditions.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::ApiError;

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

/// The precondition of a change.
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
    /// For changes that must say which version they are meant for.
    ///
    /// # Errors
    /// 428 without the header.
    pub fn required(self) -> Result<Self, ApiError> {
        match self {
            Self::Absent => Err(ApiError::PreconditionRequired),
            other => Ok(other),
        }
    }

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
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let mut versions = Vec::new();
        for tag in text.split(',').map(str::trim) {
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let opaque = strong
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .ok_or_else(|| {
                    ApiError::BadRequest(format!(
                        "If-Match must be an ETag in double quotes, such as \"3\", but is {text}."
                    ))
                })?;
            // If-Match compares strongly (RFC 9110, 13.1.1), and a weak tag never matches that way.
            if strong == tag {
                versions.extend(opaque.parse::<i64>().ok());
            }
        }
        Ok(Self::Versions(versions))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.headers.get(header::IF_MATCH) {
            None => Ok(Self::Absent),
            Some(value) => value
                .to_str()
                .map_err(|_| ApiError::BadRequest("If-Match is not readable.".to_owned()))
                .and_then(Self::parse),
        }
    }
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
        assert!(matches!(IfMatch::parse("3"), Err(ApiError::BadRequest(_))));
    }
}
