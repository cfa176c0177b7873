//! `/devices`

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use hc_domain::{Device, DeviceDraft, PatientId, Versioned};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{
        ApiError, Created, Entity, IdempotencyKey, IfMatch, JsonObject, ListParams, Listed,
        MustMatch, OnConstraint, Page, Params, Reference, Resource, Sorted, json::instant,
        page::wrong_cursor,
    },
    openapi::types,
    state::{AppState, Records},
    store::{self, list::Table},
};

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(list_devices, create_device))
        .routes(routes!(
            get_device,
            replace_device,
            patch_device,
            delete_device
        ))
}

/// A device as a client sends it. What responses add may be sent along, and is ignored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceIn {
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    /// Who wears it; null while it is in stock
    #[serde(default)]
    #[schema(value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"\S",
        examples("Acme Medical")
    )]
    manufacturer: String,
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"\S",
        examples("CPAP-Pro")
    )]
    model_type: String,
    /// No two devices of a manufacturer have the same
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", examples("SN001"))]
    serial_number: String,
    #[schema(min_length = 1, max_length = 50, pattern = r"\S", examples("2.4.0"))]
    software_version: String,
    /// The version that an update may install
    #[serde(default)]
    #[schema(min_length = 1, max_length = 50, pattern = r"\S", examples("2.4.1"))]
    target_software_version: Option<String>,
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", examples("HW-2"))]
    hw_model: String,
    /// cm[H2O]
    #[schema(minimum = 0, maximum = 100, examples(10.0))]
    pressure_setting: f64,
    /// L/min
    #[schema(minimum = 0, maximum = 1000, examples(2.5))]
    flow_rate_setting: f64,
    /// mL
    #[schema(minimum = 0, maximum = 10_000, examples(120.0))]
    flow_level_setting: f64,
    /// Degrees; together with longitude or not at all
    #[serde(default)]
    #[schema(minimum = -90, maximum = 90, examples(41.8781))]
    latitude: Option<f64>,
    /// Degrees; together with latitude or not at all
    #[serde(default)]
    #[schema(minimum = -180, maximum = 180, examples(-87.6298))]
    longitude: Option<f64>,
    /// Percent
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100, examples(87))]
    battery_level: Option<i32>,
    #[serde(default)]
    #[schema(examples(true))]
    plugged: bool,
}

impl Resource for DeviceIn {
    const FIELDS: &'static [&'static str] = &[
        "deviceId",
        "patientId",
        "manufacturer",
        "modelType",
        "serialNumber",
        "softwareVersion",
        "targetSoftwareVersion",
        "hwModel",
        "pressureSetting",
        "flowRateSetting",
        "flowLevelSetting",
        "latitude",
        "longitude",
        "batteryLevel",
        "plugged",
    ];
}

impl DeviceIn {
    fn parse(self) -> Result<Device, ApiError> {
        let draft = DeviceDraft {
            device_id: self.device_id,
            patient_id: self.patient_id,
            manufacturer: self.manufacturer,
            model_type: self.model_type,
            serial_number: self.serial_number,
            software_version: self.software_version,
            target_software_version: self.target_software_version,
            hw_model: self.hw_model,
            pressure_setting: self.pressure_setting,
            flow_rate_setting: self.flow_rate_setting,
            flow_level_setting: self.flow_level_setting,
            latitude: self.latitude,
            longitude: self.longitude,
            battery_level: self.battery_level,
            plugged: self.plugged,
        };
        Ok(draft.parse()?)
    }
}

