use serde::{Deserialize, Serialize};

use crate::{DeviceId, EpochMillis, Metric, PatientId};

/// One measured value. `(device_id, metric, ts)` identifies it: two readings with one identity are one reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The device that measured.
    pub device_id: DeviceId,
    /// The patient who wore the device.
    pub patient_id: PatientId,
    /// Event time, epoch milliseconds.
    pub ts: EpochMillis,
    /// What was measured.
    #[serde(rename = "metric_name")]
    pub metric: Metric,
    /// The value in the metric's unit; finite.
    #[serde(rename = "metric_value")]
    pub value: f64,
    /// Version of the device's software, when it reports one.
    pub software_version: Option<String>,
}
