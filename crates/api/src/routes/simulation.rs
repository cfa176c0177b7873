//! `/simulation`: start and stop the devices.

use std::sync::Arc;

use axum::extract::State;
use hc_domain::PatientId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{ApiError, Json, JsonObject, Resource},
    openapi::types,
    readiness::KafkaState,
    simulation::{Scope, StartError, Status},
    state::AppState,
};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(simulation_status))
        .routes(routes!(start_simulation))
        .routes(routes!(stop_simulation))
}

/// Which devices report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SimulationType {
    /// The devices of all patients
    #[default]
    All,
    /// The devices of one patient
    Single,
}

/// What to simulate; everything when there is no body.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulationStart {
    #[serde(default)]
    simulation_type: SimulationType,
    /// Required for `single`
    #[serde(default)]
    #[schema(value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
}

impl Resource for SimulationStart {
    const FIELDS: &'static [&'static str] = &["simulationType", "patientId"];
}

impl SimulationStart {
    fn scope(self) -> Result<Scope, ApiError> {
        let at = "/patientId";
        match (self.simulation_type, self.patient_id) {
            (SimulationType::All, _) => Ok(Scope::All),
            (SimulationType::Single, Some(id)) if !id.is_empty() => {
                let id: PatientId = id.parse().map_err(|error| ApiError::invalid(at, error))?;
                Ok(Scope::Single(id))
            }
            (SimulationType::Single, _) => Err(ApiError::invalid(
                at,
                "is required when simulationType is single",
            )),
        }
    }
}

/// An answer in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulationAnswer {
    /// `started` or `stopped`
    #[schema(examples("started"))]
    status: &'static str,
    #[schema(examples("Device simulation is running."))]
    message: String,
}

/// What the simulation does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulationStatus {
    #[schema(examples(true))]
    running: bool,
    simulation_type: SimulationType,
    /// The patient of a `single` simulation
    #[schema(required, value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
    /// The simulated time: "now" for prescriptions
    #[schema(value_type = types::EpochMillis)]
    story_time: i64,
    /// When the simulation was started, wall time
    #[schema(required, value_type = Option<types::EpochMillis>)]
    started_at: Option<i64>,
    /// Readings since the start
    #[schema(examples(1200))]
    records: u64,
    /// Failures since the start that were tried again, such as Kafka not answering
    #[schema(examples(0))]
    errors: u64,
    /// What went wrong last, while it still does
    #[schema(required)]
    last_error: Option<String>,
    /// Story seconds per wall second; 0 while stopped
    #[schema(examples(300.0))]
    speed: f64,
    kafka: KafkaStatus,
}

/// Whether readings reach Kafka.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KafkaStatus {
    /// The last readings did
    Connected,
    /// No Kafka is configured; readings reach the screen only
    Disabled,
    /// Kafka does not answer, or has not been asked yet
    Unavailable,
}

impl SimulationStatus {
    pub(crate) fn new(status: Status, kafka: KafkaState) -> Self {
        let (simulation_type, patient_id) = match status.scope {
            Scope::All => (SimulationType::All, None),
            Scope::Single(patient) => (SimulationType::Single, Some(patient.into())),
        };
        Self {
            running: status.running,
            simulation_type,
            patient_id,
            story_time: status.story_time,
            started_at: status.started_at,
            records: status.records,
            errors: status.errors,
            last_error: status.last_error,
            speed: status.speed,
            kafka: match kafka {
                KafkaState::Connected => KafkaStatus::Connected,
                KafkaState::Disabled => KafkaStatus::Disabled,
                KafkaState::Unavailable => KafkaStatus::Unavailable,
            },
        }
    }
}

/// What the simulation does now
#[utoipa::path(get, path = "/simulation/status", tag = "simulation",
    responses((status = OK, body = SimulationStatus)))]
async fn simulation_status(State(state): State<Arc<AppState>>) -> Json<SimulationStatus> {
    let kafka = state.simulation.kafka();
    Json(SimulationStatus::new(state.simulation.status(), kafka))
}

/// Start the simulation
#[utoipa::path(post, path = "/simulation/start", tag = "simulation", 
    request_body(content = Option<SimulationStart>, example = json!({"simulationType": "single", "patientId": "P001"})),
    responses((status = OK, body = SimulationAnswer),
        (status = NOT_FOUND, description = "There is no such patient"),
        (status = CONFLICT, description = "The simulation runs already, or nobody wears a device")))]
async fn start_simulation(
    State(state): State<Arc<AppState>>,
    body: Option<JsonObject>,
) -> Result<Json<SimulationAnswer>, ApiError> {
    let request: SimulationStart = body.unwrap_or_default().into_resource()?;
    let scope = request.scope()?;
    let message = match &scope {
        Scope::All => "Device simulation is running.".to_owned(),
        Scope::Single(patient) => format!("Device simulation is running for patient {patient}."),
    };
    state
        .simulation
        .start(scope)
        .await
        .map_err(|error| match error {
            StartError::Running => {
                ApiError::Conflict("The simulation is already running.".to_owned())
            }
            StartError::UnknownPatient(id) => ApiError::NotFound {
                kind: "patient",
                id,
            },
            StartError::NoDevice => ApiError::Conflict(
                "Nobody wears a device, so there is nothing to simulate.".to_owned(),
            ),
            StartError::Unavailable(detail) => ApiError::unavailable(detail),
        })?;
    Ok(Json(SimulationAnswer {
        status: "started",
        message,
    }))
}

/// Stop the simulation, if it runs
#[utoipa::path(post, path = "/simulation/stop", tag = "simulation",
    responses((status = OK, body = SimulationAnswer,
        example = json!({"status": "stopped", "message": "Device simulation stopped."}))))]
async fn stop_simulation(State(state): State<Arc<AppState>>) -> Json<SimulationAnswer> {
    let message = if state.simulation.stop().await {
        "Device simulation stopped."
    } else {
        "Simulation was already stopped."
    };
    Json(SimulationAnswer {
        status: "stopped",
        message: message.to_owned(),
    })
}
