//! Rows of a query, from the SQL Gateway's JSON to the statements API's: every scalar as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// A row with what happened to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub op: Op,
    pub row: Vec<Value>,
    /// Roughly how much memory it takes, in bytes.
    pub size: usize,
}

/// Flink's row kinds, with their numbers in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Op {
    Insert = 0,
    UpdateBefore = 1,
    UpdateAfter = 2,
    Delete = 3,
}

impl Op {
    /// True when the row is part of the result from now on, false when it no longer is.
    pub fn adds(self) -> bool {
        matches!(self, Self::Insert | Self::UpdateAfter)
    }
}

/// One answer to a request for rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// The query has not begun.
    NotReady,
    /// Rows, perhaps none yet.
    Rows {
        columns: Vec<Value>,
        changes: Vec<Change>,
    },
    /// There is nothing after the page before this one.
    End,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "resultType")]
    result_type: String,
    #[serde(borrow, default)]
    results: Option<WireResults<'a>>,
}

#[derive(Deserialize)]
struct WireResults<'a> {
    columns: Vec<WireColumn>,
    #[serde(borrow)]
    data: Vec<WireRow<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireColumn {
    name: String,
    logical_type: Value,
}

#[derive(Deserialize)]
struct WireRow<'a> {
    kind: Op,
    // Raw, since a DECIMAL must not pass through a floating point number.
    #[serde(borrow)]
    fields: Vec<&'a RawValue>,
}

/// Reads a page.
///
/// # Errors
/// It has another form than Flink 2.2 gives.
pub fn page(text: &str) -> serde_json::Result<Page> {
    let wire: Wire = serde_json::from_str(text)?;
    let results = match (wire.result_type.as_str(), wire.results) {
        ("NOT_READY", _) => return Ok(Page::NotReady),
        ("EOS", _) | (_, None) => return Ok(Page::End),
        (_, Some(results)) => results,
    };
    let changes = results
        .data
        .iter()
        .map(|row| change(row, &results.columns))
        .collect::<serde_json::Result<_>>()?;
    let columns = results.columns.into_iter().map(column).collect();
    Ok(Page::Rows { columns, changes })
}

fn column(column: WireColumn) -> Value {
    json!({ "name": column.name, "type": snake_case(column.logical_type) })
}

fn change(row: &WireRow<'_>, columns: &[WireColumn]) -> serde_json::Result<Change> {
    let cells = row
        .fields
        .iter()
        .zip(columns)
        .map(|(raw, column)| cell(raw, &column.logical_type))
        .collect::<serde_json::Result<Vec<Value>>>()?;
    let size = row.fields.iter().map(|raw| raw.get().len() + 64).sum();
    Ok(Change {
        op: row.kind,
        row: cells,
        size,
    })
}

