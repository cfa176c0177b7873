//! Table `read.drift_events`, the projection of the topic of drift verdicts.

use hc_domain::{DriftEvent, DriftKey};
use sqlx::{FromRow, PgConnection};

use super::corrupt;

#[derive(FromRow)]
struct Row {
    device_id: String,
    metric_name: String,
    ts: i64,
    prescription_id: String,
    patient_id: String,
    prescribed_value: f64,
    actual_value: f64,
    tolerance: f64,
    deviation: f64,
    drift_direction: String,
    message: String,
}

impl TryFrom<Row> for DriftEvent {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            key: DriftKey {
                device_id: row.device_id.try_into().map_err(corrupt)?,
                metric: row.metric_name.parse().map_err(corrupt)?,
                ts: row.ts,
                prescription_id: row.prescription_id.try_into().map_err(corrupt)?,
            },
            patient_id: row.patient_id.try_into().map_err(corrupt)?,
            prescribed_value: row.prescribed_value,
            actual_value: row.actual_value,
            tolerance: row.tolerance,
            deviation: row.deviation,
            drift_direction: row.drift_direction.parse().map_err(corrupt)?,
            message: row.message,
        })
    }
}

/// Newest reading first; `None` is "all".
pub async fn list(
    db: &mut PgConnection,
    device: Option<&str>,
    metric: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<DriftEvent>> {
    sqlx::query_as::<_, Row>(
        "SELECT * FROM read.drift_events
         WHERE ($1::text IS NULL OR device_id = $1)
           AND ($2::text IS NULL OR metric_name = $2)
         ORDER BY ts DESC, device_id, metric_name, prescription_id
         LIMIT $3",
    )
    .bind(device)
    .bind(metric)
    .bind(limit)
    .fetch_all(db)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Inserts the verdict, or replaces the one with its key. Whether anything changed.
pub async fn upsert(db: &mut PgConnection, event: &DriftEvent) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO read.drift_events AS stored
             (device_id, metric_name, ts, prescription_id, patient_id, prescribed_value, actual_value, tolerance,
              deviation, drift_direction, message)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT ON CONSTRAINT drift_events_pkey DO UPDATE
         SET patient_id = excluded.patient_id, prescribed_value = excluded.prescribed_value,
             actual_value = excluded.actual_value, tolerance = excluded.tolerance,
             deviation = excluded.deviation, drift_direction = excluded.drift_direction,
             message = excluded.message
         WHERE stored IS DISTINCT FROM excluded",
    )
    .bind(event.key.device_id.as_str())
    .bind(event.key.metric.as_str())
    .bind(event.key.ts)
    .bind(event.key.prescription_id.as_str())
    .bind(event.patient_id.as_str())
    .bind(event.prescribed_value)
    .bind(event.actual_value)
    .bind(event.tolerance)
    .bind(event.deviation)
    .bind(event.drift_direction.as_str())
    .bind(&event.message)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a verdict. Whether there was one.
pub async fn delete(db: &mut PgConnection, key: &DriftKey) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "DELETE FROM read.drift_events
         WHERE device_id = $1 AND metric_name = $2 AND ts = $3 AND prescription_id = $4",
    )
    .bind(key.device_id.as_str())
    .bind(key.metric.as_str())
    .bind(key.ts)
    .bind(key.prescription_id.as_str())
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes every verdict, before the topic is read again from its beginning.
pub async fn clear(db: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query("DELETE FROM read.drift_events")
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
