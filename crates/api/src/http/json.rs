//! Bodies of answers.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use super::ApiError;

/// An answer in JSON. It takes serde_json fewer instructions to write into a vector than into the `BytesMut` of axum's own
/// `Json` (docs/benchmarks.md).
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let json = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, json)], Body::from(body)).into_response()
            }
            Err(error) => ApiError::Internal(error.into()).into_response(),
        }
    }
}

/// Writes an instant as chrono does, all at once: chrono passes it on digit by digit, and each is checked for signs to
/// escape.
///
/// # Errors
/// When the serializer fails.
pub fn instant<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Serialize)]
    struct At(#[serde(serialize_with = "instant")] DateTime<Utc>);

    #[test]
    fn instants_are_spelled_as_chrono_spells_them() {
        for nanos in [0, 250_000_000, 123_456_000, 123_456_789] {
            let at = DateTime::from_timestamp(1_780_272_000, nanos).unwrap();
            assert_eq!(json!(At(at)), json!(at));
        }
        let at = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
        assert_eq!(json!(At(at)), Value::from("2026-06-01T00:00:00Z"));
    }

    #[test]
    fn what_cannot_be_written_is_an_internal_error() {
        let keys_are_no_text = std::collections::BTreeMap::from([((1, 2), 3)]);
        let response = Json(keys_are_no_text).into_response();
        assert_eq!(
            response.status(),
            axum::http::StatusCode::INTERNAL_SERVER_ERROR
        );
    }
}
