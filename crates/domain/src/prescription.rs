use std::collections::BTreeSet;

use crate::{
    Checks, DeviceId, EpochMillis, Invalid, MAX_EPOCH_MILLIS, Metric, PatientId, PrescriptionId,
};

/// What a patient's device is meant to do, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Prescription {
    /// Primary key.
    pub prescription_id: PrescriptionId,
    /// For whom; wears the device.
    pub patient_id: PatientId,
    /// On which device.
    pub device_id: DeviceId,
    /// What is prescribed, for people.
    pub medication_or_therapy: String,
    /// When it holds.
    pub validity: Validity,
    /// One per metric, at least one.
    pub parameters: Vec<PrescriptionParameter>,
}

impl Prescription {
    /// The metrics that both prescriptions set while both are valid on one device.
    pub fn conflicts(&self, other: &Self) -> Vec<Metric> {
        if self.device_id != other.device_id || !self.validity.overlaps(other.validity) {
            return Vec::new();
        }
        self.parameters
            .iter()
            .map(|parameter| parameter.metric)
            .filter(|metric| {
                other
                    .parameters
                    .iter()
                    .any(|theirs| theirs.metric == *metric)
            })
            .collect()
    }
}

/// A half-open period, `[start, end)`, in epoch milliseconds of event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    start: EpochMillis,
    end: Option<EpochMillis>,
}

impl Validity {
    /// The period, unless it is empty or out of range.
    ///
    /// # Errors
    /// At `/startDate` or `/endDate`.
    pub fn new(start: EpochMillis, end: Option<EpochMillis>) -> Result<Self, Invalid> {
        let mut checks = Checks::default();
        let range = 0..=MAX_EPOCH_MILLIS;
        checks.require(
            range.contains(&start),
            "/startDate",
            "must be epoch milliseconds between 0 and the year 9999",
        );
        if let Some(end) = end {
            if !range.contains(&end) {
                checks.fail(
                    "/endDate",
                    "must be epoch milliseconds between 0 and the year 9999",
                );
            } else if end <= start {
                checks.fail("/endDate", "must be after startDate");
            }
        }
        checks.finish()?;
        Ok(Self { start, end })
    }

    /// First valid millisecond.
    pub fn start(self) -> EpochMillis {
        self.start
    }

    /// First millisecond that is no longer valid; `None` is "until further notice".
    pub fn end(self) -> Option<EpochMillis> {
        self.end
    }

    /// Whether some millisecond belongs to both periods.
    pub fn overlaps(self, other: Self) -> bool {
        let before_end = |instant, end: Option<EpochMillis>| end.is_none_or(|end| instant < end);
        before_end(self.start, other.end) && before_end(other.start, self.end)
    }

    /// Whether the instant is in the period.
    pub fn contains(self, instant: EpochMillis) -> bool {
        self.start <= instant && self.end.is_none_or(|end| instant < end)
    }
}

/// Target and tolerance of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrescriptionParameter {
    /// What is prescribed.
    pub metric: Metric,
    /// Target, in the metric's unit, not negative.
    pub value: f64,
    /// Largest distance from the target that is no drift, in the metric's unit, not negative.
    pub tolerance: f64,
}

impl PrescriptionParameter {
    /// The type of all parameter values.
    pub const TYPE: &'static str = "float";
}

/// A prescription as a client sent it.
#[derive(Debug, Clone)]
pub struct PrescriptionDraft {
    pub patient_id: String,
    pub device_id: String,
    pub medication_or_therapy: String,
    pub start_date: EpochMillis,
    pub end_date: Option<EpochMillis>,
    pub parameters: Vec<ParameterDraft>,
}

/// A parameter as a client sent it.
#[derive(Debug, Clone)]
pub struct ParameterDraft {
    pub name: String,
    pub value: f64,
    pub kind: Option<String>,
    pub tolerance: f64,
}

impl PrescriptionDraft {
    /// Checks the draft. The caller chooses the identifier, because a generated one contains the parsed device.
    ///
    /// # Errors
    /// Everything that is wrong, with JSON pointers in the HTTP spelling.
    pub fn parse(
        self,
        identify: impl FnOnce(&DeviceId) -> PrescriptionId,
    ) -> Result<Prescription, Invalid> {
        let mut checks = Checks::default();
        let patient_id = checks.keep("/patientId", self.patient_id.parse());
        let device_id: Option<DeviceId> = checks.keep("/deviceId", self.device_id.parse());
        let medication_or_therapy =
            checks.text("/medicationOrTherapy", &self.medication_or_therapy, 0, 256);
        let validity = match Validity::new(self.start_date, self.end_date) {
            Ok(validity) => Some(validity),
            Err(invalid) => {
                for error in Vec::from(invalid) {
                    checks.fail(error.pointer, error.detail);
                }
                None
            }
        };
        let parameters = parse_parameters(&self.parameters, &mut checks);
        checks.finish()?;
        let (Some(patient_id), Some(device_id), Some(validity)) = (patient_id, device_id, validity)
        else {
            return Err(Invalid::at("", "is invalid"));
        };
        Ok(Prescription {
            prescription_id: identify(&device_id),
            patient_id,
            device_id,
            medication_or_therapy,
            validity,
            parameters,
        })
    }
}

