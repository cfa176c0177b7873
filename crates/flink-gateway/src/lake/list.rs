//! `platform/flink/lake.toml`: which tables are in the lake, and how it is written.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::flink::sql_gateway::Config;

/// The list. Whatever is not as Flink or Iceberg would have it states its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LakeList {
    /// Options of the one job.
    #[serde(default)]
    pub job: Entry,
    /// Properties of every table.
    #[serde(default)]
    pub defaults: Entry,
    /// Properties of the catalog beyond its address: another file access, for instance.
    #[serde(default)]
    pub catalog: Entry,
    /// By the table's name, which is also its topic's.
    pub tables: BTreeMap<String, Entry>,
}

/// Options with their reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub config: Config,
}

/// Why the list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("{path}: {error}")]
    Io { path: String, error: std::io::Error },
    #[error("{path}: {error}")]
    Syntax {
        path: String,
        error: Box<toml::de::Error>,
    },
    #[error("{path}: {what} has options and no reason; say why they are there")]
    NoReason { path: String, what: String },
    #[error(
        "{path}: {name} cannot be a table of the lake, whose names are letters, digits and '_'"
    )]
    Name { path: String, name: String },
}

impl LakeList {
    /// Reads and checks a list.
    pub fn load(path: &Path) -> Result<Self, ListError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ListError::Io {
            path: shown.clone(),
            error,
        })?;
        Self::parse(&text, &shown)
    }

    fn parse(text: &str, path: &str) -> Result<Self, ListError> {
        let list: Self = toml::from_str(text).map_err(|error| ListError::Syntax {
            path: path.to_owned(),
            error: Box::new(error),
        })?;
        let parts = [
            ("job", &list.job),
            ("defaults", &list.defaults),
            ("catalog", &list.catalog),
        ];
        let tables = list
            .tables
            .iter()
            .map(|(name, entry)| (name.as_str(), entry));
        let silent = parts
            .into_iter()
            .chain(tables)
            .find(|(_, entry)| !entry.config.is_empty() && entry.reason.trim().is_empty());
        if let Some((what, _)) = silent {
            return Err(ListError::NoReason {
                path: path.to_owned(),
                what: what.to_owned(),
            });
        }
        let fits = |name: &&String| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty()
        };
        match list.tables.keys().find(|name| !fits(name)) {
            Some(name) => Err(ListError::Name {
                path: path.to_owned(),
                name: name.clone(),
            }),
            None => Ok(list),
        }
    }

    /// Properties of a table: its own win over those of all.
    pub fn table_properties(&self, table: &str) -> Config {
        let mut properties = self.defaults.config.clone();
        if let Some(entry) = self.tables.get(table) {
            properties.extend(entry.config.clone());
        }
        properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_overrides_the_defaults() {
        let list = LakeList::parse(
            "[defaults]\nreason = \"why\"\nconfig = { a = \"1\", b = \"1\" }\n\
             [tables.t]\nreason = \"why\"\nconfig = { b = \"2\" }\n[tables.u]\n",
            "f",
        )
        .unwrap();
        assert_eq!(list.table_properties("t")["b"], "2");
        assert_eq!(list.table_properties("t")["a"], "1");
        assert_eq!(list.table_properties("u")["b"], "1");
    }

    #[test]
    fn options_without_a_reason_and_foreign_names_are_refused() {
        let refused = |text: &str| LakeList::parse(text, "f").unwrap_err().to_string();
        let error = refused("[tables.t]\nconfig = { a = \"1\" }");
        assert!(error.contains("t has options and no reason"), "{error}");
        let error = refused("[tables.\"a.b\"]");
        assert!(error.contains("a.b cannot be"), "{error}");
        let error = refused("[tables]\n[table.t]");
        assert!(error.contains("unknown field"), "{error}");
    }

    #[test]
    fn the_committed_list_is_valid() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../platform/flink/lake.toml");
        let list = LakeList::load(&path).unwrap();
        assert!(list.tables.contains_key("hc_fct_drift_evts"));
        assert_eq!(list.job.config["execution.checkpointing.interval"], "60 s");
    }
}
