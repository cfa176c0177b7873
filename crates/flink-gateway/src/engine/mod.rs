//! Runs statements: what a POST asks for, once, or again after any interruption.
//!
//! Every step may be repeated: the statement is recorded before anything is done, and stays PENDING until its end is
//! recorded. Whatever is PENDING is run again by the reconcile loop.

mod ddl;
mod external;
mod insert;
mod lake;
mod remove;
mod select;
mod show;
mod stop;

use std::path::PathBuf;

use hc_flink_dialect::{
    DialectError, ObjectName, SqlKind, Statement as Parsed, StatementProperties, parse,
    translate_properties,
};
pub(crate) use remove::alive;
pub use stop::Stopping;

use hc_kafka::{Admin, AdminError, Registry, RegistryError};
use tokio::sync::Semaphore;

use crate::flink::FlinkError;
use crate::flink::cause::shorten;
use crate::flink::job_manager::JobManager;
use crate::lake::Lake;
use crate::locks::Locks;
use crate::model::{Kind, Phase, ResultSet, Statement};
use crate::results::Selects;
use crate::session::Session;
use crate::store::{Store, StoreError};
use crate::tuning::Tuning;

/// How often a statement is tried at once when its session turns out to be lost.
const ATTEMPTS: u32 = 3;
/// Jobs that are submitted at one time. The SQL Gateway works on one statement of a session after the other, and a
/// request that waits behind a dozen of them seems lost.
pub const SUBMISSIONS: usize = 2;
/// Seconds after which a statement without a job is given up when a server it needs stays away.
const GIVE_UP_AFTER_S: i64 = 300;

/// Everything that running statements needs.
pub struct Engine {
    pub store: Store,
    pub session: Session,
    pub jobs: JobManager,
    pub kafka: Admin,
    pub registry: Registry,
    pub tuning: Tuning,
    /// What is copied into the lake; `None` without a list.
    pub lake: Option<Lake>,
    /// Where Flink keeps checkpoints, as this process sees the folder.
    pub checkpoints: PathBuf,
    pub locks: Locks,
    pub selects: Selects,
    /// Whose turn it is to submit a job.
    pub submissions: Semaphore,
}

/// Why a statement was not run to its end.
#[derive(Debug)]
pub enum Problem {
    /// The statement is wrong: FAILED with this text.
    Refused(String),
    /// A server is away: the statement stays PENDING and is tried again. The text says what is waited for.
    Later(String),
    /// The session was lost: tried again at once.
    Again,
}

/// How far a statement came.
#[derive(Debug)]
enum Done {
    /// To its end.
    Completed(Option<ResultSet>),
    /// Its job was submitted; the reconcile loop watches it.
    Submitted,
    /// As far as its phase says, which is stored already.
    Recorded,
}

impl Engine {
    /// Runs a PENDING statement without a job yet, and records what became of it.
    pub async fn execute(&self, name: &str) {
        let _own = self.locks.lock(name).await;
        self.execute_locked(name).await;
    }

    /// The same for a caller that holds the statement's lock.
    pub async fn execute_locked(&self, name: &str) {
        let Some(statement) = self.store.statement(name) else {
            return;
        };
        // A snapshot stays PENDING until it is whole.
        if statement.phase != Phase::Pending || self.selects.get(name).is_some() {
            return;
        }
        let result = self.attempt(&statement).await;
        if let Err(error) = self.record(&statement, result).await {
            tracing::error!(statement = name, %error, "the outcome of a statement could not be stored");
        }
    }

    async fn attempt(&self, statement: &Statement) -> Result<Done, Problem> {
        for _ in 1..ATTEMPTS {
            match self.run(statement).await {
                Err(Problem::Again) => {}
                other => return other,
            }
        }
        match self.run(statement).await {
            Err(Problem::Again) => Err(Problem::Later("the SQL Gateway loses its sessions".into())),
            other => other,
        }
    }

    async fn run(&self, statement: &Statement) -> Result<Done, Problem> {
        if statement.kind == Kind::Lake {
            self.submit_lake(statement, None).await?;
            return Ok(Done::Submitted);
        }
        let parsed = parse(&statement.spec.statement)?;
        let properties = self.properties(statement)?;
        match parsed {
            Parsed::CreateTable(create) => self.create_table(create).await,
            Parsed::AlterTable(alter) => self.alter_table(&alter).await,
            Parsed::DropTable { name, if_exists } => self.drop_table(&name, if_exists).await,
            Parsed::Insert(insert) => {
                self.submit(statement, &properties, &[insert], None).await?;
                Ok(Done::Submitted)
            }
            Parsed::StatementSet(inserts) => {
                self.submit(statement, &properties, &inserts, None).await?;
                Ok(Done::Submitted)
            }
            Parsed::ShowCreateTable(name) => self.show_create_table(&name).await,
            Parsed::ShowTables => Ok(self.show_tables()),
            Parsed::Select => self.select(statement, &properties).await,
            Parsed::Describe(_) | Parsed::Explain => Err(Problem::Refused(format!(
                "{} statements are not served by this gateway. SHOW CREATE TABLE shows a table; Flink's page shows the \
                 plan of a running statement.",
                parsed.kind()
            ))),
        }
    }

