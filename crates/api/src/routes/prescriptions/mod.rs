//! `/prescriptions`

mod body;
mod rules;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use hc_domain::{Prescription, PrescriptionId, Versioned};
use sqlx::PgConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use body::{ParameterIn, ParameterOut, PrescriptionCreate, PrescriptionIn, PrescriptionOut};

use crate::{
    http::{
        ApiError, Created, Entity, IdempotencyKey, IfMatch, JsonObject, ListParams, Listed,
        MustMatch, Page, Params, Sorted, page::wrong_cursor,
    },
    openapi::types,
    state::{AppState, Records},
    store::{self, list::Table},
};

/// How often a taken identifier is drawn again; the chance of needing even one more is 1 in 14.8 million.
const MAX_DRAWS: usize = 8;

const OVERLAP: &str = "The device has a prescription for one of the metrics in this period; `conflictsWith` lists them";

pub(crate) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(list_prescriptions, create_prescription))
        .routes(routes!(
            get_prescription,
            replace_prescription,
            patch_prescription,
            delete_prescription
        ))
}

impl Listed for PrescriptionOut {
    fn table() -> &'static Table {
        &store::prescriptions::TABLE
    }
}

fn entity(row: Versioned<Prescription>) -> Entity<PrescriptionOut> {
    Entity::new(row.version, row.into())
}

fn not_found(id: &str) -> ApiError {
    ApiError::NotFound {
        kind: "prescription",
        id: id.to_owned(),
    }
}

/// List prescriptions
///
/// An open end comes last. `q` looks in the identifiers, medicationOrTherapy and the name of the patient.
#[utoipa::path(get, path = "/prescriptions", tag = "prescriptions", params(ListParams, Sorted<PrescriptionOut>), responses(
    (status = OK, body = Vec<PrescriptionOut>, headers(("Link" = String)))))]
async fn list_prescriptions(
    State(state): State<Arc<AppState>>,
    Params(params): Params<ListParams>,
) -> Result<Page<PrescriptionOut>, ApiError> {
    let list = params.parse(&store::prescriptions::TABLE)?;
    let found = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let listed = store::prescriptions::list(&mut db, &list).await;
            let found = listed.map_err(wrong_cursor)?;
            db.release();
            found
        }
        Records::Demo(demo) => demo.list(&demo.prescriptions, &list, PrescriptionOut::from),
    };
    Ok(Page::new(&params, found, |row| {
        row.value.prescription_id.as_str()
    }))
}

/// Get a prescription
#[utoipa::path(get, path = "/prescriptions/{prescriptionId}", tag = "prescriptions",
    params(("prescriptionId" = types::PrescriptionId, Path, description = "Which prescription", example = "RX-DEV-P001-a3F9")),
    responses((status = OK, body = PrescriptionOut, headers(("ETag" = String)))))]
async fn get_prescription(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<Entity<PrescriptionOut>, ApiError> {
    let row = match &state.records {
        Records::Postgres(pool) => {
            let mut db = pool.acquire().await?;
            let row = store::prescriptions::get(&mut db, &id).await?;
            db.release();
            row
        }
        Records::Demo(demo) => demo.prescription(&id),
    };
    row.map(entity).ok_or_else(|| not_found(&id))
}

/// Create a prescription; with `supersedes`, a change of therapy that ends the old one at the new start
#[utoipa::path(post, path = "/prescriptions", tag = "prescriptions", request_body = PrescriptionCreate,
    params(IdempotencyKey),
    responses(
    (status = CREATED, body = PrescriptionOut, headers(("ETag" = String), ("Location" = String))),
    (status = CONFLICT, description = OVERLAP)))]
