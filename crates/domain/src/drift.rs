use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{DeviceId, EpochMillis, Metric, PatientId, PrescriptionId};

/// Identifies a verdict: one reading judged by one prescription.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DriftKey {
    /// The device that measured.
    pub device_id: DeviceId,
    /// What was measured.
    #[serde(rename = "metric_name")]
    pub metric: Metric,
    /// Event time of the reading, epoch milliseconds.
    pub ts: EpochMillis,
    /// The prescription that judged the reading.
    pub prescription_id: PrescriptionId,
}

/// A reading outside of the prescribed value plus or minus the tolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftEvent {
    /// Which reading, by which prescription.
    #[serde(flatten)]
    pub key: DriftKey,
    /// The patient who wore the device.
    pub patient_id: PatientId,
    /// Target of the prescription, in the metric's unit.
    pub prescribed_value: f64,
    /// What the device measured, in the metric's unit.
    pub actual_value: f64,
    /// Allowed distance from the target, in the metric's unit.
    pub tolerance: f64,
    /// `actual_value - prescribed_value` as the pipeline computed it.
    pub deviation: f64,
    /// On which side of the target.
    pub drift_direction: DriftDirection,
    /// A sentence for people.
    pub message: String,
}

/// On which side of the target a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftDirection {
    /// Above target plus tolerance.
    Above,
    /// Below target minus tolerance.
    Below,
}

impl DriftDirection {
    /// `above` or `below`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

impl fmt::Display for DriftDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DriftDirection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "above" => Ok(Self::Above),
            "below" => Ok(Self::Below),
            other => Err(format!(
                "{other:?} is not a drift direction; expected above or below"
            )),
        }
    }
}
