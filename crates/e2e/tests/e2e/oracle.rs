//! What the verdicts must be: computed from the readings and the prescriptions alone, by the rule and nothing else.
//!
//! Within the correction window the fact is a function of its final inputs: when a prescription changes, the readings it
//! covers are judged again. The history of the prescriptions therefore ends in their last state.

use std::collections::BTreeMap;

use hc_contracts::{DriftKey, DriftValue};

/// A distinct reading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) device_id: String,
    pub(crate) patient_id: String,
    pub(crate) metric_name: String,
    pub(crate) ts: i64,
    pub(crate) value: f64,
}

/// One metric of a prescription, valid in [start, end).
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) prescription_id: String,
    pub(crate) device_id: String,
    pub(crate) metric_name: String,
    pub(crate) value: f64,
    pub(crate) tolerance: f64,
    pub(crate) start: i64,
    pub(crate) end: Option<i64>,
}

/// The numbers of a verdict, without its message for people.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) patient_id: String,
    pub(crate) prescribed_value: f64,
    pub(crate) actual_value: f64,
    pub(crate) tolerance: f64,
    pub(crate) deviation: f64,
    pub(crate) drift_direction: String,
}

pub(crate) type Verdicts = BTreeMap<DriftKey, Verdict>;

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

pub(crate) fn judge(readings: &[Reading], targets: &[Target]) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for reading in readings {
        let covering = targets.iter().filter(|target| {
            target.device_id == reading.device_id
                && target.metric_name == reading.metric_name
                && target.start <= reading.ts
                && target.end.is_none_or(|end| reading.ts < end)
        });
        for target in covering {
            let deviation = reading.value - target.value;
            if deviation.abs() > target.tolerance + 1.0e-9 {
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

/// How two sets of verdicts differ, in words; empty when they do not.
pub(crate) fn differences(expected: &Verdicts, found: &Verdicts) -> Vec<String> {
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