fn parse_parameters(drafts: &[ParameterDraft], checks: &mut Checks) -> Vec<PrescriptionParameter> {
    if drafts.is_empty() {
        checks.fail("/parameters", "must have at least one parameter");
    }
    let mut seen = BTreeSet::new();
    let mut parameters = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.iter().enumerate() {
        let at = |field: &str| format!("/parameters/{index}/{field}");
        let metric: Option<Metric> = checks.keep(&at("parameterName"), draft.name.parse());
        checks.number(&at("parameterValue"), draft.value, 0.0, 10_000.0);
        checks.number(&at("parameterTolerance"), draft.tolerance, 0.0, 10_000.0);
        if draft
            .kind
            .as_deref()
            .is_some_and(|kind| kind != PrescriptionParameter::TYPE)
        {
            checks.fail(at("parameterType"), "must be float");
        }
        if let Some(metric) = metric {
            if !seen.insert(metric) {
                checks.fail(
                    at("parameterName"),
                    format_args!("{metric} is prescribed twice; a metric may appear once"),
                );
            }
            parameters.push(PrescriptionParameter {
                metric,
                value: draft.value,
                tolerance: draft.tolerance,
            });
        }
    }
    parameters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draft() -> PrescriptionDraft {
        PrescriptionDraft {
            patient_id: "P001".to_owned(),
            device_id: "DEV-P001".to_owned(),
            medication_or_therapy: "CPAP Oxygen Flow".to_owned(),
            start_date: 1_000,
            end_date: None,
            parameters: vec![parameter("Pressure", 10.0, 1.0)],
        }
    }

    fn parameter(name: &str, value: f64, tolerance: f64) -> ParameterDraft {
        ParameterDraft {
            name: name.to_owned(),
            value,
            kind: None,
            tolerance,
        }
    }

    fn parse(draft: PrescriptionDraft) -> Result<Prescription, Vec<String>> {
        draft
            .parse(|device| format!("RX-{device}-test").parse().unwrap())
            .map_err(|invalid| {
                invalid
                    .errors()
                    .iter()
                    .map(|e| format!("{} {}", e.pointer, e.detail))
                    .collect()
            })
    }

    #[test]
    fn a_good_draft_is_a_prescription() {
        let prescription = parse(draft()).unwrap();
        assert_eq!(prescription.prescription_id.as_str(), "RX-DEV-P001-test");
        assert_eq!(prescription.parameters[0].metric.unit(), "cm[H2O]");
    }

    #[test]
    fn rules_are_reported_where_they_are_broken() {
        let bad = PrescriptionDraft {
            end_date: Some(1_000),
            parameters: vec![
                parameter("Pressure", 10.0, -1.0),
                parameter("Pressure", -10.0, 1.0),
                ParameterDraft {
                    kind: Some("int".to_owned()),
                    ..parameter("MotorSpeed", 1.0, 1.0)
                },
            ],
            ..draft()
        };
        assert_eq!(
            parse(bad).unwrap_err(),
            [
                "/endDate must be after startDate",
                "/parameters/0/parameterTolerance must not be negative",
                "/parameters/1/parameterValue must not be negative",
                "/parameters/1/parameterName Pressure is prescribed twice; a metric may appear once",
                "/parameters/2/parameterName \"MotorSpeed\" is not a metric; expected Pressure, FlowRate or FlowLevel",
                "/parameters/2/parameterType must be float",
            ]
        );
        let none = PrescriptionDraft {
            parameters: Vec::new(),
            ..draft()
        };
        assert_eq!(
            parse(none).unwrap_err(),
            ["/parameters must have at least one parameter"]
        );
        let early = PrescriptionDraft {
            start_date: -1,
            ..draft()
        };
        assert_eq!(
            parse(early).unwrap_err(),
            ["/startDate must be epoch milliseconds between 0 and the year 9999"]
        );
    }

    #[test]
    fn conflicts_need_the_same_device_metric_and_time() {
        let first = parse(PrescriptionDraft {
            end_date: Some(2_000),
            ..draft()
        })
        .unwrap();
        let check = |change: fn(&mut PrescriptionDraft)| {
            let mut other = draft();
            change(&mut other);
            first.conflicts(&parse(other).unwrap())
        };
        assert_eq!(check(|d| d.start_date = 1_999), [Metric::Pressure]);
        assert_eq!(
            check(|d| d.start_date = 2_000),
            [],
            "the end is not part of the period"
        );
        assert_eq!(check(|d| d.device_id = "DEV-P002".to_owned()), []);
        assert_eq!(check(|d| d.parameters[0].name = "FlowRate".to_owned()), []);
    }

    proptest! {
        #[test]
        fn periods_overlap_when_a_millisecond_belongs_to_both(
            a in 0_i64..20, la in 1_i64..10, open_a: bool,
            b in 0_i64..20, lb in 1_i64..10, open_b: bool,
        ) {
            let one = Validity::new(a, (!open_a).then_some(a + la)).unwrap();
            let two = Validity::new(b, (!open_b).then_some(b + lb)).unwrap();
            let shared = (0..64).any(|t| one.contains(t) && two.contains(t));
            prop_assert_eq!(one.overlaps(two), shared);
            prop_assert_eq!(two.overlaps(one), shared);
        }
    }
}
