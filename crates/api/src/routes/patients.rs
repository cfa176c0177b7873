//! `/patients`

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
        ApiError, Created, Entity, IdempotencyKey, IfMatch, JsonObject, ListParams, OnConstraint,
        Page, Params, Reference, Resource, page::wrong_cursor,
    },
    state::{AppState, Records},
    store,
};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_patients, create_patient))
        .routes(routes!(
            get_patient,
            replace_patient,
            patch_patient,
            delete_patient
        ))
}

/// A patient as a client sends it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientIn {
    /// Letters, digits, '-', '_' and '.', at most 64
    #[schema(examples("P001"), min_length = 1, max_length = 64)]
    patient_id: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// F, M, O (other) or U (unknown)
    #[schema(examples("F"))]
    gender: String,
    #[serde(deserialize_with = "date")]
    birth_date: NaiveDate,
    #[schema(min_length = 3, max_length = 10)]
    zip_code: String,
    /// IANA name
    #[schema(examples("America/Chicago"))]
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
    patient_id: String,
    name: String,
    gender: String,
    birth_date: NaiveDate,
    zip_code: String,
    timezone: String,
    version: i64,
    created_at: DateTime<Utc>,
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
/// Sorted by patientId, name, birthDate, createdAt or updatedAt. `q` looks in patientId and name; `deviceId` finds who
/// wears the device.
#[utoipa::path(get, path = "/patients", tag = "patients", params(ListParams), responses(
    (status = OK, body = Vec<PatientOut>, headers(("Link" = String, description = "The next page, rel=\"next\"")))))]
async fn list_patients(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Page<PatientOut>, ApiError> {
    let list = params.parse(&store::patients::TABLE)?;
    let rows = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let listed = store::patients::list(&mut db, &list).await;
            listed.map_err(wrong_cursor)?
        }
        Records::Demo(demo) => demo.list(&demo.patients, &list, PatientOut::from),
    };
    Ok(Page::new(&params, list.order, rows, |row| {
        row.value.patient_id.as_str()
    }))
}

/// Get a patient
#[utoipa::path(get, path = "/patients/{patientId}", tag = "patients", params(("patientId" = String, Path)),
    responses((status = OK, body = PatientOut, headers(("ETag" = String)))))]
async fn get_patient(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Entity<PatientOut>, ApiError> {
    let row = match &state.records {
        Records::Postgres(pool) => store::patients::get(&mut *pool.acquire().await?, &id).await?,
        Records::Demo(demo) => demo.patient(&id),
    };
    row.map(entity).ok_or_else(|| not_found(&id))
}

/// Create a patient
#[utoipa::path(post, path = "/patients", tag = "patients", request_body = PatientIn,
    params(("Idempotency-Key" = Option<String>, Header, max_length = 255,
        description = "Chosen by the client; a repetition with the same key and body within 24 hours gets the same \
            answer and creates nothing. With another body: 422. While the first is under way it waits")),
    responses(
    (status = CREATED, body = PatientOut, headers(("ETag" = String), ("Location" = String)))))]
async fn create_patient(
    State(state): State<AppState>,
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
    params(("patientId" = String, Path), ("If-Match" = String, Header, description = "ETag of the version to change")),
    responses((status = OK, body = PatientOut, headers(("ETag" = String)))))]
async fn replace_patient(
    State(state): State<AppState>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Entity<PatientOut>, ApiError> {
    let if_match = if_match.required()?;
    let body: PatientIn = body.identified("patientId", &id)?.into_resource()?;
    change(&state, &id, if_match, |_| Ok(body)).await
}

/// Change some fields of a patient (RFC 7396)
#[utoipa::path(patch, path = "/patients/{patientId}", tag = "patients",
    request_body(content = serde_json::Value, description = "The fields to change; null removes an optional one"),
    params(("patientId" = String, Path), ("If-Match" = Option<String>, Header, description = "ETag of the version to change")),
    responses((status = OK, body = PatientOut, headers(("ETag" = String)))))]
async fn patch_patient(
    State(state): State<AppState>,
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
    params(("patientId" = String, Path), ("If-Match" = String, Header, description = "ETag of the version to delete")),
    responses((status = NO_CONTENT)))]
async fn delete_patient(
    State(state): State<AppState>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    let if_match = if_match.required()?;
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
