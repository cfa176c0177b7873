//! Readings of very many devices, without state for any of them.

use anyhow::Context as _;
use hc_contracts::subject;
use hc_domain::Metric;
use hc_kafka::{Encoder, Outgoing};
use hc_simulator::{Settings, Voice, value};
use serde::Serialize;

/// Story time of the first round, epoch milliseconds.
const START: i64 = 1_700_000_000_000;
/// Story time between two rounds, milliseconds.
const INTERVAL: i64 = 300_000;
const SEED: u64 = 1;
/// What the name of a device has before that of its patient.
const DEVICE: &str = "DEV-";
/// The topic is gone before anybody could ask the registry for it.
const SCHEMA_ID: u32 = 1;

/// A key of the raw topic, borrowed: nothing is allocated but what the record keeps.
#[derive(Serialize)]
struct Key<'a> {
    device_id: &'a str,
}

/// A value of the raw topic.
#[derive(Serialize)]
struct Value<'a> {
    patient_id: &'a str,
    ts: i64,
    metric_name: &'static str,
    metric_value: f64,
    software_version: Option<&'a str>,
}

/// A fleet that reports round after round. Each record is a function of its number.
pub(super) struct Fleet {
    devices: u32,
    topic: String,
    key: Encoder,
    value: Encoder,
}

impl Fleet {
    pub(super) fn new(devices: u32, topic: &str) -> anyhow::Result<Self> {
        let (key, value) = (&subject::RAW_METRICS_KEY, &subject::RAW_METRICS_VALUE);
        Ok(Self {
            devices: devices.max(1),
            topic: topic.to_owned(),
            key: Encoder::new(SCHEMA_ID, key.schema())?,
            value: Encoder::new(SCHEMA_ID, value.schema())?,
        })
    }

    /// The record as it goes to Kafka: all metrics of the first device, then of the next; after the last device the next
    /// round begins.
    pub(super) fn record(&self, number: u64) -> anyhow::Result<Outgoing> {
        let metrics = Metric::ALL.len() as u64;
        let (turn, metric) = (number / metrics, number % metrics);
        let metric = Metric::ALL[usize::try_from(metric)?];
        let device = u32::try_from(turn % u64::from(self.devices))?;
        let round = i64::try_from(turn / u64::from(self.devices))?;
        let ts = round
            .checked_mul(INTERVAL)
            .and_then(|since| since.checked_add(START))
            .context("the story has become too long")?;
        let device_id = format!("{DEVICE}{device:06}");
        let voice = Voice::new(SEED, &device_id);
        let value = Value {
            patient_id: &device_id[DEVICE.len()..],
            ts,
            metric_name: metric.as_str(),
            metric_value: value(voice, &Settings::typical(device), 0.0, metric, ts, &[]),
            software_version: None,
        };
        let key = Key {
            device_id: &device_id,
        };
        let (key, value) = (self.key.encode(&key)?, self.value.encode(&value)?);
        Ok(Outgoing::new(&self.topic, key, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_record_is_another_one_and_always_the_same() {
        let fleet = Fleet::new(7, "t").unwrap();
        let mut records = HashSet::new();
        let mut keys = HashSet::new();
        for number in 0..7 * 3 * 4 {
            let record = fleet.record(number).unwrap();
            assert_eq!(fleet.record(number).unwrap(), record);
            keys.insert(record.key.clone());
            assert!(records.insert((record.key, record.value)));
        }
        assert_eq!(keys.len(), 7);
    }
}