impl From<Device> for DeviceIn {
    fn from(device: Device) -> Self {
        Self {
            device_id: device.device_id.into(),
            patient_id: device.patient_id.map(Into::into),
            manufacturer: device.manufacturer,
            model_type: device.model_type,
            serial_number: device.serial_number,
            software_version: device.software_version,
            target_software_version: device.target_software_version,
            hw_model: device.hw_model,
            pressure_setting: device.pressure_setting,
            flow_rate_setting: device.flow_rate_setting,
            flow_level_setting: device.flow_level_setting,
            latitude: device.latitude,
            longitude: device.longitude,
            battery_level: device.battery_level,
            plugged: device.plugged,
        }
    }
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Device)]
pub struct DeviceOut {
    #[schema(value_type = types::DeviceId)]
    device_id: String,
    /// Who wears it; null while it is in stock
    #[schema(required, value_type = Option<types::PatientId>)]
    patient_id: Option<String>,
    #[schema(examples("Acme Medical"))]
    manufacturer: String,
    #[schema(examples("CPAP-Pro"))]
    model_type: String,
    #[schema(examples("SN001"))]
    serial_number: String,
    #[schema(examples("2.4.0"))]
    software_version: String,
    /// The version that an update may install
    #[schema(required, examples("2.4.1"))]
    target_software_version: Option<String>,
    #[schema(examples("HW-2"))]
    hw_model: String,
    /// cm[H2O]
    #[schema(examples(10.0))]
    pressure_setting: f64,
    /// L/min
    #[schema(examples(2.5))]
    flow_rate_setting: f64,
    /// mL
    #[schema(examples(120.0))]
    flow_level_setting: f64,
    /// Degrees
    #[schema(required, examples(41.8781))]
    latitude: Option<f64>,
    /// Degrees
    #[schema(required, examples(-87.6298))]
    longitude: Option<f64>,
    /// Percent
    #[schema(required, examples(87))]
    battery_level: Option<i32>,
    #[schema(examples(true))]
    plugged: bool,
    /// Counts the changes; the `ETag`
    #[schema(minimum = 1, examples(1))]
    version: i64,
    #[schema(examples("2026-06-01T00:00:00Z"))]
    #[serde(serialize_with = "instant")]
    created_at: DateTime<Utc>,
    #[schema(examples("2026-06-01T00:00:00Z"))]
    #[serde(serialize_with = "instant")]
    updated_at: DateTime<Utc>,
}

impl From<Versioned<Device>> for DeviceOut {
    fn from(row: Versioned<Device>) -> Self {
        let device = DeviceIn::from(row.value);
        Self {
            device_id: device.device_id,
            patient_id: device.patient_id,
            manufacturer: device.manufacturer,
            model_type: device.model_type,
            serial_number: device.serial_number,
            software_version: device.software_version,
            target_software_version: device.target_software_version,
            hw_model: device.hw_model,
            pressure_setting: device.pressure_setting,
            flow_rate_setting: device.flow_rate_setting,
            flow_level_setting: device.flow_level_setting,
            latitude: device.latitude,
            longitude: device.longitude,
            battery_level: device.battery_level,
            plugged: device.plugged,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Listed for DeviceOut {
    fn table() -> &'static Table {
        &store::devices::TABLE
    }
}

fn entity(row: Versioned<Device>) -> Entity<DeviceOut> {
    Entity::new(row.version, row.into())
}

fn not_found(id: &str) -> ApiError {
    ApiError::NotFound {
        kind: "device",
        id: id.to_owned(),
    }
}

/// The client errors that the constraints of the table stand for.
fn explain<T>(result: sqlx::Result<T>) -> Result<T, ApiError> {
    result
        .map_err(ApiError::from)
        .on_constraint("devices_pkey", || {
            ApiError::Conflict("There is already a device with this deviceId.".to_owned())
        })
        .on_constraint("devices_serial_number_key", || {
            let detail = "The manufacturer already has a device with this serialNumber.";
            ApiError::Conflict(detail.to_owned())
        })
        .on_constraint("devices_patient_id_fkey", || {
            ApiError::invalid("/patientId", "is not the id of a patient")
        })
}

/// List devices
///
/// What is null comes first. `q` looks in deviceId, patientId, manufacturer, modelType and serialNumber.
#[utoipa::path(get, path = "/devices", tag = "devices", params(ListParams, Sorted<DeviceOut>), responses(
    (status = OK, body = Vec<DeviceOut>, headers(("Link" = String)))))]
async fn list_devices(
    State(state): State<Arc<AppState>>,
    Params(params): Params<ListParams>,
) -> Result<Page<DeviceOut>, ApiError> {
    let list = params.parse(&store::devices::TABLE)?;
    let found = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let listed = store::devices::list(&mut db, &list).await;
            let found = listed.map_err(wrong_cursor)?;
            db.release();
            found
        }
        Records::Demo(demo) => demo.list(&demo.devices, &list, DeviceOut::from),
    };
    Ok(Page::new(&params, found, |row| {
        row.value.device_id.as_str()
    }))
}

/// A device by the identifier in a path.
pub(super) async fn find(state: &AppState, id: &str) -> Result<Versioned<Device>, ApiError> {
    let row = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let row = store::devices::get(&mut db, id).await?;
            db.release();
            row
        }
        Records::Demo(demo) => demo.device(id),
    };
    row.ok_or_else(|| not_found(id))
}

