//! The rules of a prescription that need the other rows of its device.

use chrono::{DateTime, Utc};
use hc_domain::{Checks, Prescription};
use sqlx::PgConnection;

use crate::{http::ApiError, store};

/// Locks the device, and checks that patient and device exist and, if asked to, belong together.
pub(super) async fn lock_device(
    tx: &mut PgConnection,
    prescription: &Prescription,
    must_be_worn: bool,
) -> Result<(), ApiError> {
    let mut checks = Checks::default();
    let patient = store::patients::get(tx, prescription.patient_id.as_str()).await?;
    checks.require(
        patient.is_some(),
        "/patientId",
        "is not the id of a patient",
    );
    match store::devices::lock(tx, prescription.device_id.as_str()).await? {
        None => checks.fail("/deviceId", "is not the id of a device"),
        Some(device) => {
            let worn = device.value.patient_id.as_ref() == Some(&prescription.patient_id);
            let detail = format!("is not worn by patient {}", prescription.patient_id);
            checks.require(
                worn || !must_be_worn || patient.is_none(),
                "/deviceId",
                detail,
            );
        }
    }
    Ok(checks.finish()?)
}

/// Ends the old prescription where the new one starts.
pub(super) async fn supersede(
    tx: &mut PgConnection,
    old: &str,
    new: &Prescription,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let at = "/supersedes";
    let old = store::prescriptions::lock(tx, old)
        .await?
        .ok_or_else(|| ApiError::invalid(at, "is not the id of a prescription"))?
        .value;
    if old.device_id != new.device_id {
        let detail = format!("is a prescription of another device, {}", old.device_id);
        return Err(ApiError::invalid(at, detail));
    }
    let start = new.validity.start();
    if start <= old.validity.start() {
        let detail = format!(
            "must be after the start of the superseded prescription, {}",
            old.validity.start()
        );
        return Err(ApiError::invalid("/startDate", detail));
    }
    if old.validity.end().is_some_and(|end| end <= start) {
        return Err(ApiError::invalid(at, "has ended before the new one starts"));
    }
    Ok(store::prescriptions::end(tx, &old.prescription_id, start, now).await?)
}

/// One prescription at most says what a metric of a device should be at any time. The device is locked.
pub(super) async fn refuse_overlap(
    tx: &mut PgConnection,
    prescription: &Prescription,
) -> Result<(), ApiError> {
    let others = store::prescriptions::list_of_device(tx, prescription.device_id.as_str()).await?;
    let mut metrics = Vec::new();
    let mut conflicts_with = Vec::new();
    for other in others.iter().map(|row| &row.value) {
        if other.prescription_id == prescription.prescription_id {
            continue;
        }
        let shared = prescription.conflicts(other);
        if !shared.is_empty() {
            conflicts_with.push(other.prescription_id.to_string());
            metrics.extend(shared);
        }
    }
    if conflicts_with.is_empty() {
        return Ok(());
    }
    metrics.sort_unstable();
    metrics.dedup();
    let metrics: Vec<_> = metrics.into_iter().map(|metric| metric.as_str()).collect();
    Err(ApiError::Overlap {
        metrics: metrics.join(", "),
        conflicts_with,
    })
}
