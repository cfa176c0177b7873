//! `/device/{deviceId}/simulator/{type}` and `/simulation/defects`: what goes wrong with the simulated devices.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use hc_domain::DeviceId;
use hc_simulator::DefectKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{devices, parse_filter};
use crate::{
    http::{ApiError, Json, Params},
    openapi::types,
    simulation::{Defect, DefectError, DefectState},
    state::AppState,
};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(begin_defect))
        .routes(routes!(list_defects))
        .routes(routes!(get_defect, cancel_defect))
}

/// A defect of a device, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Defect)]
pub struct DefectOut {
    #[schema(examples("0190a6b2-7c1d-7e5f-8a3b-4c5d6e7f8091"))]
    id: Uuid,
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    #[serde(rename = "type")]
    #[schema(value_type = types::DefectType)]
    kind: &'static str,
    state: StateOut,
    /// Rounds of the device on which it has acted
    #[schema(examples(3))]
    rounds_done: u32,
    /// Rounds after which it is over; null when it lasts until it is cancelled
    #[schema(required, examples(8))]
    rounds_total: Option<u32>,
    /// Simulated time of its first round
    #[schema(required, value_type = Option<types::EpochMillis>)]
    since: Option<i64>,
    /// Wall time
    #[schema(value_type = types::EpochMillis)]
    started_at: i64,
    /// Wall time
    #[schema(required, value_type = Option<types::EpochMillis>)]
    ended_at: Option<i64>,
}

/// Where a defect is in its life.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DefectState)]
pub enum StateOut {
    /// The device has not reported since
    Waiting,
    Active,
    /// It has acted on all of its rounds
    Done,
    Cancelled,
}

impl From<Defect> for DefectOut {
    fn from(defect: Defect) -> Self {
        Self {
            id: defect.id,
            device_id: defect.device_id.into(),
            kind: defect.kind.as_str(),
            state: match defect.state {
                DefectState::Waiting => StateOut::Waiting,
                DefectState::Active => StateOut::Active,
                DefectState::Done => StateOut::Done,
                DefectState::Cancelled => StateOut::Cancelled,
            },
            rounds_done: defect.rounds_done,
            rounds_total: defect.kind.steps(),
            since: defect.since,
            started_at: defect.started_at,
            ended_at: defect.ended_at,
        }
    }
}

/// Which defects to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DefectFilter {
    /// Only those of this device
    #[param(example = "DEV-P001", value_type = Option<types::DeviceId>)]
    device_id: Option<String>,
}

fn unknown(id: &str) -> ApiError {
    ApiError::NotFound {
        kind: "defect",
        id: id.to_owned(),
    }
}

fn known(id: &str) -> Result<Uuid, ApiError> {
    id.parse().map_err(|_| unknown(id))
}

/// Let a device have a defect
///
/// Answers at once; `GET` of the `Location` tells how far it is. Several different ones can act on a device at once.
/// While the simulation is stopped, a defect of some rounds makes this device alone report them, and one that lasts
/// waits for the start.
#[utoipa::path(post, path = "/device/{deviceId}/simulator/{type}", tag = "simulation",
    params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001"),
        ("type" = types::DefectType, Path, description = "What goes wrong", example = "mask_leak")),
    responses((status = ACCEPTED, description = "Begun; the `Location` tells how far it is", body = DefectOut,
            headers(("Location" = String))),
        (status = CONFLICT, description = "It acts on the device already, or nobody wears the device"),
        (status = UNPROCESSABLE_ENTITY, description = "There is no such type; the detail names those that there are")))]
async fn begin_defect(
    State(state): State<Arc<AppState>>,
    Path((device, kind)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    let kind: DefectKind = kind
        .parse()
        .map_err(|error| ApiError::Unprocessable(format!("{error}.")))?;
    let device = devices::find(&state, &device).await?.value;
    devices::wearer(&device)?;
    let id = state.ids.request();
    let begun = state
        .simulation
        .begin_defect(id, device.device_id.clone(), kind);
    let defect = begun.await.map_err(|error| match error {
        DefectError::Exists(id) => ApiError::Conflict(format!(
            "{kind} acts on device {} already; its id is {id}.",
            device.device_id
        )),
        DefectError::Unavailable(detail) => ApiError::unavailable(detail),
    })?;
    let location = format!("/simulation/defects/{id}");
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(DefectOut::from(defect)),
    ))
}

/// List the defects that are not over, oldest first
#[utoipa::path(get, path = "/simulation/defects", tag = "simulation", params(DefectFilter),
    responses((status = OK, body = Vec<DefectOut>)))]
async fn list_defects(
    State(state): State<Arc<AppState>>,
    Params(filter): Params<DefectFilter>,
) -> Result<Json<Vec<DefectOut>>, ApiError> {
    let device: Option<DeviceId> = parse_filter("deviceId", filter.device_id.as_deref())?;
    let defects = state.simulation.defects().list(device.as_ref());
    Ok(Json(defects.into_iter().map(DefectOut::from).collect()))
}

/// See how far a defect is
#[utoipa::path(get, path = "/simulation/defects/{defectId}", tag = "simulation", params(("defectId" = Uuid, Path,
        description = "Which defect", example = "0190a6b2-7c1d-7e5f-8a3b-4c5d6e7f8091")),
    responses((status = OK, body = DefectOut)))]
async fn get_defect(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<Json<DefectOut>, ApiError> {
    let found = state.simulation.defects().get(known(&id)?);
    found
        .map(|defect| Json(defect.into()))
        .ok_or_else(|| unknown(&id))
}

/// Cancel a defect
///
/// The device's next round is without it. A defect that is over stays as it is.
#[utoipa::path(delete, path = "/simulation/defects/{defectId}", tag = "simulation", params(("defectId" = Uuid, Path,
        description = "Which defect", example = "0190a6b2-7c1d-7e5f-8a3b-4c5d6e7f8091")),
    responses((status = NO_CONTENT)))]
async fn cancel_defect(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let now = state.clock.now_millis();
    if state.simulation.defects().cancel(known(&id)?, now) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown(&id))
    }
}
