//! The lake as a person queries it, with `scripts/lake/bin/lake`.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hc_e2e::repository;
use serde_json::{Map, Value};

use super::topic::{Rows, located, row};
use crate::home::Home;
use crate::shift_left::cache;

pub(crate) struct Lake {
    settings: Vec<(&'static str, String)>,
}

impl Lake {
    pub(crate) fn new(home: &Home) -> Result<Self> {
        Ok(Self {
            settings: vec![
                ("POSTGRES_PORT", home.port("POSTGRES_PORT").to_string()),
                ("HC_CACHE_DIR", cache()?),
            ],
        })
    }

    /// The tables that have been made.
    pub(crate) async fn tables(&self) -> Result<BTreeSet<String>> {
        let rows = self.run(&[]).await?;
        rows.iter().map(|row| text(row, "table")).collect()
    }

    /// Every row of a table, with its place.
    pub(crate) async fn rows(&self, table: &str) -> Result<Rows> {
        let found = self.run(&[&format!("FROM {table}")]).await?;
        let count = found.len();
        let rows: Rows = found
            .into_iter()
            .map(|mut row| {
                let partition = take(&mut row, "kafka_partition")?;
                let offset = take(&mut row, "kafka_offset")?;
                row.remove("kafka_timestamp").context("a timestamp")?;
                let op = row.remove("op").unwrap_or_else(|| "u".into());
                let op = op.as_str().context("an op")?;
                Ok(located(i32::try_from(partition)?, offset, op, row))
            })
            .collect::<Result<_>>()?;
        ensure!(rows.len() == count, "{table}: rows are there twice");
        Ok(rows)
    }

    /// Whether a table has a key, and therefore a state.
    pub(crate) async fn has_state(&self, table: &str) -> Result<bool> {
        let sql =
            format!("SELECT count(*) AS n FROM duckdb_views() WHERE view_name = '{table}_now'");
        let found = self.run(&[&sql]).await?;
        Ok(found.first().context("a count")?["n"] != 0)
    }

    /// The rows of a table as they stand, or stood.
    pub(crate) async fn state(&self, table: &str, as_of: Option<&str>) -> Result<Rows> {
        let sql = format!("FROM {table}_now");
        let found = match as_of {
            Some(time) => self.run(&["--as-of", time, &sql]).await?,
            None => self.run(&[&sql]).await?,
        };
        Ok(found.into_iter().map(row).collect())
    }

    /// How many rows a table has, and how many of them are deletions.
    pub(crate) async fn counts(&self, table: &str) -> Result<(usize, usize)> {
        let sql = format!(
            "SELECT count(*) AS rows, count(*) FILTER (op = 'd') AS deletions FROM {table}"
        );
        let mut found = self.run(&[&sql]).await?;
        let row = found.first_mut().context("a row")?;
        Ok((
            usize::try_from(take(row, "rows")?)?,
            usize::try_from(take(row, "deletions")?)?,
        ))
    }

    /// The time, as `--as-of` takes it.
    pub(crate) async fn now(&self) -> Result<String> {
        let found = self.run(&["SELECT now()::TIMESTAMP AS now"]).await?;
        text(found.first().context("a row")?, "now")
    }

    async fn run(&self, arguments: &[&str]) -> Result<Vec<Map<String, Value>>> {
        let mut command = Command::new(repository().join("scripts/lake/bin/lake"));
        command
            .arg("--json")
            .args(arguments)
            .envs(self.settings.iter().map(|(name, value)| (*name, value)));
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        ensure!(
            output.status.success(),
            "lake {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout)?
            .lines()
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }
}

fn text(row: &Map<String, Value>, name: &str) -> Result<String> {
    let value = row.get(name).and_then(Value::as_str);
    Ok(value
        .with_context(|| format!("no {name} in {row:?}"))?
        .to_owned())
}

fn take(row: &mut Map<String, Value>, name: &str) -> Result<i64> {
    let value = row.remove(name).and_then(|value| value.as_i64());
    value.with_context(|| format!("no {name} in {row:?}"))
}
