//! What Postgres knows about its readers: the connector's heartbeat and its replication slot.

use sqlx::PgConnection;

/// A row of `pg_replication_slots`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SlotRow {
    /// Whether somebody reads from it now.
    pub active: bool,
    /// `reserved`, `extended`, `unreserved` or `lost`; `None` before the first reader.
    pub wal_status: Option<String>,
    /// Bytes of write-ahead log that its reader has not confirmed.
    pub lag_bytes: Option<i64>,
    /// Bytes of write-ahead log that Postgres keeps for it.
    pub retained_bytes: Option<i64>,
}

/// The replication slot of this name.
pub async fn slot(db: &mut PgConnection, name: &str) -> sqlx::Result<Option<SlotRow>> {
    sqlx::query_as(
        "SELECT active, wal_status,
                pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS lag_bytes,
                pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS retained_bytes
         FROM pg_replication_slots WHERE slot_name = $1",
    )
    .bind(name)
    .fetch_optional(db)
    .await
}

/// Milliseconds since the connector last wrote its heartbeat, by the clock of Postgres; `None` when it never did.
pub async fn heartbeat_age(db: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT (extract(epoch FROM clock_timestamp() - beat) * 1000)::bigint
         FROM debezium_heartbeat WHERE id = 1",
    )
    .fetch_optional(db)
    .await
}
