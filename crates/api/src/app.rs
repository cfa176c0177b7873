//! The router and its OpenAPI document.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, StatusCode},
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

use crate::{http::layers, openapi, routes, state::AppState};

/// Origins of the user interface in development.
pub const LOCAL_ORIGINS: [&str; 4] = [
    "http://localhost:5173",
    "http://127.0.0.1:5173",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
];

/// The whole service. `origins` are the web pages that may call it, besides those of the same origin; `deadline` is for
/// every request but streams.
pub fn router(state: Arc<AppState>, origins: &[HeaderValue], deadline: Duration) -> Router {
    let (plain, document) = routes::plain().split_for_parts();
    let (streams, more) = routes::streams().split_for_parts();
    let document = openapi::complete(document.merge_from(more));
    let docs: Router<Arc<AppState>> = SwaggerUi::new("/docs")
        .url("/openapi.json", document)
        .into();
    let all = layers::plain(plain.merge(docs), deadline)
        .merge(streams)
        .fallback(
            get(nothing)
                .post(nothing)
                .put(nothing)
                .patch(nothing)
                .delete(nothing),
        );
    layers::all(all, &state, origins).with_state(state)
}

async fn nothing() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// The description of the API, from which clients are generated.
pub fn document() -> OpenApi {
    let (_, plain) = routes::plain().split_for_parts();
    let (_, streams) = routes::streams().split_for_parts();
    openapi::complete(plain.merge_from(streams))
}
