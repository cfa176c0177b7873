//! Any topic with Avro records, as the rows that a lake should have of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use apache_avro::reader::datum::GenericDatumReader;
use hc_kafka::{Registry, RegistryConfig};
use serde_json::{Map, Value};

use crate::topics;

/// Rows as text, which can be compared and counted.
pub(crate) type Rows = BTreeSet<String>;

/// A topic, from its beginning to its end.
pub(crate) struct Topic {
    records: Vec<Record>,
}

struct Record {
    partition: i32,
    offset: i64,
    key: Map<String, Value>,
    /// `None` is a deletion.
    value: Option<Map<String, Value>>,
}

impl Topic {
    pub(crate) async fn read(kafka: &str, registry: &str, topic: &str) -> Result<Self> {
        let registry = Registry::new(&RegistryConfig::plain(registry))?;
        let mut records = Vec::new();
        for bytes in topics::records(kafka, topic).await? {
            let value = match &bytes.value {
                Some(bytes) => Some(fields(&registry, bytes).await?),
                None => None,
            };
            records.push(Record {
                partition: bytes.partition,
                offset: bytes.offset,
                key: fields(&registry, &bytes.key).await?,
                value,
            });
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        Ok(Self { records })
    }

    /// Every record with its place.
    pub(crate) fn rows(&self) -> Rows {
        let row = |record: &Record| {
            let mut all = record.key.clone();
            all.extend(record.value.clone().unwrap_or_default());
            let op = if record.value.is_some() { "u" } else { "d" };
            located(record.partition, record.offset, op, all)
        };
        self.records.iter().map(row).collect()
    }

    /// The last value of each key, unless the key was deleted.
    pub(crate) fn state(&self) -> Rows {
        let mut newest = BTreeMap::new();
        for record in &self.records {
            newest.insert(row(record.key.clone()), record);
        }
        newest
            .into_values()
            .filter_map(|record| {
                let mut all = record.key.clone();
                all.extend(record.value.clone()?);
                Some(row(all))
            })
            .collect()
    }
}

/// A row with its place, as both sides write it.
pub(crate) fn located(partition: i32, offset: i64, op: &str, fields: Map<String, Value>) -> String {
    format!("{partition}:{offset} {op} {}", row(fields))
}

/// A row as both sides write it: sorted by name, without NULL, fractions with twelve digits: the last ones do not survive being
/// read from JSON.
pub(crate) fn row(fields: Map<String, Value>) -> String {
    let plain: BTreeMap<String, Value> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let fraction = value.as_f64().filter(|_| value.is_f64());
            let shown = fraction.map(|number| Value::from(format!("{number:.11e}")));
            (name, shown.unwrap_or(value))
        })
        .collect();
    serde_json::to_string(&plain).unwrap_or_default()
}

async fn fields(registry: &Registry, bytes: &[u8]) -> Result<Map<String, Value>> {
    ensure!(
        bytes.len() > 5 && bytes[0] == 0,
        "not in Confluent's wire format"
    );
    let id = u32::from_be_bytes(bytes[1..5].try_into()?);
    let schema = registry.schema_by_id(id).await?;
    let reader = GenericDatumReader::builder(schema).build()?;
    let value = reader.read_value(&mut &bytes[5..])?;
    let json = Value::try_from(value)?;
    json.as_object().cloned().context("a record")
}
