//! Table `app.idempotency_keys`.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

/// How many expired keys a write removes besides its own.
const CLEANED_AT_ONCE: i64 = 100;

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
    // What another write is removing is skipped, so that two of them never wait for each other.
    sqlx::query(
        "DELETE FROM app.idempotency_keys
         WHERE key IN (
             SELECT key FROM app.idempotency_keys
             WHERE created_at < $1
             ORDER BY key = $2 DESC
             LIMIT $3
             FOR UPDATE SKIP LOCKED
         )",
    )
    .bind(expired)
    .bind(key)
    .bind(CLEANED_AT_ONCE)
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
