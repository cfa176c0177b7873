use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a device measures and a prescription prescribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str")]
pub enum Metric {
    /// Mask pressure.
    Pressure,
    /// Oxygen flow.
    FlowRate,
    /// Delivered volume.
    FlowLevel,
}

/// A metric name that no device reports.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a metric; expected Pressure, FlowRate or FlowLevel")]
pub struct UnknownMetric(pub String);

impl Metric {
    /// All metrics, in the order in which devices report them.
    pub const ALL: [Self; 3] = [Self::Pressure, Self::FlowRate, Self::FlowLevel];

    /// The name used in Kafka, Postgres and HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pressure => "Pressure",
            Self::FlowRate => "FlowRate",
            Self::FlowLevel => "FlowLevel",
        }
    }

    /// The UCUM code of the unit of this metric's values.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Pressure => "cm[H2O]",
            Self::FlowRate => "L/min",
            Self::FlowLevel => "mL",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        Self::ALL
            .into_iter()
            .find(|metric| metric.as_str() == name)
            .ok_or_else(|| UnknownMetric(name.to_owned()))
    }
}

impl From<Metric> for &'static str {
    fn from(metric: Metric) -> Self {
        metric.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_are_refused() {
        for metric in Metric::ALL {
            assert_eq!(metric.as_str().parse(), Ok(metric));
            let json = serde_json::to_value(metric).unwrap();
            assert_eq!(json, metric.as_str());
            assert_eq!(serde_json::from_value::<Metric>(json).unwrap(), metric);
        }
        assert_eq!(
            "pressure".parse::<Metric>(),
            Err(UnknownMetric("pressure".to_owned()))
        );
    }
}
