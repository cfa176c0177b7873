//! The router and its OpenAPI document.

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderValue, StatusCode},
    middleware::from_fn_with_state,
    routing::get,
};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, Response, ResponseBuilder};
use utoipa_swagger_ui::SwaggerUi;

use crate::{http::layers, metrics, routes, state::AppState};

/// Origins of the user interface in development.
pub const LOCAL_ORIGINS: [&str; 4] = [
    "http://localhost:5173",
    "http://127.0.0.1:5173",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
];

/// The whole service. `origins` are the web pages that may call it, besides those of the same origin; `deadline` is for
/// every request but streams.
pub fn router(state: AppState, origins: &[HeaderValue], deadline: Duration) -> Router {
    let (plain, document) = routes::plain().split_for_parts();
    let (streams, more) = routes::streams().split_for_parts();
    let document = complete(document.merge_from(more));
    let docs: Router<AppState> = SwaggerUi::new("/docs")
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
    layers::all(all, state.ids.clone(), origins)
        .layer(from_fn_with_state(state.clone(), metrics::observe))
        .with_state(state)
}

async fn nothing() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// The description of the API, from which clients are generated.
pub fn document() -> OpenApi {
    let (_, plain) = routes::plain().split_for_parts();
    let (_, streams) = routes::streams().split_for_parts();
    complete(plain.merge_from(streams))
}

/// Every operation answers an error with a problem; said once here instead of at each handler.
fn complete(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            operation
                .responses
                .responses
                .insert("default".to_owned(), problem().into());
        }
    }
    document
}

fn problem() -> Response {
    ResponseBuilder::new()
        .description("An error, as RFC 9457 problem details")
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build(),
        )
        .build()
}
