//! `/drift`: readings out of their prescribed range.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use hc_domain::{DeviceId, DriftEvent, DriftKey, Metric};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::telemetry::some_limit;
use crate::{
    http::{ApiError, Json, Params},
    openapi::types,
    routes::{events::StreamParams, parse_filter},
    state::{AppState, Records},
    store,
    stream::{Kind, Topic, sse},
};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list_drift))
}

pub(crate) fn stream_router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(stream_drift))
}

/// The verdict that a reading is outside of the prescribed range.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DriftEvent)]
pub struct DriftOut {
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    #[schema(value_type = types::MetricName)]
    metric_name: &'static str,
    /// Event time of the reading
    #[schema(value_type = types::EpochMillis)]
    ts: i64,
    /// The prescription that judged the reading
    #[schema(value_type = types::PrescriptionId)]
    prescription_id: String,
    #[schema(value_type = types::PatientId)]
    patient_id: String,
    /// All values are in the metric's unit
    #[schema(examples(12.0))]
    prescribed_value: f64,
    #[schema(examples(14.4))]
    actual_value: f64,
    #[schema(examples(1.5))]
    tolerance: f64,
    /// Actual minus prescribed value
    #[schema(examples(2.4))]
    deviation: f64,
    drift_direction: Direction,
    #[schema(examples("Pressure 14.4 is 2.4 above 12.0"))]
    message: String,
}

/// On which side of the target.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DriftDirection)]
pub enum Direction {
    Above,
    Below,
}

/// Data of the event `drift-cleared`: this verdict no longer holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DriftKey)]
pub struct DriftKeyOut {
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    #[schema(value_type = types::MetricName)]
    metric_name: &'static str,
    #[schema(value_type = types::EpochMillis)]
    ts: i64,
    #[schema(value_type = types::PrescriptionId)]
    prescription_id: String,
}

impl From<DriftKey> for DriftKeyOut {
    fn from(key: DriftKey) -> Self {
        Self {
            device_id: key.device_id.into(),
            metric_name: key.metric.as_str(),
            ts: key.ts,
            prescription_id: key.prescription_id.into(),
        }
    }
}

impl From<DriftEvent> for DriftOut {
    fn from(event: DriftEvent) -> Self {
        let key = DriftKeyOut::from(event.key);
        Self {
            device_id: key.device_id,
            metric_name: key.metric_name,
            ts: key.ts,
            prescription_id: key.prescription_id,
            patient_id: event.patient_id.into(),
            prescribed_value: event.prescribed_value,
            actual_value: event.actual_value,
            tolerance: event.tolerance,
            deviation: event.deviation,
            drift_direction: match event.drift_direction {
                hc_domain::DriftDirection::Above => Direction::Above,
                hc_domain::DriftDirection::Below => Direction::Below,
            },
            message: event.message,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    /// Only verdicts about this device
    #[serde(alias = "device_id")]
    #[param(value_type = Option<types::DeviceId>, example = "DEV-P001")]
    device_id: Option<String>,
    /// Only verdicts about this metric
    #[param(value_type = Option<types::MetricName>, example = "Pressure")]
    metric: Option<String>,
    /// At most this many, 1 to 1000; 100 when absent
    #[serde(default, deserialize_with = "some_limit")]
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<u16>,
}

/// Verdicts that hold now, newest reading first
#[utoipa::path(get, path = "/drift", tag = "drift", params(Filter), responses((status = OK, body = Vec<DriftOut>)))]
async fn list_drift(
    State(state): State<Arc<AppState>>,
    Params(filter): Params<Filter>,
) -> Result<Json<Vec<DriftOut>>, ApiError> {
    let device: Option<DeviceId> = parse_filter("deviceId", filter.device_id.as_deref())?;
    let metric: Option<Metric> = parse_filter("metric", filter.metric.as_deref())?;
    let events = match &state.records {
        Records::Postgres(pool) => {
            let device = device.as_ref().map(DeviceId::as_str);
            let limit = i64::from(filter.limit.unwrap_or(100));
            let mut db = pool.acquire().await?;
            let metric = metric.map(Metric::as_str);
            let events = store::drift::list(&mut db, device, metric, limit).await?;
            db.release();
            events
        }
        // Verdicts come through Kafka into the database; without one there are none.
        Records::Demo(_) => Vec::new(),
    };
    Ok(Json(events.into_iter().map(DriftOut::from).collect()))
}

/// Verdicts as server-sent events
///
/// `drift` has a `DriftEvent`, new or changed; `drift-cleared` has the `DriftKey` of a verdict that a correction took
/// back; `missed`, `reset` and `ping` are as in `/telemetry/stream`. Ids are those of `/events`.
#[utoipa::path(get, path = "/drift/stream", tag = "drift",
    params(StreamParams, sse::LastEventId),
    responses((status = OK, content_type = "text/event-stream", body = String, example = json!(EXAMPLE))))]
async fn stream_drift(
    State(state): State<Arc<AppState>>,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    params.open(&state, Kind::Drift, &[Topic::Drift], &headers)
}

const EXAMPLE: &str = r#"retry: 1000

id: b00t-41
event: drift
data: {"deviceId":"DEV-P001","metricName":"Pressure","ts":1780272000000,"prescriptionId":"RX-DEV-P001-a3F9","patientId":"P001","prescribedValue":12.0,"actualValue":14.4,"tolerance":1.5,"deviation":2.4,"driftDirection":"above","message":"Pressure 14.4 is 2.4 above 12.0"}

id: b00t-42
event: drift-cleared
data: {"deviceId":"DEV-P001","metricName":"Pressure","ts":1780272000000,"prescriptionId":"RX-DEV-P001-a3F9"}

"#;
