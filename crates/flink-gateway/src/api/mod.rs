//! The statements API, `/sql/v1/organizations/{org}/environments/{env}/statements`, and the few requests of other APIs of
//! Confluent Cloud with which a deployment tool looks around.

mod auth;
mod cloud;
mod error;
mod lake;
mod patch;
mod results;
mod statements;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tower_http::trace::TraceLayer;

pub use auth::ApiKey;
use error::ApiError;

use crate::engine::Engine;

/// Largest accepted request, in bytes; a statement is text written by people.
const BODY_MAX: usize = 1024 * 1024;

/// State of the API.
#[derive(Clone)]
pub struct Api {
    pub engine: Arc<Engine>,
    /// The one key that is accepted; `None` accepts every key, and none.
    pub key: Option<ApiKey>,
    /// Longest wait of a POST for its statement to leave PENDING. Clients give up after 10 s.
    pub hold: Duration,
}

/// Table of contents of the API.
pub fn router(api: Api) -> Router {
    let statements = "/sql/v1/organizations/{organization}/environments/{environment}/statements";
    Router::new()
        .route(statements, get(statements::list).post(statements::create))
        .route(
            &format!("{statements}/{{name}}"),
            get(statements::get_one)
                .patch(patch::patch)
                .delete(statements::delete),
        )
        .route(
            &format!("{statements}/{{name}}/results"),
            get(results::results),
        )
        .route(
            "/fcpm/v2/compute-pools",
            get(cloud::compute_pools).post(cloud::no_compute_pools),
        )
        .route(
            "/fcpm/v2/compute-pools/{id}",
            get(cloud::compute_pool)
                .patch(cloud::no_compute_pools)
                .delete(cloud::no_compute_pools),
        )
        .route("/org/v2/environments", get(cloud::environments))
        .route("/kafka/v3/clusters/{cluster}/topics", get(cloud::topics))
        .route("/v2/metrics/cloud/query", post(cloud::metrics))
        .route("/lake", get(lake::show).put(lake::start))
        .layer(middleware::from_fn_with_state(api.clone(), auth::check))
        .route("/health", get(|| async { "ok" }))
        .fallback(|| async { ApiError::not_found("There is nothing at this path.") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(TraceLayer::new_for_http())
        .with_state(api)
}
