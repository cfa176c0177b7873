//! What stands in a table: the newest record of a key counts, a tombstone takes it away.

use std::collections::BTreeMap;

use anyhow::Result;
use hc_kafka::{Registry, RegistryConfig};

use crate::codec::{Codec, Row};
use crate::consumer;

/// The rows that stand in a topic of a product that runs, by their key.
///
/// # Errors
/// Kafka or the registry does not answer, or a record cannot be read.
pub async fn standing(kafka: &str, registry: &str, topic: &str) -> Result<BTreeMap<String, Row>> {
    let registry = Registry::new(&RegistryConfig::plain(registry))?;
    let key = Codec::of(&registry, &format!("{topic}-key")).await?;
    let value = Codec::of(&registry, &format!("{topic}-value")).await?;
    fold(kafka, topic, &key, &value).await
}

pub(crate) async fn fold(
    kafka: &str,
    topic: &str,
    key: &Codec,
    value: &Codec,
) -> Result<BTreeMap<String, Row>> {
    let mut rows = BTreeMap::new();
    for (key_bytes, value_bytes) in consumer::read(kafka, topic).await? {
        let mut row = key.decode(&key_bytes).await?;
        let key = serde_json::to_string(&row)?;
        match value_bytes {
            Some(bytes) => {
                row.extend(value.decode(&bytes).await?);
                rows.insert(key, row);
            }
            None => {
                rows.remove(&key);
            }
        }
    }
    Ok(rows)
}
