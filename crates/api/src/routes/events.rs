//! `/events`: several topics in one stream, because browsers allow six connections to a host.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{ApiError, Params},
    openapi::types,
    routes::parse_filter,
    state::AppState,
    stream::{Filter, Kind, Topic, sse},
};

pub(crate) fn stream_router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(stream_events))
}

/// What to listen to, of one topic.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StreamParams {
    /// Only events about this device
    #[serde(alias = "device_id")]
    #[param(value_type = Option<types::DeviceId>, example = "DEV-P001")]
    device_id: Option<String>,
    /// Only events about this metric
    #[param(value_type = Option<types::MetricName>, example = "Pressure")]
    metric: Option<String>,
    /// Continue after this event id; the header Last-Event-ID wins
    #[param(example = "b00t-41")]
    after: Option<String>,
}

impl StreamParams {
    /// The stream, when there is room for one more.
    ///
    /// # Errors
    /// 400 that names a wrong parameter, 503 when there is no room.
    pub(super) fn open(
        self,
        state: &AppState,
        kind: Kind,
        topics: &[Topic],
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let filter = Filter {
            device: parse_filter("deviceId", self.device_id.as_deref())?,
            metric: parse_filter("metric", self.metric.as_deref())?,
        };
        let after = sse::last_event_id(headers).or(self.after);
        let ticket = state.gate.enter(kind)?;
        let subscriber = state.hub.subscribe(topics, filter, after.as_deref());
        Ok(sse::response(subscriber, ticket))
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventsParams {
    /// Which topics, separated by commas: telemetry, drift, simulation; all when absent
    #[param(example = "telemetry,drift")]
    topics: Option<String>,
    /// Only events about this device; those that are about no device come all the same
    #[serde(alias = "device_id")]
    #[param(value_type = Option<types::DeviceId>, example = "DEV-P001")]
    device_id: Option<String>,
    /// Only events about this metric; those that are about no metric come all the same
    #[param(value_type = Option<types::MetricName>, example = "Pressure")]
    metric: Option<String>,
    /// Continue after this event id; the header Last-Event-ID wins
    #[param(example = "b00t-41")]
    after: Option<String>,
}

fn parse_topics(text: Option<&str>) -> Result<Vec<Topic>, ApiError> {
    let Some(text) = text else {
        return Ok(Topic::ALL.to_vec());
    };
    let named = text.split(',').map(|name| name.trim().parse());
    let named: Vec<Topic> = named
        .collect::<Result<_, _>>()
        .map_err(|error| ApiError::parameter("topics", error))?;
    Ok(Topic::ALL
        .into_iter()
        .filter(|topic| named.contains(topic))
        .collect())
}

/// Events of several topics as server-sent events
///
/// Topic `telemetry` has the events of `/telemetry/stream`, topic `drift` those of `/drift/stream`, and topic
/// `simulation` has `simulation` with a `SimulationStatus` whenever the simulation starts, stops, fails or recovers.
///
/// Every event has an id, `<boot>-<number>`; the numbers are of one sequence over all topics, in which events arrive.
/// The id of the last event therefore says for every topic where to continue, also with other topics or another filter
/// than before, and in the streams of one topic.
/// `missed` (a `Missed`) says how many events of a topic a slow reader lost. `reset` (a `Reset`) says that the events of
/// a topic after the given id are not all known, so what was shown may have gaps and should be read again.
/// `ping` comes after 15 seconds without another event.
#[utoipa::path(get, path = "/events", tag = "events",
    params(EventsParams, sse::LastEventId),
    responses((status = OK, content_type = "text/event-stream", body = String, example = json!(EXAMPLE))))]
async fn stream_events(
    State(state): State<Arc<AppState>>,
    Params(params): Params<EventsParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let topics = parse_topics(params.topics.as_deref())?;
    let params = StreamParams {
        device_id: params.device_id,
        metric: params.metric,
        after: params.after,
    };
    params.open(&state, Kind::Events, &topics, &headers)
}

const EXAMPLE: &str = r#"retry: 1000

id: b00t-41
event: telemetry
data: {"deviceId":"DEV-P001","patientId":"P001","ts":1780272000000,"metricName":"Pressure","metricValue":12.3,"softwareVersion":"2.4.0"}

id: b00t-42
event: simulation
data: {"running":false,"simulationType":"all","patientId":null,"storyTime":1780272000000,"startedAt":null,"records":1200,"errors":0,"lastError":null,"speed":0.0,"kafka":"connected"}

event: missed
data: {"topic":"telemetry","count":40}

event: ping
data: {}

"#;
