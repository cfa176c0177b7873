//! The connection pool, the migrations and the seed.

mod pool;

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

pub use pool::{Connection, Pool, Transaction};

use crate::{config::DatabaseArgs, demo::Demo, store};

/// Tables, schemas, triggers and the publication.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../../postgres/migrations");

/// How long a request waits for a connection before it is answered with 503.
const PATIENCE: Duration = Duration::from_secs(2);

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
) -> anyhow::Result<Option<Pool>> {
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
    let max_connections = usize::try_from(args.database_max_connections)?;
    Pool::new(connection, max_connections, PATIENCE).map(Some)
}

/// Brings the tables up to date; repeating it changes nothing.
///
/// # Errors
/// When the database does not answer or holds other migrations.
pub async fn migrate(db: &mut PgConnection) -> anyhow::Result<()> {
    MIGRATIONS.run(db).await.context("migrating the database")
}

/// Inserts the demonstration's rows if there is no patient, device or prescription. Whether it did.
///
/// # Errors
/// When the database does not answer, or refuses a row.
pub async fn seed(db: &mut PgConnection, demo: &Demo, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
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
