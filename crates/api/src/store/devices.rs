//! Table `devices`.

use chrono::{DateTime, Utc};
use hc_domain::{Device, DeviceId, Versioned};
use sqlx::{FromRow, PgConnection, Postgres, query::QueryAs};

use super::{
    corrupt,
    list::{self, CREATED, Found, List, Sort, Table, UPDATED},
};

#[derive(FromRow)]
struct Row {
    device_id: String,
    patient_id: Option<String>,
    manufacturer: String,
    model_type: String,
    serial_number: String,
    software_version: String,
    target_software_version: Option<String>,
    hw_model: String,
    pressure_setting: f64,
    flow_rate_setting: f64,
    flow_level_setting: f64,
    latitude: Option<f64>,
    longitude: Option<f64>,
    battery_level: Option<i32>,
    plugged: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Versioned<Device> {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            value: Device {
                device_id: row.device_id.try_into().map_err(corrupt)?,
                patient_id: row
                    .patient_id
                    .map(TryInto::try_into)
                    .transpose()
                    .map_err(corrupt)?,
                manufacturer: row.manufacturer,
                model_type: row.model_type,
                serial_number: row.serial_number,
                software_version: row.software_version,
                target_software_version: row.target_software_version,
                hw_model: row.hw_model,
                pressure_setting: row.pressure_setting,
                flow_rate_setting: row.flow_rate_setting,
                flow_level_setting: row.flow_level_setting,
                latitude: row.latitude,
                longitude: row.longitude,
                battery_level: row.battery_level,
                plugged: row.plugged,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// How devices are listed.
pub(crate) static TABLE: Table = Table {
    name: "devices",
    id: Sort::new("deviceId", "device_id", "text"),
    others: &[
        Sort::new("patientId", "coalesce(patient_id, '')", "text"),
        Sort::new("serialNumber", "serial_number", "text"),
        Sort::new("softwareVersion", "software_version", "text"),
        Sort::new("batteryLevel", "coalesce(battery_level, -1)", "integer"),
        CREATED,
        UPDATED,
    ],
    of_patient: ("patient_id = ", ""),
    of_device: ("device_id = ", ""),
    text: &[
        "device_id",
        "patient_id",
        "manufacturer",
        "model_type",
        "serial_number",
    ],
};

/// One page.
pub async fn list(
    db: &mut PgConnection,
    list: &List<'_>,
) -> sqlx::Result<Found<Versioned<Device>>> {
    list::fetch::<Row, _>(db, list).await
}

/// The devices that somebody wears, in the order of the identifiers.
pub async fn list_worn(db: &mut PgConnection) -> sqlx::Result<Vec<Device>> {
    let rows = sqlx::query_as::<_, Row>(
        "SELECT * FROM devices WHERE patient_id IS NOT NULL ORDER BY device_id",
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Versioned::try_from(row).map(|device| device.value))
        .collect()
}

pub async fn get(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<Versioned<Device>>> {
    sqlx::query_as::<_, Row>("SELECT * FROM devices WHERE device_id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// As [`get`], and nobody else changes the row until the transaction ends.
///
/// Prescriptions of a device are only changed under this lock, so that two of them cannot overlap.
pub async fn lock(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<Versioned<Device>>> {
    sqlx::query_as::<_, Row>("SELECT * FROM devices WHERE device_id = $1 FOR UPDATE")
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

type RowQuery<'q> = QueryAs<'q, Postgres, Row, sqlx::postgres::PgArguments>;

/// Binds `$1` to `$16` in the order of the columns.
fn bind_columns<'q>(query: RowQuery<'q>, device: &'q Device, now: DateTime<Utc>) -> RowQuery<'q> {
    query
        .bind(device.device_id.as_str())
        .bind(device.patient_id.as_ref().map(AsRef::as_ref))
        .bind(&device.manufacturer)
        .bind(&device.model_type)
        .bind(&device.serial_number)
        .bind(&device.software_version)
        .bind(&device.target_software_version)
        .bind(&device.hw_model)
        .bind(device.pressure_setting)
        .bind(device.flow_rate_setting)
        .bind(device.flow_level_setting)
        .bind(device.latitude)
        .bind(device.longitude)
        .bind(device.battery_level)
        .bind(device.plugged)
        .bind(now)
}

pub async fn insert(
    db: &mut PgConnection,
    device: &Device,
    now: DateTime<Utc>,
) -> sqlx::Result<Versioned<Device>> {
    let query = sqlx::query_as(
        "INSERT INTO devices
             (device_id, patient_id, manufacturer, model_type, serial_number, software_version,
              target_software_version, hw_model, pressure_setting, flow_rate_setting, flow_level_setting,
              latitude, longitude, battery_level, plugged, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
         RETURNING *",
    );
    bind_columns(query, device, now)
        .fetch_one(db)
        .await?
        .try_into()
}

pub async fn update(
    db: &mut PgConnection,
    device: &Device,
    now: DateTime<Utc>,
) -> sqlx::Result<Versioned<Device>> {
    let query = sqlx::query_as(
        "UPDATE devices
         SET patient_id = $2, manufacturer = $3, model_type = $4, serial_number = $5, software_version = $6,
             target_software_version = $7, hw_model = $8, pressure_setting = $9, flow_rate_setting = $10,
             flow_level_setting = $11, latitude = $12, longitude = $13, battery_level = $14, plugged = $15,
             updated_at = $16
         WHERE device_id = $1
         RETURNING *",
    );
    bind_columns(query, device, now)
        .fetch_one(db)
        .await?
        .try_into()
}

pub async fn delete(db: &mut PgConnection, id: &DeviceId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM devices WHERE device_id = $1")
        .bind(id.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// The identifiers of the devices that a patient wears.
pub async fn ids_of_patient(db: &mut PgConnection, patient: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT device_id FROM devices WHERE patient_id = $1 ORDER BY 1")
        .bind(patient)
        .fetch_all(db)
        .await
}

/// Whether there is no device at all.
pub async fn is_empty(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM devices)")
        .fetch_one(db)
        .await
}
