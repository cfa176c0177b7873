//! Records of `hc_raw_device_metrics`: one reading of one metric of one device.

use serde::{Deserialize, Serialize};

/// Key of a reading. All readings of a device share a partition, so they stay in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceMetricKey {
    pub device_id: String,
}

/// A reading without its device, which is the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceMetricValue {
    pub patient_id: String,
    /// Event time, epoch milliseconds.
    pub ts: i64,
    /// `Pressure`, `FlowRate` or `FlowLevel`.
    pub metric_name: String,
    /// In the unit of the metric: cm[H2O], L/min or mL.
    pub metric_value: f64,
    pub software_version: Option<String>,
}
