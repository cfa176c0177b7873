//! What events are about.

use std::{fmt, str::FromStr};

use hc_domain::{DeviceId, Metric};
use thiserror::Error;

/// A kind of events that one can listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Readings.
    Telemetry,
    /// Verdicts that readings are outside of the prescribed range.
    Drift,
    /// Starts, stops and failures of the simulation.
    Simulation,
}

impl Topic {
    pub const ALL: [Self; 3] = [Self::Telemetry, Self::Drift, Self::Simulation];

    /// The name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::Drift => "drift",
            Self::Simulation => "simulation",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no topic has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a topic; expected telemetry, drift or simulation")]
pub struct UnknownTopic(String);

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Self, UnknownTopic> {
        Self::ALL
            .into_iter()
            .find(|topic| topic.as_str() == name)
            .ok_or_else(|| UnknownTopic(name.to_owned()))
    }
}

/// What a reader wants to have. Events that are about no device, or no metric, pass the filter for it.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub device: Option<DeviceId>,
    pub metric: Option<Metric>,
}

/// What one event is about, as numbers: a comparison with the filter costs next to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject {
    /// The hub's number of the device; 0 for an event that is about none.
    device: u32,
    /// 0 for an event that is about none.
    metric: u8,
}

impl Subject {
    pub(super) const NOTHING: Self = Self {
        device: 0,
        metric: 0,
    };

    pub(super) fn new(device: u32, metric: Metric) -> Self {
        Self {
            device,
            metric: metric as u8 + 1,
        }
    }
}

/// A [`Filter`] in the hub's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    device: Option<u32>,
    metric: Option<u8>,
}

impl Wanted {
    /// `device` is the hub's number of the filter's device; none when nothing was said about it so far.
    pub(super) fn new(filter: &Filter, device: Option<u32>) -> Self {
        Self {
            device: filter.device.as_ref().map(|_| device.unwrap_or(u32::MAX)),
            metric: filter.metric.map(|metric| metric as u8 + 1),
        }
    }

    pub(super) fn everything(self) -> bool {
        self.device.is_none() && self.metric.is_none()
    }

    pub(super) fn has(self, subject: Subject) -> bool {
        let device = self.device.is_none_or(|device| device == subject.device);
        let metric = self.metric.is_none_or(|metric| metric == subject.metric);
        (device || subject.device == 0) && (metric || subject.metric == 0)
    }
}

/// Columns of a count: no metric, and each metric.
const CELLS: usize = Metric::ALL.len() + 1;

/// How many events there were, so that it can be said of each filter.
#[derive(Debug, Default)]
pub(super) struct Counts {
    all: [u64; CELLS],
    /// By the number of the device.
    devices: Vec<[u64; CELLS]>,
}

impl Counts {
    pub(super) fn add(&mut self, subject: Subject) {
        let (device, metric) = (subject.device as usize, usize::from(subject.metric));
        if self.devices.len() <= device {
            self.devices.resize(device + 1, [0; CELLS]);
        }
        self.devices[device][metric] += 1;
        self.all[metric] += 1;
    }

    pub(super) fn of(&self, wanted: Wanted) -> u64 {
        let sum = |cells: &[u64; CELLS]| match wanted.metric {
            None => cells.iter().sum(),
            Some(metric) => cells[0] + cells.get(usize::from(metric)).unwrap_or(&0),
        };
        match wanted.device {
            None => sum(&self.all),
            Some(device) => [0, device as usize]
                .into_iter()
                .filter_map(|device| self.devices.get(device))
                .map(sum)
                .sum(),
        }
    }
}
