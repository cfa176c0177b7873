//! What keeps one caller from harming the others: a deadline, and an answer for connections that are too many.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::time::timeout;

use super::ApiError;

/// Marks a request, in its extensions, that came over a connection beyond the limit.
#[derive(Debug, Clone, Copy)]
pub struct OverLimit;

/// What whoever watches the service asks, most of all when it has too much to do.
const ALWAYS_ANSWERED: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Answers a request that is [`OverLimit`] with 503.
pub async fn refuse_over_limit(request: Request, next: Next) -> Response {
    let refused = request.extensions().get::<OverLimit>().is_some()
        && !ALWAYS_ANSWERED.contains(&request.uri().path());
    if refused {
        return ApiError::unavailable("The service has too many open connections; try again.")
            .into_response();
    }
    next.run(request).await
}

/// Gives a request up that takes longer than `limit`: 503.
pub async fn deadline(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            ApiError::unavailable("The service did not finish in time; try again.").into_response()
        }
    }
}
