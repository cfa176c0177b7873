//! Table `app.idempotency_keys`.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

/// Keys that one statement removes, so that none takes long.
const REMOVED_AT_ONCE: i64 = 1_000;

/// A key and the answer that it stands for.
#[derive(Debug, FromRow)]
pub struct Kept {
    pub fingerprint: Vec<u8>,
    pub location: Option<String>,
    pub etag: Option<String>,
    pub body: Option<String>,
}

/// Takes a key for this transaction, or finds what it was used for since `expired`.
///
/// Waits for another transaction that has taken the key: afterwards there is its answer, or nothing if it failed.
pub async fn take(
    db: &mut PgConnection,
    key: &str,
    fingerprint: &[u8],
    now: DateTime<Utc>,
    expired: DateTime<Utc>,
) -> sqlx::Result<Option<Kept>> {
    sqlx::query("DELETE FROM app.idempotency_keys WHERE key = $1 AND created_at < $2")
        .bind(key)
        .bind(expired)
        .execute(&mut *db)
        .await?;
    let taken = sqlx::query(
        "INSERT INTO app.idempotency_keys (key, fingerprint, created_at) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING",
    )
    .bind(key)
    .bind(fingerprint)
    .bind(now)
    .execute(&mut *db)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(None);
    }
    sqlx::query_as(
        "SELECT fingerprint, location, etag, body FROM app.idempotency_keys WHERE key = $1",
    )
    .bind(key)
    .fetch_optional(db)
    .await
}

/// Keeps the answer of the request that took the key.
pub async fn keep(
    db: &mut PgConnection,
    key: &str,
    location: &str,
    etag: &str,
    body: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE app.idempotency_keys SET location = $2, etag = $3, body = $4 WHERE key = $1",
    )
    .bind(key)
    .bind(location)
    .bind(etag)
    .bind(body)
    .execute(db)
    .await
    .map(drop)
}

/// Removes the keys from before `expired`, with their answers, and tells how many there were.
pub async fn remove_expired(db: &mut PgConnection, expired: DateTime<Utc>) -> sqlx::Result<u64> {
    let mut removed = 0;
    loop {
        // A key that a request is taking at the moment is skipped: nobody waits for the other.
        let some = sqlx::query(
            "DELETE FROM app.idempotency_keys
             WHERE key IN (
                 SELECT key FROM app.idempotency_keys
                 WHERE created_at < $1
                 LIMIT $2
                 FOR UPDATE SKIP LOCKED
             )",
        )
        .bind(expired)
        .bind(REMOVED_AT_ONCE)
        .execute(&mut *db)
        .await?
        .rows_affected();
        if some == 0 {
            return Ok(removed);
        }
        removed += some;
    }
}
