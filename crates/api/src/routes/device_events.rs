//! `/device/{deviceId}/events`: let a device report something other than a reading.

use std::sync::Arc;

use axum::extract::{Path, State};
use hc_domain::{Checks, Device, DeviceEvent, DeviceEventKind, PatientId, Place};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::devices;
use crate::{
    http::{ApiError, Json, JsonObject, Params, Resource},
    openapi::types,
    state::AppState,
};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(press_button))
        .routes(routes!(report_power))
        .routes(routes!(report_place))
        .routes(routes!(simulate_all))
}

/// Who pressed a button; the wearer when there is no body.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ButtonPress {
    /// The wearer of the device when absent
    #[schema(value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
}

/// How a device is powered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PowerStatus {
    /// The wearer of the device when absent
    #[schema(value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
    /// Percent
    #[schema(minimum = 0, maximum = 100, default = 75, examples(75))]
    battery_level: i32,
    #[schema(default = true, examples(true))]
    plugged: bool,
}

impl Default for PowerStatus {
    fn default() -> Self {
        Self {
            patient_id: None,
            battery_level: 75,
            plugged: true,
        }
    }
}

/// Where a device is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GpsReport {
    /// The wearer of the device when absent
    #[schema(value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
    /// About 70 m from the device's location, or about 7 km; the geofence has 500 m
    #[schema(default = true, examples(true))]
    inside_geofence: bool,
}

impl Default for GpsReport {
    fn default() -> Self {
        Self {
            patient_id: None,
            inside_geofence: true,
        }
    }
}

impl Resource for ButtonPress {
    const FIELDS: &'static [&'static str] = &["patientId"];
    const READ_ONLY: &'static [&'static str] = &[];
}

impl Resource for PowerStatus {
    const FIELDS: &'static [&'static str] = &["patientId", "batteryLevel", "plugged"];
    const READ_ONLY: &'static [&'static str] = &[];
}

impl Resource for GpsReport {
    const FIELDS: &'static [&'static str] = &["patientId", "insideGeofence"];
    const READ_ONLY: &'static [&'static str] = &[];
}

/// A press that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ButtonPressOut {
    /// `but-` and 12 hexadecimal digits
    #[schema(examples("but-0a1b2c3d4e5f"))]
    event_id: String,
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    /// Presses of this device since the service started
    #[schema(examples(1))]
    press_count: u64,
}

/// A power status that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PowerStatusOut {
    /// `pow-` and 12 hexadecimal digits
    #[schema(examples("pow-0a1b2c3d4e5f"))]
    event_id: String,
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    /// Percent
    #[schema(examples(75))]
    battery_level: i32,
    #[schema(examples(true))]
    plugged: bool,
}

/// A place that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GpsOut {
    /// `gps-` and 12 hexadecimal digits
    #[schema(examples("gps-0a1b2c3d4e5f"))]
    event_id: String,
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    /// Degrees, WGS 84
    #[schema(examples(41.8781))]
    lat: f64,
    /// Degrees, WGS 84
    #[schema(examples(-87.6293))]
    lng: f64,
    #[schema(examples(true))]
    inside_geofence: bool,
}

/// Any of the events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DeviceEventOut {
    ButtonPress(ButtonPressOut),
    PowerStatus(PowerStatusOut),
    Gps(GpsOut),
}

/// The events that were sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedEvents {
    /// `ok`
    #[schema(examples("ok"))]
    status: &'static str,
    /// Of each device a press, a power status, a place inside of the geofence and one outside; no places of a device
    /// without a location
    events: Vec<DeviceEventOut>,
}

/// Which devices report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventScope {
    /// Only this device; every device that somebody wears when absent
    #[serde(alias = "device_id")]
    #[param(example = "DEV-P001", value_type = Option<types::DeviceId>)]
    device_id: Option<String>,
}

/// Press the button of a device
#[utoipa::path(post, path = "/device/{deviceId}/events/button-press", tag = "device events",
    request_body(content = Option<ButtonPress>, example = json!({"patientId": "P001"})), params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001")),
    responses((status = OK, body = ButtonPressOut),
        (status = CONFLICT, description = "Nobody wears the device, and the request names no patient")))]
async fn press_button(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    body: Option<JsonObject>,
) -> Result<Json<ButtonPressOut>, ApiError> {
    let request: ButtonPress = body.unwrap_or_default().into_resource()?;
    let device = devices::find(&state, &id).await?.value;
    let patient = patient(&state, &device, request.patient_id).await?;
    let event = event(&state, &device, patient, DeviceEventKind::ButtonPressed);
    state.events.send(std::slice::from_ref(&event)).await?;
    Ok(Json(pressed(&state, event)))
}

/// Let a device report its battery
#[utoipa::path(post, path = "/device/{deviceId}/events/power-status", tag = "device events",
    request_body(content = Option<PowerStatus>, example = json!({"batteryLevel": 20, "plugged": false})), params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001")),
    responses((status = OK, body = PowerStatusOut),
        (status = CONFLICT, description = "Nobody wears the device, and the request names no patient")))]
async fn report_power(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    body: Option<JsonObject>,
) -> Result<Json<PowerStatusOut>, ApiError> {
    let request: PowerStatus = body.unwrap_or_default().into_resource()?;
    let (battery_level, plugged) = (request.battery_level, request.plugged);
    let mut checks = Checks::default();
    checks.number("/batteryLevel", f64::from(battery_level), 0.0, 100.0);
    checks.finish()?;
    let device = devices::find(&state, &id).await?.value;
    let patient = patient(&state, &device, request.patient_id).await?;
    let kind = DeviceEventKind::PowerStatus {
        battery_level,
        plugged,
    };
    let event = event(&state, &device, patient, kind);
    state.events.send(std::slice::from_ref(&event)).await?;
    Ok(Json(powered(event, battery_level, plugged)))
}

