//! The session at the SQL Gateway that holds our tables.
//!
//! Its catalog lives in memory and dies with the session, so every new session gets all tables of the store again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hc_flink_dialect::{
    Connection, Namespace, Table, quote_identifier, quote_string, translate_table,
};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio_util::sync::CancellationToken;

use crate::flink::FlinkError;
use crate::flink::sql_gateway::{Config, Outcome, SqlGateway};
use crate::store::Store;

/// The SQL Gateway drops a session that is silent for ten minutes.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Pause between two tries to open a session.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// Longest wait for a session to close when the process stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Names under which clients know the local servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub organization: String,
    /// Also the catalog.
    pub environment: String,
    /// Another name of the environment, for people.
    pub environment_name: String,
    /// The Kafka cluster; also the database.
    pub database: String,
    /// Another name of the Kafka cluster, for people.
    pub database_name: String,
    pub compute_pool: String,
    pub provider: String,
    pub region: String,
}

/// A session that is opened on demand and opened again when it is lost.
#[derive(Debug)]
pub struct Session {
    gateway: SqlGateway,
    identity: Identity,
    connection: Connection,
    store: Store,
    open: RwLock<Option<String>>,
    /// The handle with which a call failed in a way that says the session is gone.
    suspected: Mutex<Option<String>>,
    /// Written by what replaces a table, read by what uses tables: between DROP and CREATE nothing is planned.
    catalog: RwLock<()>,
}

/// An open session. While one is held the session is not replaced, so a table that is defined in it and then stored
/// cannot be missed by a replay.
#[derive(Debug)]
pub struct Ready<'a> {
    session: &'a Session,
    handle: RwLockReadGuard<'a, str>,
}

/// The session of one query; [`QuerySession::close`] it.
#[derive(Debug)]
pub struct QuerySession {
    pub gateway: SqlGateway,
    pub handle: String,
}

impl Identity {
    /// Under which names statements may look tables up.
    pub fn namespace(&self) -> Namespace {
        Namespace::new(
            [&self.environment, &self.environment_name],
            [&self.database, &self.database_name],
        )
    }
}

impl QuerySession {
    /// Closes the session and ends what runs in it.
    pub async fn close(&self) {
        self.gateway.close_session(&self.handle).await;
    }

    /// Runs a statement to its end.
    pub async fn run(&self, sql: &str, config: &Config) -> Result<Outcome, FlinkError> {
        let operation = self.gateway.submit(&self.handle, sql, config).await?;
        self.gateway.finish(&self.handle, &operation).await
    }
}

impl Session {
    pub fn new(
        gateway: SqlGateway,
        identity: Identity,
        connection: Connection,
        store: Store,
    ) -> Self {
        Self {
            gateway,
            identity,
            connection,
            store,
            open: RwLock::default(),
            suspected: Mutex::default(),
            catalog: RwLock::default(),
        }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The open session, opened and filled first if there is none. Hold one at a time.
    pub async fn ready(&self) -> Result<Ready<'_>, FlinkError> {
        loop {
            let open = self.open.read().await;
            if let Ok(handle) = RwLockReadGuard::try_map(open, |open| self.usable(open)) {
                return Ok(Ready {
                    session: self,
                    handle,
                });
            }
            let mut open = self.open.write().await;
            if self.usable(&open).is_none() {
                *open = None;
                *open = Some(self.open_and_fill().await?);
            }
        }
    }

