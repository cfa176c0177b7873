//! A statement as the gateway keeps it: what was asked, what became of it, and the jobs that ran it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The life cycle of a statement, in Confluent's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Phase {
    Pending,
    Running,
    Completed,
    Degraded,
    Failed,
    Stopping,
    Stopped,
    Deleting,
}

impl Phase {
    /// True when nothing will change this phase except a request of the client.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Stopped)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Degraded => "DEGRADED",
            Self::Failed => "FAILED",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Deleting => "DELETING",
        })
    }
}

/// What a statement does, as `traits.sql_kind` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    CreateTable,
    AlterTable,
    DropTable,
    InsertInto,
    /// `INSERT INTO ... VALUES`: the reply waits for the rows to be written.
    InsertValues,
    StatementSet,
    /// The statement set that fills the lake, made by the gateway itself.
    Lake,
    /// Rows for the client, kept in memory.
    Select,
    ShowCreateTable,
    ShowTables,
    /// Anything the gateway does not run; such a statement is FAILED.
    Unsupported,
}

impl Kind {
    /// The name in the API, which has one kind for both forms of INSERT.
    pub fn sql_kind(self) -> &'static str {
        match self {
            Self::CreateTable => "CREATE_TABLE",
            Self::AlterTable => "ALTER_TABLE",
            Self::DropTable => "DROP_TABLE",
            Self::InsertInto | Self::InsertValues => "INSERT_INTO",
            Self::StatementSet | Self::Lake => "STATEMENT_SET",
            Self::Select => "SELECT",
            Self::ShowCreateTable => "SHOW_CREATE_TABLE",
            Self::ShowTables => "SHOW_TABLES",
            Self::Unsupported => "UNSUPPORTED",
        }
    }

    /// True when a client may stop the statement.
    pub fn can_stop(self) -> bool {
        matches!(
            self,
            Self::InsertInto | Self::StatementSet | Self::Lake | Self::Select
        )
    }

    /// True when the statement is carried by a Flink job that is submitted again when it is lost.
    pub fn has_job(self) -> bool {
        matches!(
            self,
            Self::InsertInto | Self::InsertValues | Self::StatementSet | Self::Lake
        )
    }
}

/// What the client asked for; echoed in replies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// SQL in the Confluent dialect.
    pub statement: String,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    #[serde(default)]
    pub compute_pool_id: String,
    #[serde(default)]
    pub principal: String,
    #[serde(default)]
    pub stopped: bool,
}

/// The Flink jobs that ran a statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Jobs {
    /// Every job id ever given to the statement, oldest first; the last one is the current one.
    /// An id is written here before the job is submitted, so that a crash in between loses nothing.
    pub ids: Vec<String>,
    /// True once the current job was seen by the JobManager; false: it may never have been submitted.
    pub seen: bool,
    /// True once any job of the statement had all its tasks running.
    pub ran: bool,
    /// True when the current job was stopped on purpose: the next one starts from where that one ended.
    #[serde(default)]
    pub stopped: bool,
    /// Submissions after the first one, unless a client asked for them.
    pub resubmissions: u32,
    /// The checkpoint or savepoint that the current job was started from.
    pub restored_from: Option<String>,
}

impl Jobs {
    /// The job that should be running.
    pub fn current(&self) -> Option<&str> {
        self.ids.last().map(String::as_str)
    }
}

/// Column names and rows of a statement that answers rows at once (SHOW ...).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultSet {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// What is known about the rows of a SELECT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// `{name, type}` of each column, as the API shows them.
    pub columns: Vec<Value>,
    /// False when rows may be changed or taken back later.
    pub append_only: bool,
    /// True when the rows come to an end.
    pub bounded: bool,
}

impl Statement {
    /// Moves to a phase with its detail. A statement that is being deleted or stopped goes on with that, whatever is
    /// learned about it.
    pub fn set_phase(&mut self, phase: Phase, detail: impl Into<String>) {
        let may = match self.phase {
            Phase::Deleting => false,
            Phase::Stopping => phase == Phase::Stopped,
            _ => true,
        };
        if may {
            self.phase = phase;
            self.detail = detail.into();
        }
    }
}

/// A statement in the store: one JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub name: String,
    pub uid: Uuid,
    pub spec: Spec,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub kind: Kind,
    pub phase: Phase,
    /// The cause of a failure, or what is being waited for; empty when all is well.
    #[serde(default)]
    pub detail: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub resource_version: u64,
    #[serde(default)]
    pub jobs: Jobs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<ResultSet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Query>,
}
