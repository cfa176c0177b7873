//! `/patients`

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, NaiveDate, Utc};
use hc_domain::{Patient, PatientDraft, Versioned};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
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
        .routes(routes!(list_patients, create_patient))
        .routes(routes!(
            get_patient,
            replace_patient,
            patch_patient,
            delete_patient
        ))
}

/// A patient as a client sends it. What responses add may be sent along, and is ignored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatientIn {
    #[schema(value_type = types::PatientId)]
    patient_id: String,
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        examples("Jane Doe")
    )]
    name: String,
    #[schema(value_type = types::Gender)]
    gender: String,
    /// Not in the future
    #[serde(deserialize_with = "date")]
    #[schema(examples("1958-03-14"))]
    birth_date: NaiveDate,
    #[schema(pattern = "^[A-Za-z0-9 -]{3,10}$", examples("60601"))]
    zip_code: String,
    /// Name in the IANA database
    #[schema(examples("America/Chicago"), pattern = "^[A-Za-z0-9_+/-]+$")]
    timezone: String,
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom("must be a date such as 1980-05-12"))
}

impl Resource for PatientIn {
    const FIELDS: &'static [&'static str] = &[
        "patientId",
        "name",
        "gender",
        "birthDate",
        "zipCode",
        "timezone",
    ];
}

impl PatientIn {
    fn parse(self, today: NaiveDate) -> Result<Patient, ApiError> {
        let draft = PatientDraft {
            patient_id: self.patient_id,
            name: self.name,
            gender: self.gender,
            birth_date: self.birth_date,
            zip_code: self.zip_code,
            timezone: self.timezone,
        };
        Ok(draft.parse(today)?)
    }
}

impl From<Patient> for PatientIn {
    fn from(patient: Patient) -> Self {
        Self {
            patient_id: patient.patient_id.into(),
            name: patient.name,
            gender: patient.gender.to_string(),
            birth_date: patient.birth_date,
            zip_code: patient.zip_code,
            timezone: patient.timezone,
        }
    }
}

/// A patient.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Patient)]
pub struct PatientOut {
    #[schema(value_type = types::PatientId)]
    patient_id: String,
    #[schema(examples("Jane Doe"))]
    name: String,
    #[schema(value_type = types::Gender)]
    gender: String,
    #[schema(examples("1958-03-14"))]
    birth_date: NaiveDate,
    #[schema(examples("60601"))]
    zip_code: String,
    /// Name in the IANA database
    #[schema(examples("America/Chicago"))]
    timezone: String,
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

impl From<Versioned<Patient>> for PatientOut {
    fn from(row: Versioned<Patient>) -> Self {
        Self {
            patient_id: row.value.patient_id.into(),
            name: row.value.name,
            gender: row.value.gender.to_string(),
            birth_date: row.value.birth_date,
            zip_code: row.value.zip_code,
            timezone: row.value.timezone,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Listed for PatientOut {
    fn table() -> &'static Table {
        &store::patients::TABLE
    }
}

fn entity(row: Versioned<Patient>) -> Entity<PatientOut> {
    Entity::new(row.version, row.into())
}

fn not_found(id: &str) -> ApiError {
    ApiError::NotFound {
        kind: "patient",
        id: id.to_owned(),
    }
}

/// List patients
///
/// `q` looks in patientId and name; `deviceId` finds who wears the device.
#[utoipa::path(get, path = "/patients", tag = "patients", params(ListParams, Sorted<PatientOut>), responses(
    (status = OK, body = Vec<PatientOut>, headers(("Link" = String)))))]
async fn list_patients(
    State(state): State<Arc<AppState>>,
    Params(params): Params<ListParams>,
) -> Result<Page<PatientOut>, ApiError> {
    let list = params.parse(&store::patients::TABLE)?;
    let found = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let listed = store::patients::list(&mut db, &list).await;
            let found = listed.map_err(wrong_cursor)?;
            db.release();
            found
        }
        Records::Demo(demo) => demo.list(&demo.patients, &list, PatientOut::from),
    };
    Ok(Page::new(&params, found, |row| {
        row.value.patient_id.as_str()
    }))
}

/// Get a patient
#[utoipa::path(get, path = "/patients/{patientId}", tag = "patients", params(("patientId" = types::PatientId, Path, description = "Which patient", example = "P001")),
    responses((status = OK, body = PatientOut, headers(("ETag" = String)))))]
