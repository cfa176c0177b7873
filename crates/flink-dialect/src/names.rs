use serde::{Deserialize, Serialize};

/// A table's name as written: `table`, `database.table` or `catalog.database.table`, back-quotes removed.
///
/// `` `healthcare.public.prescriptions` `` is one part, whose name contains dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectName {
    /// Confluent: the environment, by id.
    pub catalog: Option<String>,
    /// Confluent: the Kafka cluster, by name.
    pub database: Option<String>,
    /// The table, which is also the topic's name.
    pub table: String,
}

impl ObjectName {
    /// A name without catalog and database.
    pub fn bare(table: impl Into<String>) -> Self {
        Self {
            catalog: None,
            database: None,
            table: table.into(),
        }
    }

    /// The name as SQL, each part quoted.
    pub fn to_sql(&self) -> String {
        [
            self.catalog.as_deref(),
            self.database.as_deref(),
            Some(self.table.as_str()),
        ]
        .into_iter()
        .flatten()
        .map(quote_identifier)
        .collect::<Vec<_>>()
        .join(".")
    }
}

/// An identifier in back-quotes, inner back-quotes doubled.
pub fn quote_identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string literal in quotes, inner quotes doubled.
pub fn quote_string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// How `shift_left` names the statements of a table: `<cluster type>-<region>-<product>-{ddl|dml}-<table>`.
///
/// Using the same names lets either tool take over what the other deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementNames {
    prefix: String,
}

impl StatementNames {
    /// `new("dev", "us-west-2")` gives names that start with `dev-usw2-`.
    pub fn new(cluster_type: &str, region: &str) -> Self {
        Self {
            prefix: format!("{cluster_type}-{}", abbreviate_region(region)),
        }
    }

    /// Name of the statement that creates the table.
    pub fn ddl(&self, product: &str, table: &str) -> String {
        self.name(product, "ddl", table)
    }

    /// Name of the statement that fills the table.
    pub fn dml(&self, product: &str, table: &str) -> String {
        self.name(product, "dml", table)
    }

    fn name(&self, product: &str, kind: &str, table: &str) -> String {
        format!(
            "{}-{product}-{kind}-{}",
            self.prefix,
            table.replace('_', "-")
        )
    }
}

impl Default for StatementNames {
    /// shift_left's own defaults: `dev`, `us-west-2`.
    fn default() -> Self {
        Self::new("dev", "us-west-2")
    }
}

fn abbreviate_region(region: &str) -> String {
    region
        .replace('-', "")
        .replace("east", "e")
        .replace("west", "w")
        .replace("south", "s")
        .replace("north", "n")
        .replace("central", "c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_names_are_those_of_shift_left() {
        let names = StatementNames::default();
        assert_eq!(
            names.ddl("hc", "hc_fct_drift_evts"),
            "dev-usw2-hc-ddl-hc-fct-drift-evts"
        );
        assert_eq!(
            names.dml("hc", "src_hc_prescriptions"),
            "dev-usw2-hc-dml-src-hc-prescriptions"
        );
        assert_eq!(
            StatementNames::new("stage", "eu-central-1").dml("p", "t"),
            "stage-euc1-p-dml-t"
        );
    }

    #[test]
    fn quoting_doubles_the_quote() {
        assert_eq!(quote_identifier("a`b"), "`a``b`");
        assert_eq!(quote_string("it's"), "'it''s'");
        assert_eq!(
            ObjectName::bare("healthcare.public.prescriptions").to_sql(),
            "`healthcare.public.prescriptions`"
        );
    }
}
