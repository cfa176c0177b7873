//! Records of `hc_raw_device_metrics`: one reading of one metric of one device.

use hc_domain::Reading;
use serde::{Deserialize, Serialize};

use crate::invalid::{InvalidRecord, field, finite, instant};

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

impl From<&Reading> for DeviceMetricKey {
    fn from(reading: &Reading) -> Self {
        Self {
            device_id: reading.device_id.to_string(),
        }
    }
}

impl From<&Reading> for DeviceMetricValue {
    fn from(reading: &Reading) -> Self {
        Self {
            patient_id: reading.patient_id.to_string(),
            ts: reading.ts,
            metric_name: reading.metric.to_string(),
            metric_value: reading.value,
            software_version: reading.software_version.clone(),
        }
    }
}

impl DeviceMetricValue {
    /// The reading that key and value make up.
    ///
    /// # Errors
    /// The field that no reading can have.
    pub fn into_reading(self, key: DeviceMetricKey) -> Result<Reading, InvalidRecord> {
        Ok(Reading {
            device_id: field("device_id", key.device_id.parse())?,
            patient_id: field("patient_id", self.patient_id.parse())?,
            ts: instant("ts", self.ts)?,
            metric: field("metric_name", self.metric_name.parse())?,
            value: finite("metric_value", self.metric_value)?,
            software_version: self.software_version,
        })
    }
}

#[cfg(test)]
mod tests {
    use hc_domain::{MAX_EPOCH_MILLIS, Metric};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        subject::{RAW_METRICS_KEY, RAW_METRICS_VALUE},
        testing::{read, written},
    };

    fn reading() -> Reading {
        Reading {
            device_id: "DEV-P001".parse().unwrap(),
            patient_id: "P001".parse().unwrap(),
            ts: 1_774_448_100_000,
            metric: Metric::Pressure,
            value: 10.15,
            software_version: Some("1.2.0".to_owned()),
        }
    }

    #[test]
    fn bytes_are_the_ones_that_are_on_the_topic_already() {
        let reading = reading();
        let key = written(&RAW_METRICS_KEY, &DeviceMetricKey::from(&reading));
        assert_eq!(key, "10 44 45 56 2d 50 30 30 31");

        let mut value = DeviceMetricValue::from(&reading);
        assert_eq!(
            written(&RAW_METRICS_VALUE, &value),
            "08 50 30 30 31 c0 8a ca d5 a4 67 10 50 72 65 73 73 75 72 65 cd cc cc cc cc 4c 24 40 02 0a 31 2e 32 2e 30"
        );
        value.software_version = None;
        assert_eq!(
            written(&RAW_METRICS_VALUE, &value),
            "08 50 30 30 31 c0 8a ca d5 a4 67 10 50 72 65 73 73 75 72 65 cd cc cc cc cc 4c 24 40 00"
        );
    }

    proptest! {
        #[test]
        fn a_reading_survives_the_round_trip(
            ts in 0..=MAX_EPOCH_MILLIS,
            metric in prop::sample::select(Metric::ALL.to_vec()),
            value in prop::num::f64::NORMAL | prop::num::f64::ZERO,
            software_version in prop::option::of(".*"),
        ) {
            let sent = Reading { ts, metric, value, software_version, ..reading() };
            let key = written(&RAW_METRICS_KEY, &DeviceMetricKey::from(&sent));
            let value = written(&RAW_METRICS_VALUE, &DeviceMetricValue::from(&sent));
            let key: DeviceMetricKey = read(RAW_METRICS_KEY.schema(), &RAW_METRICS_KEY, &key);
            let value: DeviceMetricValue =
                read(RAW_METRICS_VALUE.schema(), &RAW_METRICS_VALUE, &value);
            prop_assert_eq!(value.into_reading(key), Ok(sent));
        }
    }

    #[test]
    fn says_which_field_is_no_reading() {
        let check = |change: fn(&mut DeviceMetricKey, &mut DeviceMetricValue)| {
            let mut key = DeviceMetricKey::from(&reading());
            let mut value = DeviceMetricValue::from(&reading());
            change(&mut key, &mut value);
            value.into_reading(key).unwrap_err().to_string()
        };
        assert_eq!(
            check(|key, _| key.device_id = "a b".to_owned()),
            "device_id: must consist of letters, digits, '-', '_' and '.', but contains ' '"
        );
        assert_eq!(
            check(|_, value| value.metric_name = "Noise".to_owned()),
            "metric_name: \"Noise\" is not a metric; expected Pressure, FlowRate or FlowLevel"
        );
        assert_eq!(
            check(|_, value| value.metric_value = f64::NAN),
            "metric_value: NaN is not a finite number"
        );
        assert_eq!(
            check(|_, value| value.ts = -1),
            "ts: -1 is not an instant between 1970 and 9999"
        );
    }
}
