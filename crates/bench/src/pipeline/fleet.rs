//! Readings of the devices that have prescriptions: some in range, every so many out of it.

use anyhow::{Context as _, ensure};
use hc_contracts::subject::{RAW_METRICS_KEY, RAW_METRICS_VALUE};
use hc_contracts::topics::RAW_METRICS;
use hc_contracts::{DeviceMetricKey, DeviceMetricValue};
use hc_kafka::{Encoder, Outgoing, Registry};
use serde::Deserialize;

/// One metric of a prescription.
struct Target {
    patient_id: String,
    device_id: String,
    metric_name: String,
    value: f64,
    tolerance: f64,
}

/// A prescription as the API answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prescription {
    patient_id: String,
    device_id: String,
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    parameter_name: String,
    parameter_value: f64,
    parameter_tolerance: f64,
}

/// What is judged, and so what its verdict is recognised by: device, metric, event time.
pub(super) type Identity = (String, String, i64);

/// The reading `number` is about the metric `number % len`, so that each metric is reported equally often.
pub(super) struct Fleet {
    targets: Vec<Target>,
    keys: Encoder,
    values: Encoder,
}

impl Fleet {
    /// From the API's list of prescriptions, each with every metric once.
    pub(super) async fn new(prescriptions: &[u8], registry: &Registry) -> anyhow::Result<Self> {
        let prescriptions: Vec<Prescription> =
            serde_json::from_slice(prescriptions).context("the list of prescriptions")?;
        let mut targets = Vec::new();
        for one in prescriptions {
            for parameter in one.parameters {
                targets.push(Target {
                    patient_id: one.patient_id.clone(),
                    device_id: one.device_id.clone(),
                    metric_name: parameter.parameter_name,
                    value: parameter.parameter_value,
                    tolerance: parameter.parameter_tolerance,
                });
            }
        }
        ensure!(!targets.is_empty(), "nobody has a prescription");
        let id = async |subject: &hc_contracts::Subject| {
            registry.register(subject.name, subject.text).await
        };
        Ok(Self {
            targets,
            keys: Encoder::new(id(&RAW_METRICS_KEY).await?, RAW_METRICS_KEY.schema())?,
            values: Encoder::new(id(&RAW_METRICS_VALUE).await?, RAW_METRICS_VALUE.schema())?,
        })
    }

    /// How many metrics report.
    pub(super) fn len(&self) -> u64 {
        self.targets.len() as u64
    }

    /// A reading at `ts`, out of its range or on its target.
    pub(super) fn reading(
        &self,
        number: u64,
        ts: i64,
        is_out: bool,
    ) -> anyhow::Result<(Identity, Outgoing)> {
        let target = &self.targets[usize::try_from(number % self.len())?];
        let off = if is_out {
            2.0 * target.tolerance + 1.0
        } else {
            0.0
        };
        let key = DeviceMetricKey {
            device_id: target.device_id.clone(),
        };
        let value = DeviceMetricValue {
            patient_id: target.patient_id.clone(),
            ts,
            metric_name: target.metric_name.clone(),
            metric_value: target.value + off,
            software_version: None,
        };
        let (key_bytes, bytes) = (self.keys.encode(&key)?, self.values.encode(&value)?);
        Ok((
            (key.device_id, value.metric_name, ts),
            Outgoing::new(RAW_METRICS, key_bytes, bytes),
        ))
    }
}
