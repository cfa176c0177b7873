//! `platform/flink/statements.toml`: how the local engine runs statements, outside the SQL that Confluent sees too.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::flink::sql_gateway::Config;

/// The tuning file. Every entry states its reason, so that nobody has to guess what may be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tuning {
    /// Flink options of every statement with a job.
    #[serde(default)]
    pub defaults: Entry,
    /// By the table that the statement writes.
    #[serde(default)]
    pub statements: BTreeMap<String, StatementTuning>,
    /// By the table that is read.
    #[serde(default)]
    pub tables: BTreeMap<String, TableTuning>,
}

/// Flink options with their reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub config: Config,
}

/// What one statement gets beyond the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StatementTuning {
    pub reason: String,
    #[serde(default)]
    pub config: Config,
    /// Replaces the time of a `STATE_TTL` hint, by alias: `m = "2 h"`.
    #[serde(default)]
    pub state_ttl: BTreeMap<String, String>,
    /// Alias whose `STATE_TTL` is the correction window, when one is given at the start of the gateway.
    #[serde(default)]
    pub correction_window_alias: Option<String>,
}

/// How a table is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TableTuning {
    pub reason: String,
    /// After how long a silent partition no longer holds back event time: `200 ms`.
    #[serde(default)]
    pub idle_timeout: Option<String>,
}

/// Why the tuning file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    #[error("{path}: {error}")]
    Io { path: String, error: std::io::Error },
    #[error("{path}: {error}")]
    Syntax {
        path: String,
        error: Box<toml::de::Error>,
    },
    #[error("{path}: {what} has no reason; say why it is there")]
    NoReason { path: String, what: String },
}

impl Tuning {
    /// Reads and checks a tuning file.
    pub fn load(path: &Path) -> Result<Self, TuningError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| TuningError::Io {
            path: shown.clone(),
            error,
        })?;
        Self::parse(&text, &shown)
    }

    fn parse(text: &str, path: &str) -> Result<Self, TuningError> {
        let tuning: Self = toml::from_str(text).map_err(|error| TuningError::Syntax {
            path: path.to_owned(),
            error: Box::new(error),
        })?;
        let statements = tuning
            .statements
            .iter()
            .map(|(name, entry)| (name, &entry.reason));
        let tables = tuning
            .tables
            .iter()
            .map(|(name, entry)| (name, &entry.reason));
        let silent = statements
            .chain(tables)
            .find(|(_, reason)| reason.trim().is_empty());
        match silent {
            Some((name, _)) => Err(TuningError::NoReason {
                path: path.to_owned(),
                what: name.clone(),
            }),
            None => Ok(tuning),
        }
    }

    /// Uses one correction window in every statement that names an alias for it.
    pub fn set_correction_window(&mut self, window: &str) {
        for statement in self.statements.values_mut() {
            if let Some(alias) = &statement.correction_window_alias {
                statement.state_ttl.insert(alias.clone(), window.to_owned());
            }
        }
    }

    /// Flink options of a statement that writes these tables; the later table wins.
    pub fn config(&self, targets: &[&str]) -> Config {
        let mut config = self.defaults.config.clone();
        for statement in targets
            .iter()
            .filter_map(|target| self.statements.get(*target))
        {
            config.extend(statement.config.clone());
        }
        config
    }

    /// `STATE_TTL` overrides of a statement that writes these tables.
    pub fn state_ttl(&self, targets: &[&str]) -> BTreeMap<String, String> {
        let tuned = targets
            .iter()
            .filter_map(|target| self.statements.get(*target));
        tuned
            .flat_map(|statement| statement.state_ttl.clone())
            .collect()
    }

    /// Idle time-outs by table.
    pub fn idle_timeouts(&self) -> BTreeMap<String, String> {
        self.tables
            .iter()
            .filter_map(|(name, table)| Some((name.clone(), table.idle_timeout.clone()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [defaults]
        config = { "a" = "1", "b" = "1" }
        [statements.t]
        reason = "why"
        config = { "b" = "2" }
        correction-window-alias = "m"
        [tables.r]
        reason = "why"
        idle-timeout = "10 s"
    "#;

    #[test]
    fn a_statement_overrides_the_defaults() {
        let mut tuning = Tuning::parse(FILE, "f").unwrap();
        assert_eq!(tuning.config(&["other"])["b"], "1");
        assert_eq!(tuning.config(&["t"])["b"], "2");
        assert_eq!(tuning.config(&["t"])["a"], "1");
        assert!(
            tuning.state_ttl(&["t"]).is_empty(),
            "the SQL's own hint holds"
        );
        tuning.set_correction_window("2 h");
        assert_eq!(tuning.state_ttl(&["t"])["m"], "2 h");
        assert!(tuning.state_ttl(&["other"]).is_empty());
        assert_eq!(tuning.idle_timeouts()["r"], "10 s");
    }

    #[test]
    fn entries_without_a_reason_and_unknown_fields_are_refused() {
        let error = Tuning::parse("[statements.t]\nreason = \"\"", "f").unwrap_err();
        assert!(error.to_string().contains("t has no reason"), "{error}");
        let error = Tuning::parse("[tables.t]\nreason = \"x\"\nidle = \"1 s\"", "f").unwrap_err();
        assert!(error.to_string().contains("idle"), "{error}");
    }

    #[test]
    fn the_committed_file_is_valid() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../platform/flink/statements.toml");
        let tuning = Tuning::load(&path).unwrap();
        assert_eq!(
            tuning.config(&["hc_fct_drift_evts"])["table.exec.sink.upsert-materialize"],
            "NONE"
        );
    }
}
