//! Table `app.running_simulation`: the simulation that was started and not stopped, if there is one.

use sqlx::PgConnection;

/// The patient that it is restricted to, within the row; `None` when no simulation runs.
pub async fn get(db: &mut PgConnection) -> sqlx::Result<Option<Option<String>>> {
    sqlx::query_scalar("SELECT patient_id FROM app.running_simulation WHERE id = 1")
        .fetch_optional(db)
        .await
}

pub async fn put(db: &mut PgConnection, patient: Option<&str>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO app.running_simulation (id, patient_id) VALUES (1, $1)
         ON CONFLICT ON CONSTRAINT running_simulation_pkey
         DO UPDATE SET patient_id = excluded.patient_id, started_at = now()",
    )
    .bind(patient)
    .execute(db)
    .await
    .map(drop)
}

pub async fn delete(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM app.running_simulation")
        .execute(db)
        .await
        .map(drop)
}