async fn create_prescription(
    State(state): State<Arc<AppState>>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Created, ApiError> {
    let pool = state.records.writable()?;
    let once = key.of("/prescriptions", &body);
    let request: PrescriptionCreate = body.into_resource()?;
    let (input, supersedes) = request.split(state.simulation.story_time());
    let now = state.clock.now();
    let mut prescription = input.parse(|device| state.ids.prescription(device))?;

    let mut tx = pool.begin().await?;
    if let Some(answer) = once.before(&mut tx, now).await? {
        return Ok(answer);
    }
    rules::lock_device(&mut tx, &prescription, true).await?;
    if let Some(old) = supersedes {
        rules::supersede(&mut tx, &old, &prescription, now).await?;
    }
    rules::refuse_overlap(&mut tx, &prescription).await?;
    for _ in 0..MAX_DRAWS {
        if let Some(row) = store::prescriptions::insert(&mut tx, &prescription, now).await? {
            let location = format!("/prescriptions/{}", row.value.prescription_id);
            let answer = Created::new(location, row.version, &PrescriptionOut::from(row))?;
            once.keep(&mut tx, &answer).await?;
            tx.commit().await?;
            return Ok(answer);
        }
        prescription.prescription_id = state.ids.prescription(&prescription.device_id);
    }
    let cause = anyhow::anyhow!("{MAX_DRAWS} drawn prescription ids were all taken");
    Err(ApiError::Internal(cause))
}

/// Replace a prescription: a correction, which judges the readings that it covers again
#[utoipa::path(put, path = "/prescriptions/{prescriptionId}", tag = "prescriptions", request_body = PrescriptionIn,
    params(("prescriptionId" = types::PrescriptionId, Path, description = "Which prescription", example = "RX-DEV-P001-a3F9"), MustMatch),
    responses((status = OK, body = PrescriptionOut, headers(("ETag" = String))),
        (status = CONFLICT, description = OVERLAP)))]
async fn replace_prescription(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    MustMatch(if_match): MustMatch,
    body: JsonObject,
) -> Result<Entity<PrescriptionOut>, ApiError> {
    let body: PrescriptionIn = body.identified("prescriptionId", &id)?.into_resource()?;
    change(&state, &id, if_match, |_| Ok(body)).await
}

/// Change some fields of a prescription (RFC 7396): a correction
#[utoipa::path(patch, path = "/prescriptions/{prescriptionId}", tag = "prescriptions",
    request_body(content = types::PrescriptionPatch, description = "`parameters` is replaced as a whole",
        example = json!({"endDate": null, "medicationOrTherapy": "CPAP Oxygen Flow"})),
    params(("prescriptionId" = types::PrescriptionId, Path, description = "Which prescription", example = "RX-DEV-P001-a3F9"), IfMatch),
    responses((status = OK, body = PrescriptionOut, headers(("ETag" = String))),
        (status = CONFLICT, description = OVERLAP)))]
async fn patch_prescription(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Entity<PrescriptionOut>, ApiError> {
    let body = body.identified("prescriptionId", &id)?;
    change(&state, &id, if_match, |current| body.merge_into(&current)).await
}

/// Changes a prescription under the locks of its device and of itself, in this order.
async fn change(
    state: &AppState,
    id: &str,
    if_match: IfMatch,
    next: impl FnOnce(PrescriptionIn) -> Result<PrescriptionIn, ApiError>,
) -> Result<Entity<PrescriptionOut>, ApiError> {
    let mut tx = state.records.writable()?.begin().await?;
    let current = lock(&mut tx, id).await?;
    if_match.check(current.version)?;
    let input = next(PrescriptionIn::from(current.value.clone()))?;
    let prescription = input.parse(|_| current.value.prescription_id.clone())?;
    if prescription.device_id != current.value.device_id {
        let detail = "cannot be changed; end this prescription and create one for the other device";
        return Err(ApiError::invalid("/deviceId", detail));
    }
    let new_patient = prescription.patient_id != current.value.patient_id;
    rules::lock_device(&mut tx, &prescription, new_patient).await?;
    rules::refuse_overlap(&mut tx, &prescription).await?;
    let row = store::prescriptions::update(&mut tx, &prescription, state.clock.now()).await?;
    tx.commit().await?;
    Ok(entity(row))
}

/// The prescription, with its device and itself locked.
async fn lock(tx: &mut PgConnection, id: &str) -> Result<Versioned<Prescription>, ApiError> {
    // The device of a prescription never changes, so it may be read before it is locked.
    let seen = store::prescriptions::get(tx, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    store::devices::lock(tx, seen.value.device_id.as_str()).await?;
    store::prescriptions::lock(tx, id)
        .await?
        .ok_or_else(|| not_found(id))
}

/// Delete a prescription
#[utoipa::path(delete, path = "/prescriptions/{prescriptionId}", tag = "prescriptions",
    params(("prescriptionId" = types::PrescriptionId, Path, description = "Which prescription", example = "RX-DEV-P001-a3F9"), MustMatch),
    responses((status = NO_CONTENT)))]
async fn delete_prescription(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    MustMatch(if_match): MustMatch,
) -> Result<StatusCode, ApiError> {
    let mut tx = state.records.writable()?.begin().await?;
    let current = lock(&mut tx, &id).await?;
    if_match.check(current.version)?;
    let id: &PrescriptionId = &current.value.prescription_id;
    store::prescriptions::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
