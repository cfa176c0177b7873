//! The lake: topics copied into Iceberg tables by one job, which is a statement like any other once it is in the store.
//!
//! A list of tables (`platform/flink/lake.toml`) is all that a person writes. [`plan`] makes the statement from it and
//! from the topics that exist, [`keeper`] replaces the statement when that changes, and the engine submits it. The rows
//! say where in its topic each record stood, so that a new job goes on exactly where the tables end, without any state of
//! the job before it.

mod catalog;
pub mod command;
pub mod keeper;
mod list;
mod plan;

use clap::Args;
use std::path::PathBuf;

pub use catalog::Catalog;
pub(crate) use catalog::qualified;
pub use list::{LakeList, ListError};
pub use plan::{Lake, Wanted};
pub(crate) use plan::{job_config, table_properties};

/// Name of the lake's statement and of its job.
pub const STATEMENT: &str = "lake";
/// The catalog in sessions that use the lake.
pub const CATALOG: &str = "lake";
/// The database of all its tables.
pub const DATABASE: &str = "hc";

/// Command line of what serves the lake.
#[derive(Clone, Debug, Args)]
pub struct LakeArgs {
    /// List of the tables that are copied into the lake (platform/flink/lake.toml); without one there is no lake
    #[arg(long = "lake", env = "FLINK_LAKE_TABLES")]
    pub tables: Option<PathBuf>,
    /// Postgres database that holds the lake's catalog
    #[arg(
        long = "lake-catalog-uri",
        env = "LAKE_CATALOG_URI",
        default_value = "jdbc:postgresql://127.0.0.1:5432/lake"
    )]
    pub catalog_uri: String,
    /// Role that owns the catalog
    #[arg(
        long = "lake-catalog-user",
        env = "LAKE_CATALOG_USER",
        default_value = "lake"
    )]
    pub catalog_user: String,
    /// Password of the role
    #[arg(
        long = "lake-catalog-password",
        env = "LAKE_CATALOG_PASSWORD",
        default_value = "lake",
        hide_env_values = true
    )]
    pub catalog_password: String,
    /// Where the lake's files go: a folder that Flink shares with this process, or a URI
    #[arg(
        long = "lake-warehouse",
        env = "LAKE_WAREHOUSE",
        default_value = ".data/lake"
    )]
    pub warehouse: String,
    /// How often rows become visible in the lake, such as '5 s'; default: what the list says
    #[arg(long = "lake-commit-interval", env = "LAKE_COMMIT_INTERVAL")]
    pub commit_interval: Option<String>,
}
