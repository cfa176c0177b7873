//! HTTP Basic with an API key.

use std::fmt;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Api, ApiError};

/// The key that clients must send, as the header's value.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    pub fn new(key: &str, secret: &str) -> Self {
        Self(format!(
            "Basic {}",
            STANDARD.encode(format!("{key}:{secret}"))
        ))
    }

    /// Takes as long for a nearly right value as for a wrong one.
    fn matches(&self, given: &[u8]) -> bool {
        let own = self.0.as_bytes();
        let differences = own.iter().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b));
        own.len() == given.len() && differences == 0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKey(..)")
    }
}

pub(super) async fn check(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .map_or(&b""[..], |value| value.as_bytes());
    if api.key.is_some_and(|key| !key.matches(given)) {
        return Err(ApiError::unauthorized());
    }
    Ok(next.run(request).await)
}