/// The API spells the parts of a type `element_type`, `key_type`, ..., Flink `elementType`.
fn snake_case(logical_type: Value) -> Value {
    match logical_type {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (snake_case_key(&key), snake_case(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => items.into_iter().map(snake_case).collect(),
        other => other,
    }
}

fn snake_case_key(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 1);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn cell(raw: &RawValue, logical_type: &Value) -> serde_json::Result<Value> {
    let text = raw.get();
    if text == "null" {
        return Ok(Value::Null);
    }
    match logical_type["type"].as_str().unwrap_or_default() {
        "ARRAY" => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            items
                .into_iter()
                .map(|item| cell(item, &logical_type["elementType"]))
                .collect()
        }
        "MAP" => entries(text, &logical_type["keyType"], &logical_type["valueType"]),
        "MULTISET" => entries(
            text,
            &logical_type["elementType"],
            &json!({ "type": "INTEGER" }),
        ),
        "ROW" => {
            let values: std::collections::HashMap<String, &RawValue> = serde_json::from_str(text)?;
            let fields = logical_type["fields"].as_array();
            fields
                .into_iter()
                .flatten()
                .map(|field| {
                    let name = field["name"].as_str().unwrap_or_default();
                    values
                        .get(name)
                        .map_or(Ok(Value::Null), |raw| cell(raw, &field["fieldType"]))
                })
                .collect()
        }
        kind => {
            let plain = if text.starts_with('"') {
                serde_json::from_str::<String>(text)?
            } else {
                text.to_owned()
            };
            Ok(Value::String(scalar(kind, plain)))
        }
    }
}

fn entries(text: &str, key: &Value, value: &Value) -> serde_json::Result<Value> {
    let pairs: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let key_kind = key["type"].as_str().unwrap_or_default();
    pairs
        .into_iter()
        .map(|(name, raw)| Ok(json!([scalar(key_kind, name), cell(raw, value)?])))
        .collect()
}

fn scalar(kind: &str, text: String) -> String {
    match kind {
        "BOOLEAN" => text.to_uppercase(),
        // `2026-11-21T10:00:00.123Z`: the API has a blank in the middle and no zone, which is UTC here.
        kind if kind.starts_with("TIMESTAMP") => {
            text.replacen('T', " ", 1).trim_end_matches('Z').to_owned()
        }
        "BINARY" | "VARBINARY" | "BYTES" => match STANDARD.decode(&text) {
            Ok(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("x'{digits}'")
            }
            Err(_) => text,
        },
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: Value, fields: &str) -> Vec<Value> {
        let text = format!(
            r#"{{"resultType":"PAYLOAD","results":{{"columns":{columns},"data":[{{"kind":"UPDATE_AFTER","fields":{fields}}}]}}}}"#
        );
        match page(&text).unwrap() {
            Page::Rows { mut changes, .. } => {
                let change = changes.remove(0);
                assert_eq!(change.op as u8, 2);
                change.row
            }
            other => panic!("{other:?}"),
        }
    }

    fn column_of(logical_type: Value) -> Value {
        json!({ "name": "c", "logicalType": logical_type, "comment": null })
    }

    #[test]
    fn scalars_are_text() {
        let of = |kind: &str| column_of(json!({ "type": kind, "nullable": true }));
        let columns = json!([
            of("BOOLEAN"),
            of("DECIMAL"),
            of("BIGINT"),
            of("VARCHAR"),
            of("TIMESTAMP_WITH_LOCAL_TIME_ZONE"),
            of("VARBINARY"),
            of("DOUBLE"),
        ]);
        let cells = row(
            columns,
            r#"[true, 12345678901234567890.123, -7, "a \"b\"", "2026-11-21T10:00:00.123Z", "AP8=", null]"#,
        );
        assert_eq!(
            json!(cells),
            json!([
                "TRUE",
                "12345678901234567890.123",
                "-7",
                "a \"b\"",
                "2026-11-21 10:00:00.123",
                "x'00ff'",
                null
            ])
        );
    }

    #[test]
    fn structures_are_lists() {
        let number = json!({ "type": "INTEGER", "nullable": true });
        let text = json!({ "type": "VARCHAR", "nullable": true });
        let columns = json!([
            column_of(json!({ "type": "ARRAY", "elementType": number })),
            column_of(json!({ "type": "MAP", "keyType": text, "valueType": number })),
            column_of(json!({ "type": "ROW", "fields": [
                { "name": "b", "fieldType": number }, { "name": "a", "fieldType": text } ] })),
        ]);
        let cells = row(columns, r#"[[1, null], {"k": 2}, {"a": "x", "b": 3}]"#);
        assert_eq!(json!(cells), json!([["1", null], [["k", "2"]], ["3", "x"]]));
    }

    #[test]
    fn types_are_spelt_as_the_api_does() {
        let text = r#"{"resultType":"PAYLOAD","results":{"columns":[
            {"name":"m","logicalType":{"type":"MAP","nullable":true,"keyType":{"type":"INTEGER"}}}],"data":[]}}"#;
        let Page::Rows { columns, .. } = page(text).unwrap() else {
            panic!("no rows")
        };
        assert_eq!(
            columns,
            [
                json!({ "name": "m", "type": { "type": "MAP", "nullable": true, "key_type": { "type": "INTEGER" } } })
            ]
        );
        assert_eq!(
            page(r#"{"resultType":"NOT_READY"}"#).unwrap(),
            Page::NotReady
        );
        assert_eq!(
            page(r#"{"resultType":"EOS","results":{"columns":[],"data":[]}}"#).unwrap(),
            Page::End
        );
    }
}
