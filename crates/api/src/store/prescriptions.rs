//! Table `prescriptions`.

use chrono::{DateTime, Utc};
use hc_domain::{
    EpochMillis, Metric, Prescription, PrescriptionId, PrescriptionParameter, Validity, Versioned,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, types::Json};

use super::{
    corrupt,
    list::{self, CREATED, Found, List, Sort, Table, UPDATED},
};

#[derive(FromRow)]
struct Row {
    prescription_id: String,
    patient_id: String,
    device_id: String,
    medication_or_therapy: String,
    start_date: i64,
    end_date: Option<i64>,
    parameters: Json<Vec<Parameter>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// An element of the column `parameters`, in the spelling that the pipelines read.
#[derive(Serialize, Deserialize)]
struct Parameter {
    parameter_name: Metric,
    parameter_value: f64,
    #[serde(skip_deserializing)]
    parameter_type: &'static str,
    parameter_tolerance: f64,
}

impl From<&PrescriptionParameter> for Parameter {
    fn from(parameter: &PrescriptionParameter) -> Self {
        Self {
            parameter_name: parameter.metric,
            parameter_value: parameter.value,
            parameter_type: PrescriptionParameter::TYPE,
            parameter_tolerance: parameter.tolerance,
        }
    }
}

impl From<&Parameter> for PrescriptionParameter {
    fn from(stored: &Parameter) -> Self {
        Self {
            metric: stored.parameter_name,
            value: stored.parameter_value,
            tolerance: stored.parameter_tolerance,
        }
    }
}

fn columns(parameters: &[PrescriptionParameter]) -> Json<Vec<Parameter>> {
    Json(parameters.iter().map(Parameter::from).collect())
}

impl TryFrom<Row> for Versioned<Prescription> {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            value: Prescription {
                prescription_id: row.prescription_id.try_into().map_err(corrupt)?,
                patient_id: row.patient_id.try_into().map_err(corrupt)?,
                device_id: row.device_id.try_into().map_err(corrupt)?,
                medication_or_therapy: row.medication_or_therapy,
                validity: Validity::new(row.start_date, row.end_date).map_err(corrupt)?,
                parameters: row.parameters.iter().map(Into::into).collect(),
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// How prescriptions are listed.
pub(crate) static TABLE: Table = Table {
    name: "prescriptions",
    id: Sort::new("prescriptionId", "prescription_id", "text"),
    others: &[
        Sort::new("patientId", "patient_id", "text"),
        Sort::new("deviceId", "device_id", "text"),
        Sort::new("medicationOrTherapy", "medication_or_therapy", "text"),
        Sort::new("startDate", "start_date", "bigint"),
        // Until further notice is later than any end.
        Sort::new(
            "endDate",
            "coalesce(end_date, 9223372036854775807)",
            "bigint",
        ),
        CREATED,
        UPDATED,
    ],
    of_patient: ("patient_id = ", ""),
    of_device: ("device_id = ", ""),
    text: &[
        "prescription_id",
        "patient_id",
        "device_id",
        "medication_or_therapy",
        "(SELECT p.name FROM patients p WHERE p.patient_id = prescriptions.patient_id)",
    ],
};

/// One page.
pub async fn list(
    db: &mut PgConnection,
    list: &List<'_>,
) -> sqlx::Result<Found<Versioned<Prescription>>> {
    list::fetch::<Row, _>(db, list).await
}

/// Every prescription of a device, oldest first; to be read under the lock of the device.
pub async fn list_of_device(
    db: &mut PgConnection,
    device: &str,
) -> sqlx::Result<Vec<Versioned<Prescription>>> {
    sqlx::query_as::<_, Row>(
        "SELECT * FROM prescriptions WHERE device_id = $1 ORDER BY start_date, prescription_id",
    )
    .bind(device)
    .fetch_all(db)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

pub async fn get(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<Versioned<Prescription>>> {
    sqlx::query_as::<_, Row>("SELECT * FROM prescriptions WHERE prescription_id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// As [`get`], and nobody else changes the row until the transaction ends.
pub async fn lock(
    db: &mut PgConnection,
    id: &str,
) -> sqlx::Result<Option<Versioned<Prescription>>> {
    sqlx::query_as::<_, Row>("SELECT * FROM prescriptions WHERE prescription_id = $1 FOR UPDATE")
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// `None` when the identifier is taken; the transaction goes on.
pub async fn insert(
    db: &mut PgConnection,
    prescription: &Prescription,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Versioned<Prescription>>> {
    sqlx::query_as::<_, Row>(
        "INSERT INTO prescriptions
             (prescription_id, patient_id, device_id, medication_or_therapy, start_date, end_date, parameters,
              created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT ON CONSTRAINT prescriptions_pkey DO NOTHING
         RETURNING *",
    )
    .bind(prescription.prescription_id.as_str())
    .bind(prescription.patient_id.as_str())
    .bind(prescription.device_id.as_str())
    .bind(&prescription.medication_or_therapy)
    .bind(prescription.validity.start())
    .bind(prescription.validity.end())
    .bind(columns(&prescription.parameters))
    .bind(now)
    .fetch_optional(db)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

pub async fn update(
    db: &mut PgConnection,
    prescription: &Prescription,
    now: DateTime<Utc>,
) -> sqlx::Result<Versioned<Prescription>> {
    sqlx::query_as::<_, Row>(
        "UPDATE prescriptions
         SET patient_id = $2, device_id = $3, medication_or_therapy = $4, start_date = $5, end_date = $6,
             parameters = $7, updated_at = $8
         WHERE prescription_id = $1
         RETURNING *",
    )
    .bind(prescription.prescription_id.as_str())
    .bind(prescription.patient_id.as_str())
    .bind(prescription.device_id.as_str())
    .bind(&prescription.medication_or_therapy)
    .bind(prescription.validity.start())
    .bind(prescription.validity.end())
    .bind(columns(&prescription.parameters))
    .bind(now)
    .fetch_one(db)
    .await?
    .try_into()
}

/// Ends a prescription at this instant, which is no longer covered by it.
pub async fn end(
    db: &mut PgConnection,
    id: &PrescriptionId,
    end: EpochMillis,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE prescriptions SET end_date = $2, updated_at = $3 WHERE prescription_id = $1",
    )
    .bind(id.as_str())
    .bind(end)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

pub async fn delete(db: &mut PgConnection, id: &PrescriptionId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM prescriptions WHERE prescription_id = $1")
        .bind(id.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// The identifiers of the prescriptions of a patient.
pub async fn ids_of_patient(db: &mut PgConnection, patient: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT prescription_id FROM prescriptions WHERE patient_id = $1 ORDER BY 1")
        .bind(patient)
        .fetch_all(db)
        .await
}

/// The identifiers of the prescriptions of a device.
pub async fn ids_of_device(db: &mut PgConnection, device: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT prescription_id FROM prescriptions WHERE device_id = $1 ORDER BY 1")
        .bind(device)
        .fetch_all(db)
        .await
}

/// Whether there is no prescription at all.
pub async fn is_empty(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM prescriptions)")
        .fetch_one(db)
        .await
}