/// Who wears the device, without whom it reports nothing.
pub(super) fn wearer(device: &Device) -> Result<&PatientId, ApiError> {
    device.patient_id.as_ref().ok_or_else(|| {
        ApiError::Conflict(format!(
            "Nobody wears device {}, so it reports nothing. Give it a patient.",
            device.device_id
        ))
    })
}

/// Get a device
#[utoipa::path(get, path = "/devices/{deviceId}", tag = "devices", params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001")),
    responses((status = OK, body = DeviceOut, headers(("ETag" = String)))))]
async fn get_device(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<Entity<DeviceOut>, ApiError> {
    find(&state, &id).await.map(entity)
}

/// Create a device
#[utoipa::path(post, path = "/devices", tag = "devices", request_body = DeviceIn,
    params(IdempotencyKey),
    responses(
    (status = CREATED, body = DeviceOut, headers(("ETag" = String), ("Location" = String))),
    (status = CONFLICT, description = "There is a device with this identifier, or of this manufacturer with this serial number")))]
async fn create_device(
    State(state): State<Arc<AppState>>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Created, ApiError> {
    let pool = state.records.writable()?;
    let once = key.of("/devices", &body);
    let now = state.clock.now();
    let device = body.into_resource::<DeviceIn>()?.parse()?;
    let mut tx = pool.begin().await?;
    if let Some(answer) = once.before(&mut tx, now).await? {
        return Ok(answer);
    }
    let row = explain(store::devices::insert(&mut tx, &device, now).await)?;
    let location = format!("/devices/{}", device.device_id);
    let answer = Created::new(location, row.version, &DeviceOut::from(row))?;
    once.keep(&mut tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Replace a device
#[utoipa::path(put, path = "/devices/{deviceId}", tag = "devices", request_body = DeviceIn,
    params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001"), MustMatch),
    responses((status = OK, body = DeviceOut, headers(("ETag" = String))),
        (status = CONFLICT, description = "The manufacturer has another device with this serial number")))]
async fn replace_device(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    MustMatch(if_match): MustMatch,
    body: JsonObject,
) -> Result<Entity<DeviceOut>, ApiError> {
    let body: DeviceIn = body.identified("deviceId", &id)?.into_resource()?;
    change(&state, &id, if_match, |_| Ok(body)).await
}

/// Change some fields of a device (RFC 7396)
#[utoipa::path(patch, path = "/devices/{deviceId}", tag = "devices",
    request_body(content = types::DevicePatch, example = json!({"softwareVersion": "2.4.1", "targetSoftwareVersion": null})),
    params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001"), IfMatch),
    responses((status = OK, body = DeviceOut, headers(("ETag" = String))),
        (status = CONFLICT, description = "The manufacturer has another device with this serial number")))]
async fn patch_device(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Entity<DeviceOut>, ApiError> {
    let body = body.identified("deviceId", &id)?;
    change(&state, &id, if_match, |current| body.merge_into(&current)).await
}

/// Changes a device under its row lock.
async fn change(
    state: &AppState,
    id: &str,
    if_match: IfMatch,
    next: impl FnOnce(DeviceIn) -> Result<DeviceIn, ApiError>,
) -> Result<Entity<DeviceOut>, ApiError> {
    let mut tx = state.records.writable()?.begin().await?;
    let current = store::devices::lock(&mut tx, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    if_match.check(current.version)?;
    let device = next(current.value.into())?.parse()?;
    let row = explain(store::devices::update(&mut tx, &device, state.clock.now()).await)?;
    tx.commit().await?;
    Ok(entity(row))
}

/// Delete a device that has no prescription
#[utoipa::path(delete, path = "/devices/{deviceId}", tag = "devices",
    params(("deviceId" = types::DeviceId, Path, description = "Which device", example = "DEV-P001"), MustMatch),
    responses((status = NO_CONTENT),
        (status = CONFLICT, description = "Prescriptions refer to the device; `referencedBy` lists them")))]
async fn delete_device(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    MustMatch(if_match): MustMatch,
) -> Result<StatusCode, ApiError> {
    let mut tx = state.records.writable()?.begin().await?;
    let current = store::devices::lock(&mut tx, &id)
        .await?
        .ok_or_else(|| not_found(&id))?;
    if_match.check(current.version)?;
    // Nothing can begin to refer to the row while it is locked.
    let prescriptions = store::prescriptions::ids_of_device(&mut tx, &id).await?;
    if !prescriptions.is_empty() {
        return Err(ApiError::Referenced {
            kind: "Device",
            id,
            by: Reference::all("prescription", prescriptions).collect(),
        });
    }
    store::devices::delete(&mut tx, &current.value.device_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
