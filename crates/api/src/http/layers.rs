//! What surrounds the router.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, cors::CorsLayer,
    set_header::SetResponseHeaderLayer,
};

use super::{
    ApiError,
    body::MAX_BODY,
    idempotency::IDEMPOTENCY_KEY,
    limits,
    observe::{REQUEST_ID, observe},
};
use crate::{clock::Ids, state::AppState};

/// Deadline and compression, for routes that answer at once.
pub fn plain<S: Clone + Send + Sync + 'static>(router: Router<S>, deadline: Duration) -> Router<S> {
    router
        .layer(from_fn_with_state(deadline, limits::deadline))
        .layer(CompressionLayer::new())
}

/// What every request goes through, outermost last.
pub fn all(router: Router<AppState>, ids: Arc<Ids>, origins: &[HeaderValue]) -> Router<AppState> {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(limits::refuse_over_limit))
        .layer(from_fn_with_state(ids, observe))
        .layer(cors(origins))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        // Answers are about patients; streams say no-cache themselves.
        .layer(header(header::CACHE_CONTROL, "no-store"))
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    ApiError::Internal(anyhow::anyhow!("panic: {text}")).into_response()
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::CONTENT_TYPE,
            header::IF_MATCH,
            IDEMPOTENCY_KEY,
            HeaderName::from_static("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            REQUEST_ID,
        ])
}
