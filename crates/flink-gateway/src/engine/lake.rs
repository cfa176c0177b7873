//! The job of the lake: its tables in Iceberg, and where reading each topic begins.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use hc_flink_dialect::{LakeTable, Offsets, quote_string};
use serde_json::Value;

use super::{Engine, Problem};
use crate::flink::FlinkError;
use crate::flink::rows::Page;
use crate::flink::sql_gateway::Config;
use crate::lake::{Lake, STATEMENT, job_config, qualified, table_properties};
use crate::model::Statement;
use crate::session::QuerySession;

/// Properties of the lake's tables that say what they were made of.
const TOPIC_ID: &str = "hc.topic-id";
const COLUMNS: &str = "hc.columns";
const KEY: &str = "hc.key";
/// Pause between two requests for rows that are not there yet.
const ROWS_POLL: std::time::Duration = std::time::Duration::from_millis(50);

impl Engine {
    /// Submits the lake's job, from a checkpoint if one is given, and otherwise from where its tables end.
    pub(super) async fn submit_lake(
        &self,
        statement: &Statement,
        restore: Option<&Path>,
    ) -> Result<(), Problem> {
        let lake = self.lake.as_ref().ok_or_else(|| {
            Problem::Later("a start of the gateway with --lake, or with FLINK_LAKE_TABLES".into())
        })?;
        if statement.spec.statement.is_empty() {
            return Err(Problem::Later("the first table of the lake".into()));
        }
        if self.runs_already(statement).await? {
            return Ok(());
        }
        let session = self.session.open_for_query(STATEMENT, &[], false).await?;
        let submitted = self.submit_in(&session, lake, statement, restore).await;
        session.close().await;
        submitted
    }

    async fn submit_in(
        &self,
        session: &QuerySession,
        lake: &Lake,
        statement: &Statement,
        restore: Option<&Path>,
    ) -> Result<(), Problem> {
        let spec = &statement.spec;
        let tables = self.lake_tables(spec)?;
        for sql in lake.catalog.statements() {
            session.run(&sql, &Config::new()).await?;
        }
        let mut starts = BTreeMap::new();
        if restore.is_none() {
            let mut filled = Vec::new();
            for (table, topic_id) in &tables {
                let properties = table_properties(spec, table.name());
                if make(session, lake, table, topic_id, properties, self.store.now()).await? {
                    filled.push(table.name());
                }
            }
            starts = ends(session, &filled).await?;
            self.fill_gaps(&mut starts).await?;
        }
        for (table, _) in &tables {
            let start = starts.get(table.name()).cloned().unwrap_or_default();
            for source in table.sources(&start) {
                session.run(&source, &Config::new()).await?;
            }
        }
        self.launch(
            statement,
            &spec.statement,
            job_config(spec),
            restore,
            async |sql, config| session.run(sql, config).await,
        )
        .await
    }

    /// A partition that the lake has nothing of is read from its beginning.
    async fn fill_gaps(&self, starts: &mut BTreeMap<String, Offsets>) -> Result<(), Problem> {
        for (table, offsets) in starts {
            let topic = self.kafka.topic(table).await?;
            for partition in 0..topic.map_or(0, |topic| topic.partitions) {
                offsets.entry(partition).or_insert(0);
            }
        }
        Ok(())
    }
}

/// Makes a table unless it is there; says whether it may hold rows. One that was made of another topic of that name, or
/// with other columns, is renamed: its rows have no place in the new topic's order.
async fn make(
    session: &QuerySession,
    lake: &Lake,
    table: &LakeTable,
    topic_id: &str,
    mut properties: Config,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let name = qualified(table.name());
    let own = [(TOPIC_ID, topic_id), (COLUMNS, &table.columns)];
    match session
        .run(&format!("SHOW CREATE TABLE {name}"), &Config::new())
        .await
    {
        Ok(found) => {
            let text = found
                .rows
                .first()
                .and_then(|row| row.first()?.as_str())
                .unwrap_or_default();
            let is_own = |(key, value): &(&str, &str)| {
                text.contains(&format!("{} = {}", quote_string(key), quote_string(value)))
            };
            if own.iter().all(is_own) {
                return Ok(true);
            }
            let old = format!("{}_until_{}", table.name(), now.format("%Y%m%dt%H%M%S"));
            tracing::warn!(
                table = table.name(),
                old,
                "the topic is another one, or has other columns: the lake begins a new table and keeps the old one"
            );
            let rename = format!("ALTER TABLE {name} RENAME TO {}", qualified(&old));
            session.run(&rename, &Config::new()).await?;
        }
        Err(FlinkError::Refused(text)) if text.contains("does not exist") => {}
        Err(error) => return Err(error.into()),
    }
    for (key, value) in own {
        properties.insert(key.into(), value.into());
    }
    properties.insert(KEY.into(), table.key.join(","));
    properties.insert(
        "location".into(),
        lake.catalog.location(table.name(), topic_id),
    );
    let options: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{} = {}", quote_string(key), quote_string(value)))
        .collect();
    let create = format!(
        "CREATE TABLE {name} ({}) WITH ({})",
        table.columns,
        options.join(", ")
    );
    session.run(&create, &Config::new()).await?;
    Ok(false)
}

/// The offset after the last one that the lake has, by table and partition.
async fn ends(
    session: &QuerySession,
    tables: &[&str],
) -> Result<BTreeMap<String, Offsets>, Problem> {
    let mut ends = BTreeMap::new();
    if tables.is_empty() {
        return Ok(ends);
    }
    let parts: Vec<String> = tables
        .iter()
        .map(|table| {
            format!(
                "SELECT {} AS t, kafka_partition, MAX(kafka_offset) FROM {} GROUP BY kafka_partition",
                quote_string(table),
                qualified(table)
            )
        })
        .collect();
    let config = Config::from([
        ("execution.runtime-mode".into(), "batch".into()),
        ("pipeline.name".into(), "lake-offsets".into()),
    ]);
    for row in rows(session, &parts.join("\nUNION ALL "), &config).await? {
        let [
            Value::String(table),
            Value::String(partition),
            Value::String(offset),
        ] = &row[..]
        else {
            return Err(unreadable(&row));
        };
        let (Ok(partition), Ok(offset)) = (partition.parse(), offset.parse::<i64>()) else {
            return Err(unreadable(&row));
        };
        ends.entry(table.clone())
            .or_insert_with(Offsets::new)
            .insert(partition, offset + 1);
    }
    Ok(ends)
}

fn unreadable(row: &[Value]) -> Problem {
    Problem::Refused(format!("The lake's offsets are not understood: {row:?}."))
}

/// All rows of a query that ends.
async fn rows(
    session: &QuerySession,
    sql: &str,
    config: &Config,
) -> Result<Vec<Vec<Value>>, FlinkError> {
    let (gateway, handle) = (&session.gateway, &session.handle);
    let operation = gateway.submit(handle, sql, config).await?;
    let mut rows = Vec::new();
    let mut token = 0;
    loop {
        match gateway.page(handle, &operation, token).await? {
            Page::NotReady => tokio::time::sleep(ROWS_POLL).await,
            Page::Rows { changes, .. } => {
                if changes.is_empty() {
                    tokio::time::sleep(ROWS_POLL).await;
                }
                rows.extend(changes.into_iter().map(|change| change.row));
                token += 1;
            }
            Page::End => break,
        }
    }
    gateway.close_operation(handle, &operation).await;
    Ok(rows)
}
