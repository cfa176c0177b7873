//! Expected against found rows, and the difference in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Row;

/// Doubles are the result of a computation, whose order Flink chooses.
const RELATIVE: f64 = 1.0e-9;

/// How the rows of a table differ from the expected ones, a line for each difference; empty when they do not. Rows belong
/// together by their key; a row is compared in the columns that the expectation names.
///
/// # Errors
/// Two expected rows with one key, or a row that lacks a column of it.
pub fn differences(
    key: &[&str],
    expected: &[Row],
    found: &BTreeMap<String, Row>,
) -> Result<String> {
    let mut text = String::new();
    let mut wanted = BTreeMap::new();
    for row in expected {
        let id = identity(key, row)?;
        ensure!(
            wanted.insert(id.clone(), row).is_none(),
            "two expected rows have the key {id}"
        );
    }
    let mut found: BTreeMap<String, &Row> = found
        .values()
        .map(|row| Ok((identity(key, row)?, row)))
        .collect::<Result<_>>()?;
    for (id, row) in wanted {
        match found.remove(&id) {
            None => writeln!(text, "  missing     {}", show(row))?,
            Some(other) => {
                let columns = row.iter().filter_map(|(column, value)| {
                    let Some(actual) = other.get(column) else {
                        return Some(format!("{column} is no column"));
                    };
                    (!same(value, actual))
                        .then(|| format!("{column} is {actual}, expected {value}"))
                });
                let columns: Vec<String> = columns.collect();
                if !columns.is_empty() {
                    writeln!(text, "  different   {id}: {}", columns.join("; "))?;
                }
            }
        }
    }
    for row in found.into_values() {
        writeln!(text, "  unexpected  {}", show(row))?;
    }
    Ok(text)
}

fn identity(key: &[&str], row: &Row) -> Result<String> {
    let mut parts = Vec::new();
    for column in key {
        let value = row
            .get(*column)
            .with_context(|| format!("{} lacks the key column {column}", show(row)))?;
        parts.push(format!("{column}: {value}"));
    }
    Ok(format!("{{{}}}", parts.join(", ")))
}

/// As a row of the YAML files.
fn show(row: &Row) -> String {
    let columns: Vec<String> = row
        .iter()
        .map(|(column, value)| format!("{column}: {value}"))
        .collect();
    format!("{{{}}}", columns.join(", "))
}

/// Also within arrays, in any order, and records.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(expected), Value::Number(actual))
            if expected.is_f64() || actual.is_f64() =>
        {
            match (expected.as_f64(), actual.as_f64()) {
                (Some(expected), Some(actual)) => {
                    (expected - actual).abs() <= RELATIVE * expected.abs().max(actual.abs())
                }
                _ => false,
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let mut left: Vec<&Value> = actual.iter().collect();
            expected.len() == actual.len()
                && expected.iter().all(|item| {
                    let found = left.iter().position(|other| same(item, other));
                    found.map(|at| left.swap_remove(at)).is_some()
                })
        }
        (Value::Object(expected), Value::Object(actual)) => expected
            .iter()
            .all(|(name, value)| actual.get(name).is_some_and(|other| same(value, other))),
        _ => expected == actual,
    }
}
