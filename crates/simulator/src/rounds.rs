//! Whole rounds of readings.

use hc_domain::{Device, DeviceId, EpochMillis, Metric, Reading};

use crate::{
    defect::{Active, CLOCK_SKEW, DefectKind},
    noise::Voice,
    physiology::{Settings, value},
};

/// A device that measures beside its setting, such as one whose calibration is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Bias {
    pub device_id: DeviceId,
    pub metric: Metric,
    /// Added to every value, in the unit of the metric.
    pub offset: f64,
}

/// Makes readings around the settings of a device: nights and days, a slow wander, breathing, and noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulator {
    seed: u64,
    biases: Vec<Bias>,
}

impl Simulator {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            biases: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_bias(mut self, bias: Bias) -> Self {
        self.biases.push(bias);
        self
    }

    /// One round of a device at story time `ts`, in the order of [`Metric::ALL`], as the device sends it: with the
    /// time of its own clock, each reading twice when delivery is duplicated, and nothing when it is silent or
    /// nobody wears it. Whether the round is delivered now is for [`Mailbag`](crate::Mailbag) to say.
    pub fn readings(&self, device: &Device, ts: EpochMillis, defects: &[Active]) -> Vec<Reading> {
        let has = |kind| defects.iter().any(|defect| defect.kind == kind);
        let Some(patient_id) = &device.patient_id else {
            return Vec::new();
        };
        if has(DefectKind::Silence) {
            return Vec::new();
        }
        let skew = if has(DefectKind::ClockSkew) {
            CLOCK_SKEW
        } else {
            0
        };
        let copies = if has(DefectKind::DuplicateDelivery) {
            2
        } else {
            1
        };
        let voice = Voice::new(self.seed, device.device_id.as_str());
        let settings = Settings::from(device);
        Metric::ALL
            .into_iter()
            .map(|metric| Reading {
                device_id: device.device_id.clone(),
                patient_id: patient_id.clone(),
                ts: ts + skew,
                metric,
                value: value(
                    voice,
                    &settings,
                    self.offset(device, metric),
                    metric,
                    ts,
                    defects,
                ),
                software_version: Some(device.software_version.clone()),
            })
            .flat_map(|reading| std::iter::repeat_n(reading, copies))
            .collect()
    }

    fn offset(&self, device: &Device, metric: Metric) -> f64 {
        self.biases
            .iter()
            .filter(|bias| bias.metric == metric && bias.device_id == device.device_id)
            .map(|bias| bias.offset)
            .sum()
    }
}
