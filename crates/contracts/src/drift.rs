//! Records of `hc_fct_drift_evts`: the verdict that a reading lies outside its prescription.
//!
//! Flink writes this topic, under record names and with nullable columns of its own choice. The schemas here
//! are the reader's side: resolution goes by field name, and accepts `["null", T]` where `T` is expected.
//! A record with a key and no value is a tombstone: a correction cleared that verdict.

use serde::{Deserialize, Serialize};

/// Identity of a verdict: the reading, and the prescription it was judged by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DriftKey {
    pub device_id: String,
    pub metric_name: String,
    /// Event time of the reading, epoch milliseconds.
    pub ts: i64,
    pub prescription_id: String,
}

/// The verdict. Values are in the unit of the metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftValue {
    pub patient_id: String,
    pub prescribed_value: f64,
    pub actual_value: f64,
    pub tolerance: f64,
    /// `actual_value - prescribed_value`: negative below.
    pub deviation: f64,
    /// `above` or `below`.
    pub drift_direction: String,
    pub message: Option<String>,
}
