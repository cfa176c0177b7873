//! Readings outside of what is prescribed.
//!
//! Within the correction window the fact is a function of its final inputs: when a prescription changes, the readings it
//! covers are judged again. The history of the prescriptions therefore ends in their last state.

use std::collections::BTreeMap;

use hc_contracts::{DriftKey, DriftValue};

use super::{Reading, Target, row};
use crate::Row;

/// The numbers of a verdict, without its message for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub patient_id: String,
    pub prescribed_value: f64,
    pub actual_value: f64,
    pub tolerance: f64,
    pub deviation: f64,
    pub drift_direction: String,
}

pub type Verdicts = BTreeMap<DriftKey, Verdict>;

impl From<DriftValue> for Verdict {
    fn from(value: DriftValue) -> Self {
        Self {
            patient_id: value.patient_id,
            prescribed_value: value.prescribed_value,
            actual_value: value.actual_value,
            tolerance: value.tolerance,
            deviation: value.deviation,
            drift_direction: value.drift_direction,
        }
    }
}

/// Every verdict, by its key.
pub fn judge(readings: &[Reading], targets: &[Target]) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for reading in readings {
        for target in targets.iter().filter(|target| target.covers(reading)) {
            let deviation = reading.value - target.value;
            if target.is_missed_by(reading) {
                let key = DriftKey {
                    device_id: reading.device_id.clone(),
                    metric_name: reading.metric_name.clone(),
                    ts: reading.ts,
                    prescription_id: target.prescription_id.clone(),
                };
                let verdict = Verdict {
                    patient_id: reading.patient_id.clone(),
                    prescribed_value: target.value,
                    actual_value: reading.value,
                    tolerance: target.tolerance,
                    deviation,
                    drift_direction: if deviation > 0.0 { "above" } else { "below" }.to_owned(),
                };
                verdicts.insert(key, verdict);
            }
        }
    }
    verdicts
}

/// The verdicts as rows of the fact, without the message.
pub fn rows(verdicts: &Verdicts) -> Vec<Row> {
    let rows = verdicts.iter().map(|(key, verdict)| {
        row([
            ("device_id", key.device_id.clone().into()),
            ("metric_name", key.metric_name.clone().into()),
            ("ts", key.ts.into()),
            ("prescription_id", key.prescription_id.clone().into()),
            ("patient_id", verdict.patient_id.clone().into()),
            ("prescribed_value", verdict.prescribed_value.into()),
            ("actual_value", verdict.actual_value.into()),
            ("tolerance", verdict.tolerance.into()),
            ("deviation", verdict.deviation.into()),
            ("drift_direction", verdict.drift_direction.clone().into()),
        ])
    });
    rows.collect()
}

/// How two sets of verdicts differ, in words; empty when they do not.
pub fn differences(expected: &Verdicts, found: &Verdicts) -> Vec<String> {
    let missing = expected
        .iter()
        .filter(|(key, _)| !found.contains_key(key))
        .map(|(key, _)| format!("missing {key:?}"));
    let extra = found
        .keys()
        .filter(|key| !expected.contains_key(key))
        .map(|key| format!("extra {key:?}"));
    let wrong = expected.iter().filter_map(|(key, verdict)| {
        let other = found.get(key)?;
        (other != verdict).then(|| format!("wrong {key:?}: expected {verdict:?}, found {other:?}"))
    });
    missing.chain(extra).chain(wrong).collect()
}

#[test]
fn the_boundary_is_in_range_and_the_end_is_not_covered() {
    let reading = |ts, value| Reading {
        device_id: "D".into(),
        patient_id: "P".into(),
        metric_name: "Pressure".into(),
        ts,
        value,
    };
    let target = Target {
        prescription_id: "RX".into(),
        device_id: "D".into(),
        metric_name: "Pressure".into(),
        value: 10.0,
        tolerance: 0.3,
        start: 100,
        end: Some(200),
    };
    let readings = [
        reading(99, 20.0),
        reading(100, 20.0),
        reading(150, 10.3),
        reading(151, 8.5),
        reading(200, 20.0),
    ];
    let verdicts = judge(&readings, &[target]);
    let found: Vec<_> = verdicts
        .iter()
        .map(|(key, verdict)| (key.ts, verdict.drift_direction.as_str()))
        .collect();
    assert_eq!(found, [(100, "above"), (151, "below")]);
    assert_eq!(differences(&verdicts, &Verdicts::new()).len(), 2);
}
