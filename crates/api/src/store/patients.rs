//! Table `patients`.

use chrono::{DateTime, NaiveDate, Utc};
use hc_domain::{Patient, PatientId, Versioned};
use sqlx::{FromRow, PgConnection};

use super::{
    corrupt,
    list::{self, CREATED, Found, List, Sort, Table, UPDATED},
};

#[derive(FromRow)]
struct Row {
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

impl TryFrom<Row> for Versioned<Patient> {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            value: Patient {
                patient_id: row.patient_id.try_into().map_err(corrupt)?,
                name: row.name,
                gender: row.gender.parse().map_err(corrupt)?,
                birth_date: row.birth_date,
                zip_code: row.zip_code,
                timezone: row.timezone,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// How patients are listed.
pub(crate) static TABLE: Table = Table {
    name: "patients",
    id: Sort::new("patientId", "patient_id", "text"),
    others: &[
        Sort::new("name", "name", "text"),
        Sort::new("birthDate", "birth_date", "date"),
        CREATED,
        UPDATED,
    ],
    of_patient: ("patient_id = ", ""),
    of_device: (
        "patient_id = (SELECT d.patient_id FROM devices d WHERE d.device_id = ",
        ")",
    ),
    text: &["patient_id", "name"],
};

/// One page.
pub async fn list(
    db: &mut PgConnection,
    list: &List<'_>,
) -> sqlx::Result<Found<Versioned<Patient>>> {
    list::fetch::<Row, _>(db, list).await
}

pub async fn get(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<Versioned<Patient>>> {
    sqlx::query_as::<_, Row>("SELECT * FROM patients WHERE patient_id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// As [`get`], and nobody else changes the row until the transaction ends.
pub async fn lock(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<Versioned<Patient>>> {
    sqlx::query_as::<_, Row>("SELECT * FROM patients WHERE patient_id = $1 FOR UPDATE")
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

pub async fn insert(
    db: &mut PgConnection,
    patient: &Patient,
    now: DateTime<Utc>,
) -> sqlx::Result<Versioned<Patient>> {
    sqlx::query_as::<_, Row>(
        "INSERT INTO patients
             (patient_id, name, gender, birth_date, zip_code, timezone, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         RETURNING *",
    )
    .bind(patient.patient_id.as_str())
    .bind(&patient.name)
    .bind(patient.gender.as_str())
    .bind(patient.birth_date)
    .bind(&patient.zip_code)
    .bind(&patient.timezone)
    .bind(now)
    .fetch_one(db)
    .await?
    .try_into()
}

pub async fn update(
    db: &mut PgConnection,
    patient: &Patient,
    now: DateTime<Utc>,
) -> sqlx::Result<Versioned<Patient>> {
    sqlx::query_as::<_, Row>(
        "UPDATE patients
         SET name = $2, gender = $3, birth_date = $4, zip_code = $5, timezone = $6, updated_at = $7
         WHERE patient_id = $1
         RETURNING *",
    )
    .bind(patient.patient_id.as_str())
    .bind(&patient.name)
    .bind(patient.gender.as_str())
    .bind(patient.birth_date)
    .bind(&patient.zip_code)
    .bind(&patient.timezone)
    .bind(now)
    .fetch_one(db)
    .await?
    .try_into()
}

pub async fn delete(db: &mut PgConnection, id: &PatientId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM patients WHERE patient_id = $1")
        .bind(id.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// Whether there is no patient at all.
pub async fn is_empty(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM patients)")
        .fetch_one(db)
        .await
}
