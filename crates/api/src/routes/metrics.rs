//! `/metrics`

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Counters and gauges for Prometheus
///
/// Requests and their latency by route template, the connection pool, streams and their missed events, the Kafka
/// producer and consumers.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = OK, content_type = "text/plain", body = String)))]
async fn metrics(State(state): State<Arc<AppState>>) -> impl IntoResponse {
    let text = state.metrics.render(&state);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