    /// The statement's properties for Flink; another catalog or database than ours is refused.
    fn properties(&self, statement: &Statement) -> Result<StatementProperties, Problem> {
        let properties = translate_properties(&statement.spec.properties)?;
        self.session.identity().namespace().check(
            properties.catalog.as_deref(),
            properties.database.as_deref(),
        )?;
        Ok(properties)
    }

    /// The table's own name, when its qualifiers are ours.
    fn own_table<'a>(&self, name: &'a ObjectName) -> Result<&'a str, Problem> {
        self.session.identity().namespace().check_name(name)?;
        if crate::name::is_table_name(&name.table) {
            return Ok(&name.table);
        }
        Err(Problem::Refused(format!(
            "'{}' cannot be a table, since Kafka does not accept it as a topic: use letters, digits, '.', '_' and '-'.",
            name.table
        )))
    }

    /// The statement without the names of our catalog and database, which the session uses anyway. Places stay.
    fn unqualified(&self, statement: &Statement) -> Result<String, Problem> {
        let namespace = self.session.identity().namespace();
        Ok(namespace.unqualify(&statement.spec.statement)?)
    }

    async fn record(
        &self,
        statement: &Statement,
        result: Result<Done, Problem>,
    ) -> Result<(), StoreError> {
        let age = self.store.now() - statement.created_at;
        let (phase, detail, results) = match result {
            Ok(Done::Completed(results)) => (Phase::Completed, String::new(), results),
            Ok(Done::Submitted) => (Phase::Pending, String::new(), None),
            Ok(Done::Recorded) => return Ok(()),
            Err(Problem::Refused(text)) => (Phase::Failed, text, None),
            Err(Problem::Later(text))
                if !statement.kind.has_job() && age.num_seconds() > GIVE_UP_AFTER_S =>
            {
                (Phase::Failed, text, None)
            }
            Err(Problem::Later(text)) => (Phase::Pending, format!("waiting: {text}"), None),
            Err(Problem::Again) => (Phase::Pending, String::new(), None),
        };
        tracing::info!(
            statement = statement.name,
            kind = statement.kind.sql_kind(),
            %phase,
            detail,
            milliseconds = age.num_milliseconds(),
            "statement run"
        );
        self.store
            .update_statement(&statement.name, |statement| {
                // A DELETE that came meanwhile wins.
                if statement.phase == Phase::Pending {
                    statement.phase = phase;
                    statement.detail = shorten(&detail);
                    statement.results = results;
                }
            })
            .await
            .map(drop)
    }
}

/// What a statement is, before it is run; text that does not parse is known to fail.
pub fn kind(sql: &str) -> Kind {
    match parse(sql) {
        Ok(Parsed::Insert(insert)) if insert.is_values => Kind::InsertValues,
        Ok(parsed) => match parsed.kind() {
            SqlKind::CreateTable => Kind::CreateTable,
            SqlKind::AlterTable => Kind::AlterTable,
            SqlKind::DropTable => Kind::DropTable,
            SqlKind::InsertInto => Kind::InsertInto,
            SqlKind::StatementSet => Kind::StatementSet,
            SqlKind::ShowCreateTable => Kind::ShowCreateTable,
            SqlKind::ShowTables => Kind::ShowTables,
            SqlKind::Select => Kind::Select,
            SqlKind::Describe | SqlKind::Explain => Kind::Unsupported,
        },
        Err(_) => Kind::Unsupported,
    }
}

impl From<FlinkError> for Problem {
    fn from(error: FlinkError) -> Self {
        match error {
            FlinkError::Refused(text) => Self::Refused(text),
            FlinkError::SessionLost => Self::Again,
            FlinkError::Unreachable(_) => Self::Later(error.to_string()),
        }
    }
}

impl From<DialectError> for Problem {
    fn from(error: DialectError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Refused { .. } | AdminError::Partitions { .. } => {
                Self::Refused(error.to_string())
            }
            _ => Self::Later(error.to_string()),
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Unreachable(_) => Self::Later(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store cannot be written");
        Self::Later("the gateway cannot write its store; see its log".into())
    }
}
