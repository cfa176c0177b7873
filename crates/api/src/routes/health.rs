//! `/health` and `/ready`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::Json,
    readiness::{Check, State as CheckState},
    state::AppState,
};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`
    #[schema(examples("ok"))]
    status: &'static str,
}

/// Whether the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// `ready` or `unavailable`
    #[schema(examples("ready"))]
    status: &'static str,
    dependencies: Vec<Dependency>,
}

/// Something that the service needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dependency {
    #[schema(examples("postgres"))]
    name: &'static str,
    status: DependencyStatus,
    /// What is known about it
    #[schema(examples("answers"))]
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DependencyStatus {
    Ok,
    /// Not configured, and not needed in this mode
    Disabled,
    Unavailable,
}

impl From<Check> for Dependency {
    fn from(check: Check) -> Self {
        Self {
            name: check.name,
            status: match check.state {
                CheckState::Ok => DependencyStatus::Ok,
                CheckState::Disabled => DependencyStatus::Disabled,
                CheckState::Unavailable => DependencyStatus::Unavailable,
            },
            detail: check.detail,
        }
    }
}

/// Whether the process answers
#[utoipa::path(get, path = "/health", tag = "health", responses((status = OK, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the service and what it depends on can do their work
#[utoipa::path(get, path = "/ready", tag = "health", responses(
    (status = OK, body = Ready), (status = SERVICE_UNAVAILABLE, body = Ready, description = "A dependency does not answer")))]
async fn ready(State(state): State<Arc<AppState>>) -> (StatusCode, Json<Ready>) {
    let checks = state.readiness.check(&state.records).await;
    let failed = checks
        .iter()
        .any(|check| check.state == CheckState::Unavailable);
    let (code, status) = if failed {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    } else {
        (StatusCode::OK, "ready")
    };
    let dependencies = checks.into_iter().map(Dependency::from).collect();
    (
        code,
        Json(Ready {
            status,
            dependencies,
        }),
    )
}