/// Let a device report where it is
#[utoipa::path(post, path = "/device/{deviceId}/events/gps", tag = "device events",
    request_body(content = Option<GpsReport>, example = json!({"insideGeofence": false})), params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001")),
    responses((status = OK, body = GpsOut),
        (status = CONFLICT, description = "The device has no location, or nobody wears it and the request names no patient")))]
async fn report_place(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    body: Option<JsonObject>,
) -> Result<Json<GpsOut>, ApiError> {
    let request: GpsReport = body.unwrap_or_default().into_resource()?;
    let device = devices::find(&state, &id).await?.value;
    let patient = patient(&state, &device, request.patient_id).await?;
    let home = home(&device).ok_or_else(|| {
        let id = &device.device_id;
        ApiError::Conflict(format!(
            "Device {id} has no location, so it has no geofence. Give it a latitude and a longitude."
        ))
    })?;
    let place = home.moved(request.inside_geofence);
    let event = event(&state, &device, patient, gps(place));
    state.events.send(std::slice::from_ref(&event)).await?;
    Ok(Json(located(event, place, request.inside_geofence)))
}

/// Let devices report one event of each kind
#[utoipa::path(post, path = "/device-events/simulate-all", tag = "device events", params(EventScope),
    responses((status = OK, body = SimulatedEvents, example = json!({"status": "ok", "events": [
            {"eventId": "but-0a1b2c3d4e5f", "deviceId": "DEV-P001", "pressCount": 1},
            {"eventId": "pow-0a1b2c3d4e5f", "deviceId": "DEV-P001", "batteryLevel": 80, "plugged": true}]})),
        (status = NOT_FOUND, description = "There is no such device"),
        (status = CONFLICT, description = "Nobody wears the device")))]
async fn simulate_all(
    State(state): State<Arc<AppState>>,
    Params(scope): Params<EventScope>,
) -> Result<Json<SimulatedEvents>, ApiError> {
    let devices = match scope.device_id {
        Some(id) => {
            let device = devices::find(&state, &id).await?.value;
            devices::wearer(&device)?;
            vec![device]
        }
        None => state.records.worn_devices().await?,
    };
    let mut events = Vec::new();
    for device in &devices {
        let patient = devices::wearer(device)?;
        for kind in kinds(device) {
            events.push(event(&state, device, patient.clone(), kind));
        }
    }
    state.events.send(&events).await?;
    let mut is_inside = false;
    let events = events.into_iter().map(|event| match event.kind {
        DeviceEventKind::ButtonPressed => DeviceEventOut::ButtonPress(pressed(&state, event)),
        DeviceEventKind::PowerStatus {
            battery_level,
            plugged,
        } => DeviceEventOut::PowerStatus(powered(event, battery_level, plugged)),
        DeviceEventKind::Gps {
            latitude,
            longitude,
        } => {
            // They come in pairs, the inner one first.
            is_inside = !is_inside;
            let place = Place {
                latitude,
                longitude,
            };
            DeviceEventOut::Gps(located(event, place, is_inside))
        }
    });
    Ok(Json(SimulatedEvents {
        status: "ok",
        events: events.collect(),
    }))
}

/// One event of each kind, and of places one on each side of the geofence.
fn kinds(device: &Device) -> Vec<DeviceEventKind> {
    let power = DeviceEventKind::PowerStatus {
        battery_level: 80,
        plugged: true,
    };
    let mut kinds = vec![DeviceEventKind::ButtonPressed, power];
    if let Some(home) = home(device) {
        kinds.extend([gps(home.moved(true)), gps(home.moved(false))]);
    }
    kinds
}

fn home(device: &Device) -> Option<Place> {
    Some(Place {
        latitude: device.latitude?,
        longitude: device.longitude?,
    })
}

fn gps(place: Place) -> DeviceEventKind {
    DeviceEventKind::Gps {
        latitude: place.latitude,
        longitude: place.longitude,
    }
}

/// The patient of the request, who need not be the wearer, or the wearer.
async fn patient(
    state: &AppState,
    device: &Device,
    requested: Option<String>,
) -> Result<PatientId, ApiError> {
    let Some(id) = requested else {
        return devices::wearer(device).cloned();
    };
    let at = "/patientId";
    let id: PatientId = id.parse().map_err(|error| ApiError::invalid(at, error))?;
    if state.records.has_patient(&id).await? {
        Ok(id)
    } else {
        Err(ApiError::invalid(at, "is not the id of a patient"))
    }
}

fn event(
    state: &AppState,
    device: &Device,
    patient_id: PatientId,
    kind: DeviceEventKind,
) -> DeviceEvent {
    DeviceEvent {
        event_id: kind.event_id(state.ids.request().as_u128()),
        device_id: device.device_id.clone(),
        patient_id,
        ts: state.simulation.story_time(),
        kind,
        hw_model: device.hw_model.clone(),
        software_version: device.software_version.clone(),
    }
}

fn pressed(state: &AppState, event: DeviceEvent) -> ButtonPressOut {
    ButtonPressOut {
        press_count: state.events.count_press(&event.device_id),
        event_id: event.event_id,
        device_id: event.device_id.into(),
    }
}

fn powered(event: DeviceEvent, battery_level: i32, plugged: bool) -> PowerStatusOut {
    PowerStatusOut {
        event_id: event.event_id,
        device_id: event.device_id.into(),
        battery_level,
        plugged,
    }
}

fn located(event: DeviceEvent, place: Place, inside_geofence: bool) -> GpsOut {
    GpsOut {
        event_id: event.event_id,
        device_id: event.device_id.into(),
        lat: place.latitude,
        lng: place.longitude,
        inside_geofence,
    }
}