    fn usable<'a>(&self, open: &'a Option<String>) -> Option<&'a str> {
        let suspected = self
            .suspected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.as_deref()
            .filter(|handle| suspected.as_deref() != Some(handle))
    }

    fn suspect(&self, handle: &str) {
        tracing::warn!(
            "the session at the SQL Gateway is lost; the next statement opens a new one"
        );
        *self
            .suspected
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(handle.to_owned());
    }

    /// Keeps a session open, and its tables there, until the token is cancelled.
    pub async fn keep(&self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.beat_for_ever() => {}
        }
        // A statement that is being run may still hold the session; the process does not wait for it.
        if let Ok(mut open) = self.open.try_write()
            && let Some(handle) = open.take()
        {
            let closing = self.gateway.close_session(&handle);
            tokio::time::timeout(CLOSE_TIMEOUT, closing).await.ok();
        }
    }

    async fn beat_for_ever(&self) {
        loop {
            let pause = match self.beat().await {
                Ok(()) => HEARTBEAT,
                Err(error) => {
                    tracing::debug!(%error, "no session");
                    REOPEN_PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn beat(&self) -> Result<(), FlinkError> {
        let handle = self.ready().await?.handle.to_owned();
        let result = self.gateway.heartbeat(&handle).await;
        if result.is_err() {
            self.suspect(&handle);
        }
        result
    }

    async fn open_and_fill(&self) -> Result<String, FlinkError> {
        let handle = self.open_empty("hc-flink-gateway").await?;
        let tables = self.store.tables();
        for stored in &tables {
            self.replay(&handle, &stored.table, false).await?;
        }
        tracing::info!(tables = tables.len(), "session open");
        Ok(handle)
    }

    /// A session for one query, with the tables it reads. For a snapshot they end at what their topics hold now.
    ///
    /// A query has a session of its own because its rows are fetched for as long as it lives, and because the tables
    /// of a snapshot have the same names as the others.
    pub async fn open_for_query(
        &self,
        statement: &str,
        tables: &[Table],
        snapshot: bool,
    ) -> Result<QuerySession, FlinkError> {
        let session = QuerySession {
            gateway: self.gateway.clone(),
            handle: self.open_empty(statement).await?,
        };
        for table in tables {
            if let Err(error) = self.replay(&session.handle, table, snapshot).await {
                session.close().await;
                return Err(error);
            }
        }
        Ok(session)
    }

    /// A session with our catalog and database, and no table.
    async fn open_empty(&self, name: &str) -> Result<String, FlinkError> {
        let properties = Config::from([
            ("table.local-time-zone".into(), "UTC".into()),
            (
                "table.column-expansion-strategy".into(),
                "EXCLUDE_ALIASED_VIRTUAL_METADATA_COLUMNS".into(),
            ),
        ]);
        let handle = self.gateway.open_session(name, &properties).await?;
        let catalog = quote_identifier(&self.identity.environment);
        let database = quote_string(&self.identity.database);
        let create = format!(
            "CREATE CATALOG {catalog} WITH ('type' = 'generic_in_memory', 'default-database' = {database})"
        );
        self.execute(&handle, &create, &Config::new()).await?;
        self.execute(&handle, &format!("USE CATALOG {catalog}"), &Config::new())
            .await?;
        Ok(handle)
    }

    /// A table that cannot be defined any more makes its own statements fail, not everybody's.
    async fn replay(&self, handle: &str, table: &Table, snapshot: bool) -> Result<(), FlinkError> {
        let sql = match translate_table(table, &self.connection) {
            Ok(translated) if snapshot => translated.snapshot_sql,
            Ok(translated) => translated.sql,
            Err(error) => {
                tracing::error!(table = table.name, %error, "table cannot be translated any more");
                return Ok(());
            }
        };
        match self.execute(handle, &sql, &Config::new()).await {
            Err(FlinkError::Refused(error)) => {
                tracing::error!(
                    table = table.name,
                    error,
                    "table cannot be defined any more"
                );
                Ok(())
            }
            other => other.map(drop),
        }
    }

    async fn execute(
        &self,
        handle: &str,
        sql: &str,
        config: &Config,
    ) -> Result<Outcome, FlinkError> {
        let operation = self.gateway.submit(handle, sql, config).await?;
        self.gateway.finish(handle, &operation).await
    }
}

impl Ready<'_> {
    /// Runs a statement that uses tables and changes none.
    pub async fn run(&self, sql: &str, config: &Config) -> Result<Outcome, FlinkError> {
        let _reading = self.session.catalog.read().await;
        self.execute(sql, config).await
    }

    /// Defines a table, replacing the one of its name. `sql` is its CREATE TABLE.
    pub async fn define(&self, table: &str, sql: &str) -> Result<(), FlinkError> {
        let _writing = self.session.catalog.write().await;
        self.drop_table(table).await?;
        self.execute(sql, &Config::new()).await.map(drop)
    }

    /// Removes a table from the catalog; absent is fine.
    pub async fn undefine(&self, table: &str) -> Result<(), FlinkError> {
        let _writing = self.session.catalog.write().await;
        self.drop_table(table).await
    }

    async fn drop_table(&self, table: &str) -> Result<(), FlinkError> {
        let sql = format!("DROP TABLE IF EXISTS {}", quote_identifier(table));
        self.execute(&sql, &Config::new()).await.map(drop)
    }

    async fn execute(&self, sql: &str, config: &Config) -> Result<Outcome, FlinkError> {
        let result = self.session.execute(&self.handle, sql, config).await;
        if matches!(
            result,
            Err(FlinkError::SessionLost | FlinkError::Unreachable(_))
        ) {
            self.session.suspect(&self.handle);
        }
        result
    }
}
