//! Records of `hc_fct_drift_evts`: the verdict that a reading lies outside its prescription.
//!
//! Flink writes this topic, under record names and with nullable columns of its own choice. The schemas here
//! are the reader's side: resolution goes by field name, and accepts `["null", T]` where `T` is expected.
//! A record with a key and no value is a tombstone: a correction cleared that verdict.

use hc_domain::DriftEvent;
use serde::{Deserialize, Serialize};

use crate::invalid::{InvalidRecord, field, finite, instant};

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

impl TryFrom<DriftKey> for hc_domain::DriftKey {
    type Error = InvalidRecord;

    fn try_from(key: DriftKey) -> Result<Self, InvalidRecord> {
        Ok(Self {
            device_id: field("device_id", key.device_id.parse())?,
            metric: field("metric_name", key.metric_name.parse())?,
            ts: instant("ts", key.ts)?,
            prescription_id: field("prescription_id", key.prescription_id.parse())?,
        })
    }
}

impl DriftValue {
    /// The verdict that key and value make up.
    ///
    /// # Errors
    /// The field that no verdict can have.
    pub fn into_event(self, key: DriftKey) -> Result<DriftEvent, InvalidRecord> {
        Ok(DriftEvent {
            key: key.try_into()?,
            patient_id: field("patient_id", self.patient_id.parse())?,
            prescribed_value: finite("prescribed_value", self.prescribed_value)?,
            actual_value: finite("actual_value", self.actual_value)?,
            tolerance: finite("tolerance", self.tolerance)?,
            deviation: finite("deviation", self.deviation)?,
            drift_direction: field("drift_direction", self.drift_direction.parse())?,
            message: self.message.unwrap_or_default(),
        })
    }
}

impl From<&hc_domain::DriftKey> for DriftKey {
    fn from(key: &hc_domain::DriftKey) -> Self {
        Self {
            device_id: key.device_id.to_string(),
            metric_name: key.metric.to_string(),
            ts: key.ts,
            prescription_id: key.prescription_id.to_string(),
        }
    }
}

impl From<&DriftEvent> for DriftValue {
    fn from(event: &DriftEvent) -> Self {
        Self {
            patient_id: event.patient_id.to_string(),
            prescribed_value: event.prescribed_value,
            actual_value: event.actual_value,
            tolerance: event.tolerance,
            deviation: event.deviation,
            drift_direction: event.drift_direction.to_string(),
            message: Some(event.message.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use apache_avro::Schema;
    use hc_domain::{DriftDirection, Metric};

    use super::*;
    use crate::{
        subject::{DRIFT_KEY, DRIFT_VALUE},
        testing::{hex, read, written, written_by},
    };

    /// As Flink registers it: its own name for the record, and each nullable column a union.
    const FLINK_VALUE: &str = r#"{
        "type": "record", "name": "record", "namespace": "org.apache.flink.avro.generated",
        "fields": [
            {"name": "message", "type": ["null", "string"], "default": null},
            {"name": "drift_direction", "type": "string"},
            {"name": "patient_id", "type": ["null", "string"], "default": null},
            {"name": "prescribed_value", "type": ["null", "double"], "default": null},
            {"name": "actual_value", "type": ["null", "double"], "default": null},
            {"name": "tolerance", "type": ["null", "double"], "default": null},
            {"name": "deviation", "type": ["null", "double"], "default": null},
            {"name": "added_later", "type": ["null", "long"], "default": null}
        ]
    }"#;

    #[derive(Serialize)]
    struct FlinkValue {
        message: Option<&'static str>,
        drift_direction: &'static str,
        patient_id: Option<&'static str>,
        prescribed_value: Option<f64>,
        actual_value: Option<f64>,
        tolerance: Option<f64>,
        deviation: Option<f64>,
        added_later: Option<i64>,
    }

    fn event() -> DriftEvent {
        DriftEvent {
            key: hc_domain::DriftKey {
                device_id: "DEV-P003".parse().unwrap(),
                metric: Metric::Pressure,
                ts: 1_774_448_100_000,
                prescription_id: "RX-DEV-P003".parse().unwrap(),
            },
            patient_id: "P003".parse().unwrap(),
            prescribed_value: 12.0,
            actual_value: 14.5,
            tolerance: 1.0,
            deviation: 2.5,
            drift_direction: DriftDirection::Above,
            message: "Pressure 14.5 above 12 +/- 1".to_owned(),
        }
    }

    fn key() -> DriftKey {
        DriftKey::from(&event().key)
    }

    #[test]
    fn bytes_are_the_ones_that_flink_writes() {
        assert_eq!(
            written(&DRIFT_KEY, &key()),
            "10 44 45 56 2d 50 30 30 33 10 50 72 65 73 73 75 72 65 c0 8a ca d5 a4 67 16 52 58 2d 44 45 56 2d 50 30 30 33"
        );
    }

    #[test]
    fn a_verdict_survives_the_round_trip() {
        let value = written(&DRIFT_VALUE, &DriftValue::from(&event()));
        let key = written(&DRIFT_KEY, &key());
        let value: DriftValue = read(DRIFT_VALUE.schema(), &DRIFT_VALUE, &value);
        let key: DriftKey = read(DRIFT_KEY.schema(), &DRIFT_KEY, &key);
        assert_eq!(value.into_event(key), Ok(event()));
    }

    #[test]
    fn flinks_names_order_and_nullable_columns_are_understood() {
        let flink = Schema::parse_str(FLINK_VALUE).unwrap();
        let bytes = written_by(
            &flink,
            &FlinkValue {
                message: Some("Pressure 14.5 above 12 +/- 1"),
                drift_direction: "above",
                patient_id: Some("P003"),
                prescribed_value: Some(12.0),
                actual_value: Some(14.5),
                tolerance: Some(1.0),
                deviation: Some(2.5),
                added_later: Some(7),
            },
        );
        let value: DriftValue = read(&flink, &DRIFT_VALUE, &hex(&bytes));
        assert_eq!(value.into_event(key()), Ok(event()));
    }

    #[test]
    fn says_which_field_is_no_verdict() {
        let mut value = DriftValue::from(&event());
        value.drift_direction = "sideways".to_owned();
        assert_eq!(
            value.into_event(key()).unwrap_err().to_string(),
            "drift_direction: \"sideways\" is not a drift direction; expected above or below"
        );
        let unnamed = DriftKey {
            prescription_id: String::new(),
            ..key()
        };
        assert_eq!(
            hc_domain::DriftKey::try_from(unnamed)
                .unwrap_err()
                .to_string(),
            "prescription_id: must not be empty"
        );
    }
}
