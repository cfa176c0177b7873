use crate::intervals::check_intervals;
use crate::model::identifier_list;
use crate::parser::{SqlType, TypeRoot, parse_type};
use crate::{Column, ColumnKind, DialectError, Table, Watermark};

use super::Connector;
use super::layout::Layout;

/// Confluent's hidden column: the timestamp of the record.
const ROWTIME: &str = "$rowtime";

/// How far Confluent's default watermark stays behind, roughly.
const DEFAULT_WATERMARK: &str = "`$rowtime` - INTERVAL '0.2' SECOND";

/// What stands between the parentheses.
pub(super) fn body(table: &Table, layout: &Layout) -> Result<String, DialectError> {
    let connector = layout.connector;
    check_metadata(table)?;
    let mut parts = table
        .columns
        .iter()
        .map(|column| translate(column, layout).map(|column| column.to_sql()))
        .collect::<Result<Vec<_>, _>>()?;
    if table.column(ROWTIME).is_none() {
        parts.push(rowtime(table));
    }
    if let Some(watermark) = watermark(table, connector)? {
        parts.push(watermark.to_sql());
    }
    // A record of an append table replaces nothing, whatever its key; the connector refuses to pretend.
    if connector != Connector::Kafka && !table.primary_key.is_empty() {
        parts.push(format!(
            "PRIMARY KEY ({}) NOT ENFORCED",
            identifier_list(&table.primary_key)
        ));
    }
    Ok(parts.join(",\n  "))
}

pub(super) fn translate(column: &Column, layout: &Layout) -> Result<Column, DialectError> {
    let mut column = column.clone();
    match &mut column.kind {
        ColumnKind::Physical { data_type } => {
            let mut sql_type = parse_type(data_type)?;
            if layout.is_avro() {
                sql_type = without_local_zone(sql_type);
            }
            *data_type = sql_type.to_data_type();
        }
        ColumnKind::Computed { expression } => check_intervals(expression)?,
        ColumnKind::Metadata { .. } => {}
    }
    Ok(column)
}

/// `avro-confluent` refuses TIMESTAMP_LTZ; in a UTC session TIMESTAMP has the same bytes.
fn without_local_zone(sql_type: SqlType) -> SqlType {
    let inner = |boxed: Box<SqlType>| Box::new(without_local_zone(*boxed));
    let root = match sql_type.root {
        TypeRoot::TimestampLtz(precision) => TypeRoot::Timestamp(precision),
        TypeRoot::Array(element) => TypeRoot::Array(inner(element)),
        TypeRoot::Multiset(element) => TypeRoot::Multiset(inner(element)),
        TypeRoot::Map(key, value) => TypeRoot::Map(inner(key), inner(value)),
        TypeRoot::Row(fields) => TypeRoot::Row(
            fields
                .into_iter()
                .map(|(name, field)| (name, without_local_zone(field)))
                .collect(),
        ),
        other => other,
    };
    SqlType::new(root, sql_type.nullable)
}

const METADATA: [&str; 7] = [
    "timestamp",
    "offset",
    "partition",
    "headers",
    "leader-epoch",
    "timestamp-type",
    "topic",
];

/// Known metadata, each read once.
fn check_metadata(table: &Table) -> Result<(), DialectError> {
    let mut read: Vec<(&str, &str)> = Vec::new();
    for column in &table.columns {
        let ColumnKind::Metadata { from, .. } = &column.kind else {
            continue;
        };
        let key = from.as_deref().unwrap_or(&column.name);
        if !METADATA.contains(&key) {
            return Err(DialectError::unsupported(
                format!("The metadata '{key}' of the column {}", column.name),
                format!("Known are {}.", METADATA.join(", ")),
            ));
        }
        if let Some((_, first)) = read.iter().find(|(other, _)| *other == key) {
            return Err(DialectError::unsupported(
                format!(
                    "The metadata '{key}' of both {first} and {} of table {}",
                    column.name, table.name
                ),
                format!("Write {} AS {first}.", column.name),
            ));
        }
        read.push((key, &column.name));
    }
    Ok(())
}

/// The column that has the record's timestamp already.
pub(super) fn own_timestamp(table: &Table) -> Option<&Column> {
    let own = |column: &&Column| match &column.kind {
        ColumnKind::Metadata { from, .. } => from.as_deref().unwrap_or(&column.name) == "timestamp",
        ColumnKind::Physical { .. } | ColumnKind::Computed { .. } => false,
    };
    match table.column(ROWTIME) {
        Some(_) => None,
        None => table.columns.iter().find(own),
    }
}

/// Flink reads each metadata once: where the table has the timestamp already, `$rowtime` is computed from it.
fn rowtime(table: &Table) -> String {
    match own_timestamp(table) {
        Some(column) => format!(
            "`{ROWTIME}` AS CAST({} AS TIMESTAMP_LTZ(3))",
            crate::quote_identifier(&column.name)
        ),
        None => format!("`{ROWTIME}` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL"),
    }
}

pub(super) fn has_watermark(table: &Table, connector: Connector) -> bool {
    table.watermark.is_some() || connector != Connector::Debezium
}

fn watermark(table: &Table, connector: Connector) -> Result<Option<Watermark>, DialectError> {
    let default = || Watermark {
        column: ROWTIME.into(),
        expression: DEFAULT_WATERMARK.into(),
    };
    match &table.watermark {
        None => Ok(has_watermark(table, connector).then(default)),
        Some(own) if !own.expression.to_uppercase().contains("SOURCE_WATERMARK") => {
            check_intervals(&own.expression)?;
            Ok(Some(own.clone()))
        }
        Some(own) if own.column == ROWTIME => Ok(Some(default())),
        Some(own) => Err(DialectError::unsupported(
            format!("SOURCE_WATERMARK() for the column {}", own.column),
            format!(
                "Only {ROWTIME} has one; write an expression such as {} - INTERVAL '5' SECOND.",
                own.column
            ),
        )),
    }
}
