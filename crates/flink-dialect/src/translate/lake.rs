//! The copy of a topic in a lake: every record with its place in the topic, as rows that are only ever added.
//!
//! An upsert topic is read as the log it is and not as the table it means: `upsert-kafka` would need the newest value of
//! every key in state, for ever, to make a changelog of it. The `kafka` connector reads the same records without state,
//! but its Avro format passes over records without a value. So a second source reads the keys with the value as bytes, of
//! which those without one are the deletions. Partition and offset order the changes of a key wherever they are read.

use std::collections::BTreeMap;

use crate::model::{identifier_list, option_list};
use crate::{
    Column, ColumnKind, DataType, DialectError, Distribution, Table, quote_identifier, quote_string,
};

use super::layout::Layout;
use super::options::{Format, Mode, TableOptions};
use super::{Connection, columns, with};

/// What a row of the lake has after the columns of its table: what happened to the key, and where the record stands.
const OP: &str = "op";
const PLACE: [(&str, &str, &str, &str); 3] = [
    ("kafka_partition", "partition", "INT", "INT"),
    ("kafka_offset", "offset", "BIGINT", "BIGINT"),
    (
        "kafka_timestamp",
        "timestamp",
        "TIMESTAMP_LTZ(3)",
        "TIMESTAMP_LTZ(6)",
    ),
];
/// The value of a record as bytes; NULL is a deletion.
const BYTES: &str = "kafka_value";

/// Where reading a topic begins: the next offset of each partition; empty: at the beginning.
pub type Offsets = BTreeMap<i32, i64>;

/// How a topic gets into a lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeTable {
    /// Columns of the lake's table, between parentheses.
    pub columns: String,
    /// The columns that tell rows apart in an upsert table; empty when every record is a row of its own.
    pub key: Vec<String>,
    /// What is inserted; names the sources.
    pub query: String,
    table: Table,
    sources: Vec<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    name: String,
    body: String,
    with: BTreeMap<String, String>,
}

impl LakeTable {
    /// `CREATE TABLE` statements of the sources that the query names. A source that goes on from a checkpoint does not
    /// look at `start`.
    pub fn sources(&self, start: &Offsets) -> Vec<String> {
        let create = |source: &Source| {
            let mut with = source.with.clone();
            with.extend(startup(start));
            format!(
                "CREATE TABLE {} (\n  {}\n) WITH (\n  {}\n)",
                quote_identifier(&source.name),
                source.body,
                option_list(&with)
            )
        };
        self.sources.iter().map(create).collect()
    }

    /// The name of the table and of its topic.
    pub fn name(&self) -> &str {
        &self.table.name
    }
}

/// Translates a table of Confluent's dialect into the copy of its topic.
///
/// # Errors
/// The table holds change envelopes, or has a column with a name that the lake needs, or is not valid.
pub fn lake_table(table: &Table, connection: &Connection) -> Result<LakeTable, DialectError> {
    let options = TableOptions::read(table)?;
    if options.value_format == Format::AvroDebezium {
        return Err(DialectError::unsupported(
            format!("A lake table of the change topic {}", table.name),
            "List the table that is made of it.",
        ));
    }
    check_names(table)?;
    let key = match options.mode {
        Mode::Append => Vec::new(),
        Mode::Upsert | Mode::Retract => table.primary_key.clone(),
    };
    let log = as_log(table, &key);
    let log_options = TableOptions::read(&log)?;
    let layout = Layout::of(&log, &log_options)?;
    let mut with = with::with_options(&log, connection, &log_options, &layout);
    // Of the watermark, which nothing here needs.
    with.remove("scan.watermark.idle-timeout");
    with.insert(
        "properties.group.id".into(),
        format!("{}lake-{}", connection.group_id_prefix, table.name),
    );
    let physical: Vec<Column> = log
        .columns
        .iter()
        .map(|column| columns::translate(column, &layout))
        .collect::<Result<_, _>>()?;

    let written = format!("{} written", table.name);
    let deleted = format!("{} deleted", table.name);
    let mut query = select(&written, &physical, &key, false);
    let mut sources = vec![Source {
        name: written,
        body: body(&physical, false),
        with: with.clone(),
    }];
    if !key.is_empty() {
        query.push_str("\nUNION ALL\n");
        query.push_str(&select(&deleted, &physical, &key, true));
        let keys: Vec<Column> = physical
            .iter()
            .filter(|column| key.contains(&column.name))
            .cloned()
            .collect();
        sources.push(Source {
            name: deleted,
            body: body(&keys, true),
            with: only_keys(with),
        });
    }
    Ok(LakeTable {
        columns: lake_columns(&physical, &key),
        key,
        query,
        table: table.clone(),
        sources,
    })
}

