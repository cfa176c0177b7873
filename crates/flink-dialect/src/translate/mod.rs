//! From a table in Confluent's dialect to a topic, its subjects, and `CREATE TABLE` of open-source Flink.

mod columns;
mod options;
mod units;

use std::collections::BTreeMap;

use crate::model::{identifier_list, option_list};
use crate::{Column, ColumnKind, DataType, DialectError, Table, avro, quote_identifier};

use options::{Format, Mode, TableOptions};

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
    let connector = match options.mode {
        _ if options.value_format == Format::AvroDebezium => Connector::Debezium,
        Mode::Append => Connector::Kafka,
        Mode::Upsert | Mode::Retract => Connector::UpsertKafka,
    };
    let mut warnings = options.warnings.clone();
    if options.mode == Mode::Retract && connector == Connector::UpsertKafka {
        warnings.push(format!(
            "Table {} is written in upsert form: open-source Flink has no retract form, and readers see the same rows.",
            table.name
        ));
    }
    let key_columns = key_columns(table, connector);
    let with = with_options(
        table,
        connection,
        &options,
        connector,
        &key_columns,
        &mut warnings,
    )?;
    let body = columns::body(table, connector)?;
    let sql = create(table, &body, &with);
    let mut bounded = with;
    bounded.insert("scan.bounded.mode".into(), "latest-offset".into());
    Ok(TranslatedTable {
        connector,
        sql,
        snapshot_sql: create(table, &body, &bounded),
        topic: TopicSpec {
            name: table.name.clone(),
            partitions: table
                .distribution
                .as_ref()
                .and_then(|distribution| distribution.buckets)
                .unwrap_or(connection.default_partitions),
            configs: options.topic_configs.clone(),
        },
        subjects: subjects(table, connector, &options, &key_columns)?,
        probes: probes(table, connector),
        warnings,
    })
}

/// Fields of the record's key.
fn key_columns(table: &Table, connector: Connector) -> Vec<String> {
    match (connector, &table.distribution) {
        (Connector::UpsertKafka | Connector::Debezium, _) => table.primary_key.clone(),
        (Connector::Kafka, Some(distribution)) => distribution.columns.clone(),
        // Without DISTRIBUTED, a primary key is what Confluent distributes by.
        (Connector::Kafka, None) => table.primary_key.clone(),
    }
}

fn create(table: &Table, body: &str, with: &BTreeMap<String, String>) -> String {
    format!(
        "CREATE TABLE {} (\n  {body}\n) WITH (\n  {}\n)",
        quote_identifier(&table.name),
        option_list(with)
    )
}

fn with_options(
    table: &Table,
    connection: &Connection,
    options: &TableOptions,
    connector: Connector,
    key_columns: &[String],
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<String, String>, DialectError> {
    let mut with = BTreeMap::new();
    let mut put = |key: &str, value: &str| with.insert(key.to_owned(), value.to_owned());
    put(
        "connector",
        if connector == Connector::UpsertKafka {
            "upsert-kafka"
        } else {
            "kafka"
        },
    );
    put("topic", &table.name);
    put(
        "properties.bootstrap.servers",
        &connection.bootstrap_servers,
    );
    put(
        "properties.group.id",
        &format!("{}{}", connection.group_id_prefix, table.name),
    );
    for (key, value) in connection
        .kafka_properties
        .iter()
        .chain(&options.kafka_properties)
    {
        put(&format!("properties.{key}"), value);
    }
    for (key, value) in &options.scan {
        put(key, value);
    }
    if connector == Connector::UpsertKafka {
        // It always reads from the beginning: the newest record of every key is the table.
        for key in with
            .keys()
            .filter(|key| key.starts_with("scan.startup."))
            .cloned()
            .collect::<Vec<_>>()
        {
            let value = with.remove(&key);
            if value.as_deref() != Some("earliest-offset") {
                warnings.push(format!("'{key}' of table {} has no effect: an upsert table is read from the beginning.", table.name));
            }
        }
    }
    if columns::has_watermark(table, connector)
        && let Some(timeout) = connection
            .idle_timeouts
            .get(&table.name)
            .or(connection.idle_timeout.as_ref())
    {
        with.insert("scan.watermark.idle-timeout".into(), timeout.clone());
    }
    format_options(&mut with, "value", options.value_format, connection);
    match connector {
        // The envelope repeats the key, which Flink therefore does not read.
        Connector::Debezium => {}
        Connector::Kafka if key_columns.is_empty() => {}
        Connector::Kafka | Connector::UpsertKafka => {
            format_options(&mut with, "key", options.key_format, connection);
            with.insert(
                "value.fields-include".into(),
                if options.value_includes_key {
                    "ALL"
                } else {
                    "EXCEPT_KEY"
                }
                .into(),
            );
            if let Some(prefix) = &options.key_prefix {
                with.insert("key.fields-prefix".into(), prefix.clone());
            }
            if connector == Connector::Kafka {
                // The connector separates names by semicolons and knows no escape.
                if let Some(bad) = key_columns.iter().find(|name| name.contains(';')) {
                    return Err(DialectError::unsupported(
                        format!("The key column {bad} with a semicolon"),
                        "Rename it.",
                    ));
                }
                with.insert("key.fields".into(), key_columns.join(";"));
            }
        }
    }
    Ok(with)
}

fn format_options(
    with: &mut BTreeMap<String, String>,
    side: &str,
    format: Format,
    connection: &Connection,
) {
    let name = format.open_source_name();
    with.insert(format!("{side}.format"), name.to_owned());
    if format == Format::Raw {
        return;
    }
    with.insert(
        format!("{side}.{name}.url"),
        connection.registry_url.clone(),
    );
    for (key, value) in &connection.registry_properties {
        with.insert(format!("{side}.{name}.{key}"), value.clone());
    }
}

fn subjects(
    table: &Table,
    connector: Connector,
    options: &TableOptions,
    key_columns: &[String],
) -> Result<Vec<Subject>, DialectError> {
    // Connect owns the subjects of a change topic.
    if connector == Connector::Debezium {
        return Ok(Vec::new());
    }
    let physical: Vec<(&str, &DataType)> = table.physical_columns().collect();
    let is_key = |name: &str| key_columns.iter().any(|key| key == name);
    let mut subjects = Vec::new();
    if !key_columns.is_empty() && options.key_format == Format::Avro {
        // In the order of the key, which is not always that of the columns.
        let key = key_columns
            .iter()
            .filter_map(|name| physical.iter().find(|(column, _)| column == name).copied());
        subjects.push(Subject {
            name: format!("{}-key", table.name),
            schema: avro::record_schema(key)?,
        });
    }
    if options.value_format == Format::Avro {
        let value = physical
            .into_iter()
            .filter(|(name, _)| options.value_includes_key || !is_key(name));
        subjects.push(Subject {
            name: format!("{}-value", table.name),
            schema: avro::record_schema(value)?,
        });
    }
    Ok(subjects)
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