async fn get_patient(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<Entity<PatientOut>, ApiError> {
    let row = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let row = store::patients::get(&mut db, &id).await?;
            db.release();
            row
        }
        Records::Demo(demo) => demo.patient(&id),
    };
    row.map(entity).ok_or_else(|| not_found(&id))
}

/// Create a patient
#[utoipa::path(post, path = "/patients", tag = "patients", request_body = PatientIn,
    params(IdempotencyKey),
    responses(
    (status = CREATED, body = PatientOut, headers(("ETag" = String), ("Location" = String))),
    (status = CONFLICT, description = "There is a patient with this identifier")))]
async fn create_patient(
    State(state): State<Arc<AppState>>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Created, ApiError> {
    let pool = state.records.writable()?;
    let once = key.of("/patients", &body);
    let now = state.clock.now();
    let patient = body.into_resource::<PatientIn>()?.parse(now.date_naive())?;
    let mut tx = pool.begin().await?;
    if let Some(answer) = once.before(&mut tx, now).await? {
        return Ok(answer);
    }
    let row = store::patients::insert(&mut tx, &patient, now)
        .await
        .map_err(ApiError::from)
        .on_constraint("patients_pkey", || {
            ApiError::Conflict(format!(
                "There is already a patient {}.",
                patient.patient_id
            ))
        })?;
    let location = format!("/patients/{}", patient.patient_id);
    let answer = Created::new(location, row.version, &PatientOut::from(row))?;
    once.keep(&mut tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Replace a patient
#[utoipa::path(put, path = "/patients/{patientId}", tag = "patients", request_body = PatientIn,
    params(("patientId" = types::PatientId, Path, description = "Which patient", example = "P001"), MustMatch),
    responses((status = OK, body = PatientOut, headers(("ETag" = String)))))]
async fn replace_patient(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    MustMatch(if_match): MustMatch,
    body: JsonObject,
) -> Result<Entity<PatientOut>, ApiError> {
    let body: PatientIn = body.identified("patientId", &id)?.into_resource()?;
    change(&state, &id, if_match, |_| Ok(body)).await
}

/// Change some fields of a patient (RFC 7396)
#[utoipa::path(patch, path = "/patients/{patientId}", tag = "patients",
    request_body(content = types::PatientPatch, example = json!({"zipCode": "94110"})),
    params(("patientId" = types::PatientId, Path, description = "Which patient", example = "P001"), IfMatch),
    responses((status = OK, body = PatientOut, headers(("ETag" = String)))))]
async fn patch_patient(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Entity<PatientOut>, ApiError> {
    let body = body.identified("patientId", &id)?;
    change(&state, &id, if_match, |current| body.merge_into(&current)).await
}

/// Changes a patient under its row lock.
async fn change(
    state: &AppState,
    id: &str,
    if_match: IfMatch,
    next: impl FnOnce(PatientIn) -> Result<PatientIn, ApiError>,
) -> Result<Entity<PatientOut>, ApiError> {
    let pool = state.records.writable()?;
    let now = state.clock.now();
    let mut tx = pool.begin().await?;
    let current = store::patients::lock(&mut tx, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    if_match.check(current.version)?;
    let patient = next(current.value.into())?.parse(now.date_naive())?;
    let row = store::patients::update(&mut tx, &patient, now).await?;
    tx.commit().await?;
    Ok(entity(row))
}

/// Delete a patient who has no device and no prescription
#[utoipa::path(delete, path = "/patients/{patientId}", tag = "patients",
    params(("patientId" = types::PatientId, Path, description = "Which patient", example = "P001"), MustMatch),
    responses((status = NO_CONTENT),
        (status = CONFLICT, description = "Devices or prescriptions refer to the patient; `referencedBy` lists them")))]
async fn delete_patient(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    MustMatch(if_match): MustMatch,
) -> Result<StatusCode, ApiError> {
    let mut tx = state.records.writable()?.begin().await?;
    let current = store::patients::lock(&mut tx, &id)
        .await?
        .ok_or_else(|| not_found(&id))?;
    if_match.check(current.version)?;
    // Nothing can begin to refer to the row while it is locked.
    let devices = store::devices::ids_of_patient(&mut tx, &id).await?;
    let prescriptions = store::prescriptions::ids_of_patient(&mut tx, &id).await?;
    let by: Vec<_> = Reference::all("device", devices)
        .chain(Reference::all("prescription", prescriptions))
        .collect();
    if !by.is_empty() {
        let kind = "Patient";
        return Err(ApiError::Referenced { kind, id, by });
    }
    store::patients::delete(&mut tx, &current.value.patient_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