fn check_names(table: &Table) -> Result<(), DialectError> {
    let own = |name: &str| {
        name == OP || name == BYTES || PLACE.iter().any(|(column, ..)| *column == name)
    };
    match table.physical_columns().find(|(name, _)| own(name)) {
        Some((name, _)) => Err(DialectError::unsupported(
            format!("The column {name} of table {} in the lake", table.name),
            "The lake has a column of that name itself: rename it.",
        )),
        None => Ok(()),
    }
}

/// The same topic as a table of records, of which none replaces another.
fn as_log(table: &Table, key: &[String]) -> Table {
    let mut log = table.clone();
    log.columns
        .retain(|column| matches!(column.kind, ColumnKind::Physical { .. }));
    log.watermark = None;
    log.options.retain(|option, _| !option.starts_with("scan."));
    if !key.is_empty() {
        log.options.insert("changelog.mode".into(), "append".into());
        log.distribution = Some(Distribution {
            columns: log.primary_key.clone(),
            buckets: None,
        });
        log.primary_key.clear();
    }
    log
}

fn body(columns: &[Column], with_bytes: bool) -> String {
    let mut parts: Vec<String> = columns.iter().map(Column::to_sql).collect();
    if with_bytes {
        parts.push(format!("`{BYTES}` BYTES"));
    }
    parts.extend(PLACE.iter().map(|(column, key, sql, _)| {
        format!("`{column}` {sql} NOT NULL METADATA FROM '{key}' VIRTUAL")
    }));
    parts.join(",\n  ")
}

/// The key is decoded, the value is left as it is.
fn only_keys(mut with: BTreeMap<String, String>) -> BTreeMap<String, String> {
    with.retain(|option, _| !option.starts_with("value."));
    with.insert("value.format".into(), "raw".into());
    with.insert("value.fields-include".into(), "EXCEPT_KEY".into());
    with
}

fn startup(start: &Offsets) -> BTreeMap<String, String> {
    let option = |name: &str, value: String| (format!("scan.startup.{name}"), value);
    if start.is_empty() {
        return [option("mode", "earliest-offset".into())].into();
    }
    let offsets: Vec<String> = start
        .iter()
        .map(|(partition, offset)| format!("partition:{partition},offset:{offset}"))
        .collect();
    [
        option("mode", "specific-offsets".into()),
        option("specific-offsets", offsets.join(";")),
    ]
    .into()
}

fn select(source: &str, columns: &[Column], key: &[String], deletions: bool) -> String {
    let mut items: Vec<String> = columns
        .iter()
        .map(|column| {
            let name = quote_identifier(&column.name);
            match &column.kind {
                ColumnKind::Physical { data_type } if deletions && !key.contains(&column.name) => {
                    format!("CAST(NULL AS {})", data_type.sql)
                }
                _ => name,
            }
        })
        .collect();
    if !key.is_empty() {
        items.push(quote_string(if deletions { "d" } else { "u" }));
    }
    items.extend(PLACE.iter().map(|(column, _, _, lake)| {
        if lake.starts_with("TIMESTAMP") {
            format!("CAST(`{column}` AS {lake})")
        } else {
            format!("`{column}`")
        }
    }));
    let mut sql = format!(
        "SELECT {} FROM {}",
        items.join(", "),
        quote_identifier(source)
    );
    if deletions {
        sql.push_str(&format!(" WHERE `{BYTES}` IS NULL"));
    }
    sql
}

fn lake_columns(physical: &[Column], key: &[String]) -> String {
    let mut parts: Vec<String> = physical
        .iter()
        .map(|column| {
            let mut column = column.clone();
            column.comment = None;
            // A deletion has nothing but the key.
            if let ColumnKind::Physical { data_type } = &mut column.kind
                && !key.is_empty()
                && !key.contains(&column.name)
            {
                *data_type = DataType::nullable(data_type.sql.clone());
            }
            column.to_sql()
        })
        .collect();
    if !key.is_empty() {
        parts.push(format!("`{OP}` STRING NOT NULL"));
    }
    parts.extend(
        PLACE
            .iter()
            .map(|(column, _, _, sql)| format!("`{column}` {sql} NOT NULL")),
    );
    parts.join(", ")
}

/// `EXECUTE STATEMENT SET` that fills all tables of a lake, each `INSERT INTO <prefix>.<name>`.
pub fn lake_statement(tables: &[LakeTable], prefix: &[String]) -> String {
    let inserts: Vec<String> = tables
        .iter()
        .map(|table| {
            format!(
                "INSERT INTO {}.{}\n{};",
                identifier_list(prefix).replace(", ", "."),
                quote_identifier(table.name()),
                table.query
            )
        })
        .collect();
    format!("EXECUTE STATEMENT SET\nBEGIN\n{}\nEND", inserts.join("\n"))
}
