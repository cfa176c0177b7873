//! From a table in Confluent's dialect to a topic, its subjects, and `CREATE TABLE` of open-source Flink.

mod columns;
mod lake;
mod layout;
mod options;
mod topic_configs;
mod with;

use std::collections::BTreeMap;

use crate::model::{identifier_list, option_list};
use crate::{Column, ColumnKind, DialectError, Table, quote_identifier};

pub use lake::{LakeTable, Offsets, lake_statement, lake_table};
use layout::Layout;
use options::{Mode, TableOptions};

/// The local servers, and what the engine needs beyond the dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// `host:port,...`
    pub bootstrap_servers: String,
    /// Base URL of the Confluent-compatible registry API.
    pub registry_url: String,
    /// Kafka client properties of every table (security, for instance), without the prefix `properties.`.
    pub kafka_properties: BTreeMap<String, String>,
    /// Registry client options of every format (`basic-auth.user-info`, ...), without the format's prefix.
    pub registry_properties: BTreeMap<String, String>,
    /// Prefix of `properties.group.id`; the table's name follows.
    pub group_id_prefix: String,
    /// Partitions of a topic whose table states no bucket count. Confluent: 6.
    pub default_partitions: u32,
    /// After how long a silent partition no longer holds back event time (`200 ms`, `10 s`). Without one, windows and
    /// temporal joins wait for every partition for ever.
    pub idle_timeout: Option<String>,
    /// The same, for single tables by name.
    pub idle_timeouts: BTreeMap<String, String>,
}

impl Connection {
    /// A connection without extra properties, with Confluent's six partitions and an idle timeout of 1 s.
    pub fn new(bootstrap_servers: impl Into<String>, registry_url: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            registry_url: registry_url.into(),
            kafka_properties: BTreeMap::new(),
            registry_properties: BTreeMap::new(),
            group_id_prefix: "flink-".into(),
            default_partitions: 6,
            idle_timeout: Some("1 s".into()),
            idle_timeouts: BTreeMap::new(),
        }
    }
}

/// Which connector of open-source Flink carries a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// `kafka`: every record is a row.
    Kafka,
    /// `upsert-kafka`: the newest record of a key is the row, a null value deletes it.
    UpsertKafka,
    /// `kafka` with `debezium-avro-confluent`: read only.
    Debezium,
}

/// The topic behind a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: u32,
    /// `cleanup.policy`, `retention.ms`, ...: what the table states. What it leaves open is the broker's default.
    pub configs: BTreeMap<String, String>,
}

/// A subject of the registry, with the schema that Flink's writer uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `<topic>-key` or `<topic>-value`.
    pub name: String,
    /// Avro schema, in the text that Flink's writer registers: registered beforehand, it stays the only version.
    pub schema: String,
}

/// A table for open-source Flink 2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedTable {
    /// The connector.
    pub connector: Connector,
    /// `CREATE TABLE` for streaming statements, without `IF NOT EXISTS`.
    pub sql: String,
    /// The same table ending at the newest offset of the moment a query starts (`scan.bounded.mode`), for statements
    /// with `sql.snapshot.mode`. Same name: it belongs in a second session or database.
    pub snapshot_sql: String,
    /// The topic that `CREATE TABLE` makes and `DROP TABLE` deletes.
    pub topic: TopicSpec,
    /// Subjects that `CREATE TABLE` registers and `DROP TABLE` deletes.
    pub subjects: Vec<Subject>,
    /// Statements to run right after `sql`: Flink looks at options and types only when a table is used, Confluent when
    /// it is created. Each is an `EXPLAIN`; an error means that the table is no good.
    pub probes: Vec<String>,
    /// Things accepted and ignored, one sentence each.
    pub warnings: Vec<String>,
}

/// Translates a table of Confluent's dialect.
///
/// The session that runs the result needs `table.local-time-zone` = `UTC` and `table.column-expansion-strategy` =
/// `EXCLUDE_ALIASED_VIRTUAL_METADATA_COLUMNS` (hides the added `$rowtime` from `SELECT *`).
///
/// # Errors
/// An unknown option, an unsupported format, a mode without the key it needs, or a type without an Avro form.
pub fn translate_table(
    table: &Table,
    connection: &Connection,
) -> Result<TranslatedTable, DialectError> {
    let options = TableOptions::read(table)?;
    let layout = Layout::of(table, &options)?;
    let connector = layout.connector;
    let with = with::with_options(table, connection, &options, &layout);
    let body = columns::body(table, &layout)?;
    Ok(TranslatedTable {
        connector,
        sql: create(table, &body, &with),
        snapshot_sql: create(table, &body, &with::bounded(with)),
        subjects: layout.subjects(table)?,
        probes: probes(table, connector),
        warnings: warnings(table, &options, connector),
        topic: TopicSpec {
            name: table.name.clone(),
            partitions: table
                .distribution
                .as_ref()
                .and_then(|distribution| distribution.buckets)
                .unwrap_or(connection.default_partitions),
            configs: options.topic_configs,
        },
    })
}

/// What is accepted and has another meaning here, or none.
fn warnings(table: &Table, options: &TableOptions, connector: Connector) -> Vec<String> {
    let name = &table.name;
    let mut warnings = options.warnings.clone();
    if options.mode == Mode::Retract && connector == Connector::UpsertKafka {
        warnings.push(format!(
            "Table {name} is written in upsert form: open-source Flink has no retract form, and readers see the same rows."
        ));
    }
    if connector == Connector::UpsertKafka {
        let ignored = options
            .scan
            .iter()
            .filter(|(key, value)| key.starts_with("scan.startup.") && *value != "earliest-offset");
        warnings.extend(ignored.map(|(key, _)| {
            format!(
                "'{key}' of table {name} has no effect: an upsert table is read from the beginning."
            )
        }));
    }
    if let Some(column) = columns::own_timestamp(table) {
        warnings.push(format!(
            "`$rowtime` of table {name} is computed from {}, so that SELECT * shows it: list the columns instead.",
            column.name
        ));
    }
    warnings
}

fn create(table: &Table, body: &str, with: &BTreeMap<String, String>) -> String {
    format!(
        "CREATE TABLE {} (\n  {body}\n) WITH (\n  {}\n)",
        quote_identifier(&table.name),
        option_list(with)
    )
}

fn probes(table: &Table, connector: Connector) -> Vec<String> {
    let name = quote_identifier(&table.name);
    let mut probes = vec![format!("EXPLAIN SELECT * FROM {name}")];
    if connector != Connector::Debezium {
        // What a row consists of on its way in: fields, and metadata that can be written.
        let written = |column: &&Column| match &column.kind {
            ColumnKind::Physical { .. } => true,
            ColumnKind::Metadata { is_virtual, .. } => !is_virtual,
            ColumnKind::Computed { .. } => false,
        };
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(written)
            .map(|column| column.name.clone())
            .collect();
        probes.push(format!(
            "EXPLAIN INSERT INTO {name} SELECT {} FROM {name}",
            identifier_list(&columns)
        ));
    }
    probes
}
