//! The change topics of Debezium, written as Connect writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::codec::{Bytes, Change, Codec, Row, check_columns};

/// Prefix of the captured tables' topics.
const PREFIX: &str = "healthcare.public.";

/// True for a topic that Connect writes.
pub(crate) fn is_captured(table: &str) -> bool {
    table.starts_with(PREFIX)
}

/// What Connect registers for a captured table: `side` is `key` or `value`.
pub(crate) fn schema(table: &str, side: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(format!("{table}-{side}.avsc"));
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The rows as they stand, from which the next change has its `before`.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    rows: BTreeMap<Vec<u8>, Row>,
}

impl Captured {
    /// Key and value of the records of a change. A deletion is two records, the second a tombstone.
    pub(crate) fn records(
        &mut self,
        table: &str,
        (keys, envelopes): (&Codec, &Codec),
        change: &Change,
    ) -> Result<Vec<Bytes>> {
        match change {
            Change::Put(row) => {
                check_columns(row, &envelopes.nested("before")?)?;
                let key = keys.encode(row)?;
                let before = self.rows.insert(key.clone(), row.clone());
                let op = if before.is_none() { "c" } else { "u" };
                let value = envelopes.encode(&envelope(table, op, before, Some(row.clone())))?;
                Ok(vec![(key, Some(value))])
            }
            Change::Delete(row) => {
                let key = keys.encode(row)?;
                let before = self
                    .rows
                    .remove(&key)
                    .context("a row is deleted that is not there")?;
                let value = envelopes.encode(&envelope(table, "d", Some(before), None))?;
                Ok(vec![(key.clone(), Some(value)), (key, None)])
            }
        }
    }
}

fn envelope(table: &str, op: &str, before: Option<Row>, after: Option<Row>) -> Row {
    let source = json!({
        "version": "3.0.0.Final",
        "connector": "postgresql",
        "name": "healthcare",
        "ts_ms": 0,
        "snapshot": "false",
        "db": "healthcare",
        "sequence": null,
        "ts_us": null,
        "ts_ns": null,
        "schema": "public",
        "table": table.trim_start_matches(PREFIX),
        "txId": null,
        "lsn": null,
        "xmin": null,
        "origin": null,
        "origin_lsn": null,
    });
    Map::from_iter([
        (
            "before".to_owned(),
            before.map_or(Value::Null, Value::Object),
        ),
        ("after".to_owned(), after.map_or(Value::Null, Value::Object)),
        ("source".to_owned(), source),
        ("op".to_owned(), op.into()),
    ])
}
