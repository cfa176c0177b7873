//! What surrounds the router.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, Predicate as _, SizeAbove},
    },
    cors::CorsLayer,
};

use super::{
    ApiError,
    body::MAX_BODY,
    idempotency::IDEMPOTENCY_KEY,
    limits,
    observe::{REQUEST_ID, observe},
};
use crate::{metrics, state::AppState};

/// A shorter answer does not get shorter enough to pay for the work.
const MIN_COMPRESSED: u64 = 1024;

/// Deadline and compression, for routes that answer at once.
pub fn plain<S: Clone + Send + Sync + 'static>(router: Router<S>, deadline: Duration) -> Router<S> {
    let predicate = DefaultPredicate::new().and(SizeAbove::new(MIN_COMPRESSED));
    router.layer(
        ServiceBuilder::new()
            .layer(CompressionLayer::new().compress_when(predicate))
            .layer(from_fn_with_state(deadline, limits::deadline)),
    )
}

/// What every request goes through, outermost first. It is one layer for the router, which boxes the request and the
/// answer at each of its layers.
pub fn all(
    router: Router<Arc<AppState>>,
    state: &Arc<AppState>,
    origins: &[HeaderValue],
) -> Router<Arc<AppState>> {
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(state.clone(), metrics::observe))
            .map_response(protect)
            .layer(cors(origins))
            .layer(from_fn_with_state(state.ids.clone(), observe))
            .layer(from_fn(limits::refuse_over_limit))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(DefaultBodyLimit::max(MAX_BODY)),
    )
}

/// Headers that tell browsers to be careful with the answer.
fn protect<B>(mut response: Response<B>) -> Response<B> {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Answers are about patients; streams say no-cache themselves.
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
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
