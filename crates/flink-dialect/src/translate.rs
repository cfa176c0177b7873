use std::collections::BTreeMap;

use crate::{DialectError, Table};

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

/// A subject of the registry, with the schema that Flink's writer will register or use.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// `<topic>-key` or `<topic>-value`.
    pub name: String,
    /// Avro schema.
    pub schema: serde_json::Value,
}

/// A table for open-source Flink 2.2.
#[derive(Debug, Clone, PartialEq)]
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
    let _ = (table, connection);
    Err(DialectError::unsupported("CREATE TABLE", "It comes next."))
}
