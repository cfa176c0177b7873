//! The table of contents of the API.

pub mod defects;
pub mod device_events;
pub mod devices;
pub mod drift;
pub mod events;
pub mod health;
pub mod metrics;
pub mod patients;
pub mod pipeline;
pub mod prescriptions;
pub mod simulation;
pub mod telemetry;

use std::sync::Arc;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    http::{ApiError, Problem},
    state::AppState,
    stream::sse,
};

/// Routes that answer at once, with a deadline.
pub(crate) fn plain() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(health::router())
        .merge(metrics::router())
        .merge(patients::router())
        .merge(devices::router())
        .merge(prescriptions::router())
        .merge(simulation::router())
        .merge(defects::router())
        .merge(device_events::router())
        .merge(telemetry::router())
        .merge(drift::router())
        .merge(pipeline::router())
}

/// Routes that stream until the client or the service leaves.
pub(crate) fn streams() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .merge(telemetry::stream_router())
        .merge(drift::stream_router())
        .merge(events::stream_router())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Healthcare Shift Left API",
        description = "Prescriptions, devices, telemetry and drift verdicts. Synthetic data; not a medical device.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(
        Problem,
        sse::Missed,
        sse::Reset,
        telemetry::ReadingOut,
        drift::DriftOut,
        drift::DriftKeyOut
    ))
)]
struct Document;

/// Parses a query parameter that selects rows.
fn parse_filter<T>(name: &str, text: Option<&str>) -> Result<Option<T>, ApiError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.map(str::parse)
        .transpose()
        .map_err(|error| ApiError::parameter(name, error))
}
