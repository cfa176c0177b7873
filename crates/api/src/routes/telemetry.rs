//! `/telemetry`: readings as they are simulated.

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use hc_domain::Reading;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{ApiError, Json, Params, page::bounded_limit},
    openapi::types,
    routes::{events::StreamParams, parse_filter},
    state::AppState,
    stream::{Kind, Topic, sse},
};

/// A thousand devices have 600,000 readings; this many are 1.5 MB.
const MOST_AT_ONCE: usize = 10_000;

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list_readings))
}

pub(crate) fn stream_router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(stream_readings))
}

/// One measured value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reading)]
pub struct ReadingOut<'a> {
    #[schema(value_type = types::DeviceId)]
    device_id: &'a str,
    #[schema(value_type = types::PatientId)]
    patient_id: &'a str,
    /// Event time
    #[schema(value_type = types::EpochMillis)]
    ts: i64,
    #[schema(value_type = types::MetricName)]
    metric_name: &'static str,
    /// In the metric's unit: cm[H2O], L/min or mL
    #[schema(examples(12.3))]
    metric_value: f64,
    #[schema(required, examples("2.4.0"))]
    software_version: Option<&'a str>,
}

impl<'a> From<&'a Reading> for ReadingOut<'a> {
    fn from(reading: &'a Reading) -> Self {
        Self {
            device_id: reading.device_id.as_str(),
            patient_id: reading.patient_id.as_str(),
            ts: reading.ts,
            metric_name: reading.metric.as_str(),
            metric_value: reading.value,
            software_version: reading.software_version.as_deref(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    /// Only readings of this device
    #[serde(alias = "device_id")]
    #[param(value_type = Option<types::DeviceId>, example = "DEV-P001")]
    device_id: Option<String>,
    /// Only readings of this metric
    #[param(value_type = Option<types::MetricName>, example = "Pressure")]
    metric: Option<String>,
    /// The newest this many, 1 to 1000; 10000 when absent
    #[serde(default, deserialize_with = "some_limit")]
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<u16>,
}

pub(super) fn some_limit<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u16>, D::Error> {
    bounded_limit(deserializer).map(Some)
}

/// The newest readings of each device and metric, oldest first
#[utoipa::path(get, path = "/telemetry/metrics", tag = "telemetry", params(Filter),
    responses((status = OK, body = Vec<ReadingOut>)))]
async fn list_readings(
    State(state): State<Arc<AppState>>,
    Params(filter): Params<Filter>,
) -> Result<Response, ApiError> {
    let device = parse_filter("deviceId", filter.device_id.as_deref())?;
    let metric = parse_filter("metric", filter.metric.as_deref())?;
    let limit = filter.limit.map_or(MOST_AT_ONCE, usize::from);
    let readings = state.telemetry.recent(device.as_ref(), metric, limit);
    let readings: Vec<_> = readings
        .iter()
        .map(|reading| ReadingOut::from(&**reading))
        .collect();
    Ok(Json(readings).into_response())
}

/// Readings as server-sent events
///
/// `telemetry` has a `Reading`; `missed` says how many a slow reader lost; `reset` means that the given event id is
/// not known here, so what was shown may have gaps; `ping` comes after 15 seconds without another event. Ids are those
/// of `/events`.
#[utoipa::path(get, path = "/telemetry/stream", tag = "telemetry",
    params(StreamParams, sse::LastEventId),
    responses((status = OK, content_type = "text/event-stream", body = String, example = json!(EXAMPLE))))]
async fn stream_readings(
    State(state): State<Arc<AppState>>,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    params.open(&state, Kind::Telemetry, &[Topic::Telemetry], &headers)
}

const EXAMPLE: &str = r#"retry: 1000

id: b00t-41
event: telemetry
data: {"deviceId":"DEV-P001","patientId":"P001","ts":1780272000000,"metricName":"Pressure","metricValue":12.3,"softwareVersion":"2.4.0"}

event: missed
data: {"topic":"telemetry","count":40}

event: ping
data: {}

"#;
