//! The connection pool, the migrations and the seed.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::{
    Connection as _, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{config::DatabaseArgs, demo::Demo, store};

/// Tables, schemas, triggers and the publication.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../../postgres/migrations");

/// How long a request waits for a connection before it is answered with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Every connection is tested when it is given back. One that was idle for longer than this is tested again before it
/// is used; a test is a round trip.
const TRUSTED: Duration = Duration::from_secs(1);

/// A pool that connects when it is first used, or `None` without a database.
///
/// Postgres gives a statement up after `statement_timeout`: a request that is no longer waited for must not keep its
/// connection, or what it has locked.
///
/// # Errors
/// When the URL is not one.
pub fn pool(
    args: &DatabaseArgs,
    statement_timeout: Option<Duration>,
) -> anyhow::Result<Option<PgPool>> {
    if args.database_url.is_empty() {
        return Ok(None);
    }
    let mut connection: PgConnectOptions = args
        .database_url
        .parse()
        .context("DATABASE_URL must look like postgresql://user:password@host:port/database")?;
    if let Some(limit) = statement_timeout {
        // In milliseconds, where 0 would be no limit.
        let limit = limit.as_millis().max(1);
        connection = connection.options([("statement_timeout", limit)]);
    }
    let pool = PgPoolOptions::new()
        .max_connections(args.database_max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connection);
    Ok(Some(pool))
}

/// Brings the tables up to date; repeating it changes nothing.
///
/// # Errors
/// When the database does not answer or holds other migrations.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    MIGRATIONS.run(pool).await.context("migrating the database")
}

/// Inserts the demonstration's rows if there is no patient, device or prescription. Whether it did.
///
/// # Errors
/// When the database does not answer, or refuses a row.
pub async fn seed(pool: &PgPool, demo: &Demo, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let mut tx = pool.begin().await?;
    // Two seeds at once would both find the tables empty.
    sqlx::query("LOCK TABLE patients, devices, prescriptions IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    let empty = store::patients::is_empty(&mut tx).await?
        && store::devices::is_empty(&mut tx).await?
        && store::prescriptions::is_empty(&mut tx).await?;
    if !empty {
        return Ok(false);
    }
    for patient in &demo.patients {
        store::patients::insert(&mut tx, patient, now).await?;
    }
    for device in &demo.devices {
        store::devices::insert(&mut tx, device, now).await?;
    }
    for prescription in &demo.prescriptions {
        store::prescriptions::insert(&mut tx, prescription, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}
