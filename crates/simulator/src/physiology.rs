//! What a device measures.

use std::f64::consts::TAU;

use hc_domain::{Device, EpochMillis, Metric};

use crate::{
    defect::{Active, DefectKind},
    noise::Voice,
};

const MINUTE: EpochMillis = 60_000;
const DAY: EpochMillis = 24 * 60 * MINUTE;

/// What a device is set to, and where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Mean pressure, cm[H2O].
    pub pressure: f64,
    /// Mean flow, L/min.
    pub flow_rate: f64,
    /// Mean volume, mL.
    pub flow_level: f64,
    /// Degrees east; tells when it is night.
    pub longitude: f64,
}

impl Settings {
    /// The settings of the device with this index in a made-up fleet; those of the demonstration follow the same rule.
    pub fn typical(index: u32) -> Self {
        Self {
            pressure: 10.0 + f64::from(index % 3),
            // In tenths first, so that no 2.9000000000000004 is shown.
            flow_rate: f64::from(25 + (index % 3) * 2) / 10.0,
            flow_level: 120.0 + f64::from(index % 4) * 40.0,
            longitude: -87.6298,
        }
    }

    /// The mean of a metric, in its unit.
    pub fn mean(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Pressure => self.pressure,
            Metric::FlowRate => self.flow_rate,
            Metric::FlowLevel => self.flow_level,
        }
    }
}

impl From<&Device> for Settings {
    fn from(device: &Device) -> Self {
        Self {
            pressure: device.pressure_setting,
            flow_rate: device.flow_rate_setting,
            flow_level: device.flow_level_setting,
            longitude: device.longitude.unwrap_or(0.0),
        }
    }
}

/// The value at story time `ts`, in the unit of the metric, rounded to its resolution.
///
/// A pure function without allocation. `offset` is added to the mean: a calibration that is lost.
pub fn value(
    voice: Voice,
    settings: &Settings,
    offset: f64,
    metric: Metric,
    ts: EpochMillis,
    defects: &[Active],
) -> f64 {
    let nature = Nature::of(metric);
    if let Some(value) = defects.iter().find_map(|defect| defect.replaces(metric)) {
        return value;
    }
    let ts = stuck_at(metric, defects).unwrap_or(ts);
    let factor: f64 = defects
        .iter()
        .map(|defect| defect.factor(metric, ts))
        .product();
    let voice = voice.branch(nature.branch);
    let at_rest = nature.span * at_rest(voice, nature.at_night, settings.longitude, ts);
    let ripple = ripple(voice, defects, ts);
    let value = (settings.mean(metric) + offset) * factor * (1.0 + ripple) + at_rest;
    let bounded = value.clamp(0.0, nature.max);
    (bounded * nature.steps_per_unit).round() / nature.steps_per_unit
}

/// Only the pressure sensor gets stuck.
fn stuck_at(metric: Metric, defects: &[Active]) -> Option<EpochMillis> {
    let stuck = defects
        .iter()
        .find(|defect| defect.kind == DefectKind::StuckSensor)?;
    (metric == Metric::Pressure).then_some(stuck.since)
}

/// A worn blower does not run smoothly.
fn ripple(voice: Voice, defects: &[Active], ts: EpochMillis) -> f64 {
    let worn = |defect: &Active| defect.kind == DefectKind::MechanicalWear && defect.since <= ts;
    if defects.iter().any(worn) {
        0.06 * voice.branch(7).at(ts)
    } else {
        0.0
    }
}

/// What is particular to a metric.
struct Nature {
    /// Keeps its noise apart from that of the other metrics.
    branch: u64,
    /// Farthest from the setting at rest. 0.8 of the tolerance that the seeded prescriptions allow (1.0, 0.5
    /// and 50), so that nothing drifts before something is wrong.
    span: f64,
    /// Whether it is higher (1) or lower (-1) at night.
    at_night: f64,
    /// What the device can deliver at most.
    max: f64,
    /// Resolution: hundredths, and tenths of a millilitre.
    steps_per_unit: f64,
}

impl Nature {
    fn of(metric: Metric) -> Self {
        match metric {
            Metric::Pressure => Self {
                branch: 1,
                span: 0.8,
                at_night: 1.0,
                max: 60.0,
                steps_per_unit: 100.0,
            },
            Metric::FlowRate => Self {
                branch: 2,
                span: 0.4,
                at_night: -1.0,
                max: 100.0,
                steps_per_unit: 100.0,
            },
            Metric::FlowLevel => Self {
                branch: 3,
                span: 40.0,
                at_night: -1.0,
                max: 3_000.0,
                steps_per_unit: 10.0,
            },
        }
    }
}

/// Distance from the setting in spans, within [-1, 1]: the weights add up to one.
fn at_rest(voice: Voice, at_night: f64, longitude: f64, ts: EpochMillis) -> f64 {
    let night = at_night * night(ts, longitude);
    let wander = voice.branch(2).smooth(ts, 20 * MINUTE);
    // 12 to 20 breaths a minute is the normal range of adults at rest.
    let breath_ms = 3_000 + (2_000.0 * voice.branch(3).fraction()) as EpochMillis;
    let breathing = wave(ts, breath_ms, voice.branch(4).fraction());
    // The mean of two uniform values: small deviations are more frequent than large ones.
    let noise = f64::midpoint(voice.branch(5).at(ts), voice.branch(6).at(ts));
    0.2 * night + 0.2 * wander + 0.2 * breathing + 0.4 * noise
}

/// 1 at three in the morning by the sun, -1 at three in the afternoon.
fn night(ts: EpochMillis, longitude: f64) -> f64 {
    let sun = longitude / 360.0;
    let three_in_the_morning = 3.0 / 24.0;
    wave(ts, DAY, sun - three_in_the_morning + 0.25)
}

fn wave(ts: EpochMillis, period: EpochMillis, phase: f64) -> f64 {
    let turn = ts.rem_euclid(period) as f64 / period as f64;
    (TAU * (turn + phase)).sin()
}
