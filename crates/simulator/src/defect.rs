//! What can go wrong with a device, and how each defect changes its readings.

use std::{fmt, str::FromStr};

use hc_domain::{EpochMillis, Metric};
use thiserror::Error;

const MINUTE: EpochMillis = 60_000;
const HOUR: EpochMillis = 60 * MINUTE;

/// What a device with a wrong clock adds to the story time: it is two minutes behind. An odd number of
/// milliseconds, so that its times differ from those of all rounds.
pub const CLOCK_SKEW: EpochMillis = -119_999;

/// By how many rounds a device with late delivery is behind.
pub const LATE_ROUNDS: usize = 3;

/// The story time at which a reading was made whose device reported `ts`.
pub fn story_time(ts: EpochMillis) -> EpochMillis {
    if ts % 2 == 0 { ts } else { ts - CLOCK_SKEW }
}

/// A kind of defect. The first three and the spike end by themselves; the others last until they are cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefectKind {
    /// The volume falls to nothing in eight steps.
    FlowLevelDown,
    /// The pressure goes up and down in eleven steps.
    PressureOscillate,
    /// The flow falls, recovers and falls again in thirteen steps.
    FlowRateDown,
    /// The mask does not fit: the blower works against the leak, and the patient gets less.
    MaskLeak,
    /// The patient's airways resist more.
    PatientCondition,
    /// The blower no longer reaches its speed.
    MechanicalWear,
    /// The filter fills: ever more pressure for the same flow.
    CloggedFilter,
    /// The pressure sensor repeats one value.
    StuckSensor,
    /// One reading of the pressure is absurd.
    Spike,
    /// The device's clock is behind by [`CLOCK_SKEW`].
    ClockSkew,
    /// Each reading arrives twice.
    DuplicateDelivery,
    /// Readings arrive [`LATE_ROUNDS`] rounds late.
    LateDelivery,
    /// Nothing arrives.
    Silence,
}

/// A name that no defect has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a defect; expected {names}", names = DefectKind::ALL.map(DefectKind::as_str).join(", "))]
pub struct UnknownDefect(pub String);

impl DefectKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::FlowLevelDown,
        Self::PressureOscillate,
        Self::FlowRateDown,
        Self::MaskLeak,
        Self::PatientCondition,
        Self::MechanicalWear,
        Self::CloggedFilter,
        Self::StuckSensor,
        Self::Spike,
        Self::ClockSkew,
        Self::DuplicateDelivery,
        Self::LateDelivery,
        Self::Silence,
    ];

    /// The name in HTTP and in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlowLevelDown => "flow_level_down",
            Self::PressureOscillate => "pressure_oscillate",
            Self::FlowRateDown => "flow_rate_down",
            Self::MaskLeak => "mask_leak",
            Self::PatientCondition => "patient_condition",
            Self::MechanicalWear => "mechanical_wear",
            Self::CloggedFilter => "clogged_filter",
            Self::StuckSensor => "stuck_sensor",
            Self::Spike => "spike",
            Self::ClockSkew => "clock_skew",
            Self::DuplicateDelivery => "duplicate_delivery",
            Self::LateDelivery => "late_delivery",
            Self::Silence => "silence",
        }
    }

    /// How many rounds of the device it takes; `None` when it lasts until it is cancelled.
    pub fn steps(self) -> Option<u32> {
        match self {
            Self::Spike => Some(1),
            other => other
                .script()
                .map(|(_, values)| u32::try_from(values.len()).unwrap_or(u32::MAX)),
        }
    }

    /// Values that replace those of one metric, round by round, in the metric's unit.
    fn script(self) -> Option<(Metric, &'static [f64])> {
        match self {
            Self::FlowLevelDown => Some((
                Metric::FlowLevel,
                &[60.0, 50.0, 40.0, 30.0, 20.0, 15.0, 10.0, 0.0],
            )),
            Self::PressureOscillate => Some((
                Metric::Pressure,
                &[
                    12.0, 16.0, 22.0, 21.0, 18.0, 15.0, 22.0, 19.0, 16.0, 13.0, 10.0,
                ],
            )),
            Self::FlowRateDown => Some((
                Metric::FlowRate,
                &[
                    2.5, 2.0, 1.0, 0.5, 0.0, 0.7, 1.4, 2.1, 1.3, 1.0, 0.7, 0.4, 0.1,
                ],
            )),
            _ => None,
        }
    }
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DefectKind {
    type Err = UnknownDefect;

    fn from_str(name: &str) -> Result<Self, UnknownDefect> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownDefect(name.to_owned()))
    }
}

/// A defect that acts on a device now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Active {
    pub kind: DefectKind,
    /// Story time of the first round on which it acts.
    pub since: EpochMillis,
    /// How many rounds it has acted on before this one.
    pub round: u32,
}

impl Active {
    /// The value that the defect puts in place of any other.
    pub(crate) fn replaces(&self, metric: Metric) -> Option<f64> {
        let (of, values) = self.kind.script()?;
        let step = usize::try_from(self.round).ok()?;
        (of == metric).then(|| values.get(step).copied()).flatten()
    }

    /// What the mean of the metric is multiplied by at `ts`, by causes that act on the therapy itself.
    pub(crate) fn factor(&self, metric: Metric, ts: EpochMillis) -> f64 {
        let age = ts - self.since;
        if age < 0 {
            return 1.0;
        }
        let change = |changes: [f64; 3]| match metric {
            Metric::Pressure => changes[0],
            Metric::FlowRate => changes[1],
            Metric::FlowLevel => changes[2],
        };
        match self.kind {
            DefectKind::MaskLeak => 1.0 + change([0.15, 0.5, -0.35]),
            DefectKind::PatientCondition => {
                1.0 + change([0.25, -0.35, -0.35]) * grown(age, 30 * MINUTE)
            }
            DefectKind::MechanicalWear => 1.0 + change([-0.2, -0.3, -0.3]) * grown(age, HOUR),
            // 7 % an hour, up to 56 %.
            DefectKind::CloggedFilter => 1.0 + change([0.56, 0.0, 0.0]) * grown(age, 8 * HOUR),
            DefectKind::Spike => 1.0 + change([1.5, 0.0, 0.0]),
            _ => 1.0,
        }
    }
}

/// From 0 to 1 while the age goes from nothing to `full`, then 1.
fn grown(age: EpochMillis, full: EpochMillis) -> f64 {
    (age as f64 / full as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_an_unknown_one_is_told_the_known_ones() {
        for kind in DefectKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let error = "leak".parse::<DefectKind>().unwrap_err().to_string();
        assert!(
            error.starts_with(
                "\"leak\" is not a defect; expected flow_level_down, pressure_oscillate"
            )
        );
        assert!(error.ends_with("late_delivery, silence"), "{error}");
    }

    #[test]
    fn one_shots_know_their_length() {
        let steps = |kind: DefectKind| kind.steps();
        assert_eq!(steps(DefectKind::FlowLevelDown), Some(8));
        assert_eq!(steps(DefectKind::PressureOscillate), Some(11));
        assert_eq!(steps(DefectKind::FlowRateDown), Some(13));
        assert_eq!(steps(DefectKind::Spike), Some(1));
        assert_eq!(steps(DefectKind::MaskLeak), None);
    }
}
