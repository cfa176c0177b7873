//! Where the lake is: its catalog and its files.

use std::path::Path;

use hc_flink_dialect::{quote_identifier, quote_string};

use super::{CATALOG, DATABASE, LakeArgs};
use crate::flink::sql_gateway::Config;

/// The catalog of the lake.
#[derive(Clone, PartialEq, Eq)]
pub struct Catalog {
    options: Config,
    warehouse: String,
}

impl Catalog {
    /// `extra` are further options of Iceberg's catalog.
    ///
    /// # Errors
    /// The warehouse is no folder that can be named.
    pub fn new(args: &LakeArgs, extra: &Config) -> anyhow::Result<Self> {
        // A plain path stands in the tables' metadata as it is, which every reader understands.
        let warehouse = if args.warehouse.contains("://") {
            args.warehouse.trim_end_matches('/').to_owned()
        } else {
            std::path::absolute(Path::new(&args.warehouse))?
                .display()
                .to_string()
        };
        let mut options = Config::from(
            [
                ("type", "iceberg"),
                ("catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog"),
                ("uri", &args.catalog_uri),
                ("jdbc.user", &args.catalog_user),
                ("jdbc.password", &args.catalog_password),
                ("jdbc.schema-version", "V1"),
                ("warehouse", &warehouse),
                // A table that was made again has its predecessor's name.
                ("cache-enabled", "false"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        options.extend(extra.clone());
        Ok(Self { options, warehouse })
    }

    /// Makes catalog and database known to a session.
    pub fn statements(&self) -> [String; 2] {
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(key, value)| format!("{} = {}", quote_string(key), quote_string(value)))
            .collect();
        [
            format!("CREATE CATALOG {CATALOG} WITH ({})", options.join(", ")),
            format!("CREATE DATABASE IF NOT EXISTS {CATALOG}.{DATABASE}"),
        ]
    }

    /// A folder for the files of a table. One that is made again has another, since the old one may still be read.
    pub fn location(&self, table: &str, topic_id: &str) -> String {
        let id: String = topic_id
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        format!("{}/{DATABASE}/{table}-{id}", self.warehouse)
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The options hold a password.
        out.debug_struct("Catalog")
            .field("warehouse", &self.warehouse)
            .finish_non_exhaustive()
    }
}

/// A table of the lake, for statements.
pub(crate) fn qualified(table: &str) -> String {
    format!("{CATALOG}.{DATABASE}.{}", quote_identifier(table))
}
