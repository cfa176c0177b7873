use crate::model::identifier_list;
use crate::parser::{TypeRoot, parse_type};
use crate::{Column, ColumnKind, DialectError, Table, Watermark};

use super::Connector;

/// Confluent's hidden column: the timestamp of the record.
const ROWTIME: &str = "$rowtime";

/// How far Confluent's default watermark stays behind, roughly.
const DEFAULT_WATERMARK: &str = "`$rowtime` - INTERVAL '0.2' SECOND";

/// What stands between the parentheses.
pub(super) fn body(table: &Table, connector: Connector) -> Result<String, DialectError> {
    let mut parts = table
        .columns
        .iter()
        .map(|column| translate(column).map(|column| column.to_sql()))
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

fn translate(column: &Column) -> Result<Column, DialectError> {
    let mut column = column.clone();
    match &mut column.kind {
        ColumnKind::Physical { data_type } => {
            let mut sql_type = parse_type(data_type)?;
            // `avro-confluent` refuses TIMESTAMP_LTZ; in a UTC session TIMESTAMP has the same bytes.
            if let TypeRoot::TimestampLtz(precision) = sql_type.root {
                sql_type.root = TypeRoot::Timestamp(precision);
            }
            *data_type = sql_type.to_data_type();
        }
        ColumnKind::Metadata { from, .. } => {
            let key = from.as_deref().unwrap_or(&column.name);
            let known = [
                "timestamp",
                "offset",
                "partition",
                "headers",
                "leader-epoch",
                "timestamp-type",
                "topic",
            ];
            if !known.contains(&key) {
                return Err(DialectError::unsupported(
                    format!("The metadata '{key}' of the column {}", column.name),
                    format!("Known are {}.", known.join(", ")),
                ));
            }
        }
        ColumnKind::Computed { .. } => {}
    }
    Ok(column)
}

/// Flink reads each metadata once: where the table has the timestamp already, `$rowtime` is computed from it.
fn rowtime(table: &Table) -> String {
    let own = table.columns.iter().find(|column| match &column.kind {
        ColumnKind::Metadata { from, .. } => from.as_deref().unwrap_or(&column.name) == "timestamp",
        ColumnKind::Physical { .. } | ColumnKind::Computed { .. } => false,
    });
    match own {
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
