//! `/pipeline/status`

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{http::Json, pipeline::PipelineStatus, state::AppState};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(pipeline_status))
}

/// How the way from a prescription to its verdict is
///
/// Topics, schemas, the Debezium connector, its replication slot and the statements of Flink, looked at now. Each part
/// answers for itself: one that does not answer within 1.5 s is shown with its reason and the others with what was found.
/// Of exceptions only the class names are shown, since their messages can contain rows and records.
#[utoipa::path(get, path = "/pipeline/status", tag = "pipeline",
    responses((status = OK, body = PipelineStatus, example = json!(example()))))]
async fn pipeline_status(State(state): State<Arc<AppState>>) -> Json<PipelineStatus> {
    Json(state.pipeline.status().await)
}

fn example() -> Value {
    json!({
        "state": "degraded",
        "topics": {
            "state": "ok",
            "reason": null,
            "content": [{
                "name": "hc_fct_drift_evts",
                "layer": "fact",
                "exists": true,
                "recordsAtMost": 120,
                "partitions": [{ "partition": 0, "begin": 0, "end": 120 }],
                "consumers": [{
                    "name": "drift",
                    "state": "caught_up",
                    "lag": 0,
                    "partitions": [{ "partition": 0, "position": 120, "lag": 0 }]
                }]
            }]
        },
        "subjects": {
            "state": "ok",
            "reason": null,
            "content": [{ "name": "hc_fct_drift_evts-value", "version": 1, "schemaId": 12 }]
        },
        "connector": {
            "state": "ok",
            "reason": null,
            "content": {
                "name": "debezium-postgres-healthcare",
                "verdict": "healthy",
                "explanation": "It runs; its last heartbeat is 2 s old.",
                "state": "RUNNING",
                "exceptions": [],
                "tasks": [{ "id": 0, "state": "RUNNING", "exceptions": [] }],
                "heartbeatAgeMs": 2345
            }
        },
        "replicationSlot": {
            "state": "ok",
            "reason": null,
            "content": {
                "name": "debezium_healthcare_slot",
                "active": true,
                "walStatus": "reserved",
                "lagBytes": 56,
                "retainedBytes": 4096,
                "warnings": []
            }
        },
        "statements": {
            "state": "unavailable",
            "reason": "The statements gateway does not answer (Connection refused (os error 111))."
        }
    })
}
