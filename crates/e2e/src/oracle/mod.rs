//! What the facts must be: computed from the readings and the prescriptions alone, by the rules and nothing else.

pub mod alerts;
pub mod compliance;
pub mod drift;
pub mod telemetry;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Row;

const HOUR_MS: i64 = 3_600_000;

/// A reading. Two with one device, metric and time are one reading that was sent twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub device_id: String,
    pub patient_id: String,
    pub metric_name: String,
    /// Epoch milliseconds.
    pub ts: i64,
    pub value: f64,
}

/// One metric of a prescription, valid in [start, end).
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub prescription_id: String,
    pub device_id: String,
    pub metric_name: String,
    pub value: f64,
    pub tolerance: f64,
    pub start: i64,
    pub end: Option<i64>,
}

impl Target {
    /// True when the reading is about what is prescribed, and within the time of the prescription.
    fn covers(&self, reading: &Reading) -> bool {
        self.device_id == reading.device_id
            && self.metric_name == reading.metric_name
            && self.start <= reading.ts
            && self.end.is_none_or(|end| reading.ts < end)
    }

    /// True when the reading is not as prescribed. The edge of the band is in range, a billionth included: decimal
    /// fractions have no exact binary form.
    fn is_missed_by(&self, reading: &Reading) -> bool {
        (reading.value - self.value).abs() > self.tolerance + 1.0e-9
    }
}

/// Each reading once, by metric and in the order of time.
fn by_metric(readings: &[Reading]) -> BTreeMap<(&str, &str), BTreeMap<i64, &Reading>> {
    let mut metrics: BTreeMap<_, BTreeMap<i64, &Reading>> = BTreeMap::new();
    for reading in readings {
        metrics
            .entry((&*reading.device_id, &*reading.metric_name))
            .or_default()
            .insert(reading.ts, reading);
    }
    metrics
}

/// Readings of one patient by hour; the key is the hour's start, device, patient and metric.
type Hours<'a> = BTreeMap<(i64, &'a str, &'a str, &'a str), Vec<&'a Reading>>;

fn by_hour(readings: &[Reading]) -> Hours<'_> {
    let mut hours = Hours::new();
    for reading in by_metric(readings).values().flat_map(BTreeMap::values) {
        let start = reading.ts - reading.ts.rem_euclid(HOUR_MS);
        let key = (
            start,
            &*reading.device_id,
            &*reading.patient_id,
            &*reading.metric_name,
        );
        hours.entry(key).or_default().push(reading);
    }
    hours
}

/// The key columns of an hourly fact.
fn hour_row((start, device, patient, metric): (i64, &str, &str, &str)) -> Row {
    row([
        ("window_start", start.into()),
        ("device_id", device.into()),
        ("patient_id", patient.into()),
        ("metric_name", metric.into()),
        ("window_end", (start + HOUR_MS).into()),
    ])
}

fn row(columns: impl IntoIterator<Item = (&'static str, Value)>) -> Row {
    columns
        .into_iter()
        .map(|(column, value)| (column.to_owned(), value))
        .collect()
}
