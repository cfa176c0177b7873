//! The newest readings: a stream, and what a screen needs to draw its charts at once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use hc_domain::{DeviceId, Metric, Reading};

use super::{Hub, Topic};
use crate::routes::telemetry::ReadingOut;

/// Readings of one device and metric, oldest first.
type Series = VecDeque<Arc<Reading>>;

/// Readings on their way to screens.
#[derive(Debug)]
pub struct TelemetryFeed {
    hub: Arc<Hub>,
    per_series: usize,
    recent: Mutex<BTreeMap<(DeviceId, Metric), Series>>,
}

impl TelemetryFeed {
    /// Keeps this many readings of each device and metric.
    pub fn new(hub: Arc<Hub>, per_series: usize) -> Self {
        Self {
            hub,
            per_series: per_series.max(1),
            recent: Mutex::default(),
        }
    }

    /// Keeps a reading and streams it.
    pub fn publish(&self, reading: Arc<Reading>) {
        let about = (&reading.device_id, reading.metric);
        let out = ReadingOut::from(&*reading);
        if let Err(error) = self.hub.publish(Topic::Telemetry, "telemetry", about, &out) {
            tracing::error!(%error, "a reading could not be written as JSON");
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let series = recent
            .entry((reading.device_id.clone(), reading.metric))
            .or_default();
        if series.len() == self.per_series {
            series.pop_front();
        }
        series.push_back(reading);
    }

    /// The newest readings, oldest first: of one device and metric or of all, and at most `limit` in total.
    pub fn recent(
        &self,
        device: Option<&DeviceId>,
        metric: Option<Metric>,
        limit: usize,
    ) -> Vec<Arc<Reading>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readings: Vec<_> = recent
            .iter()
            .filter(|((of, what), _)| {
                device.is_none_or(|device| device == of)
                    && metric.is_none_or(|metric| metric == *what)
            })
            .flat_map(|(_, series)| series.iter().cloned())
            .collect();
        drop(recent);
        let order = |a: &Arc<Reading>, b: &Arc<Reading>| {
            (a.ts, &a.device_id, a.metric).cmp(&(b.ts, &b.device_id, b.metric))
        };
        if let Some(older) = readings.len().checked_sub(limit).filter(|count| *count > 0) {
            // Sorting is for those that are asked for: a thousand devices have 600,000.
            readings.select_nth_unstable_by(older - 1, order);
            readings.drain(..older);
        }
        readings.sort_by(order);
        readings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(device: &str, metric: Metric, ts: i64) -> Arc<Reading> {
        Arc::new(Reading {
            device_id: device.parse().unwrap(),
            patient_id: "P001".parse().unwrap(),
            ts,
            metric,
            value: 1.0,
            software_version: None,
        })
    }

    #[test]
    fn keeps_the_newest_of_each_device_and_metric() {
        let feed = TelemetryFeed::new(Arc::new(Hub::new("b".to_owned(), 8)), 2);
        for ts in 0..3 {
            feed.publish(reading("B", Metric::Pressure, ts));
            feed.publish(reading("A", Metric::Pressure, ts));
        }
        feed.publish(reading("A", Metric::FlowRate, 1));
        let check = |device: Option<&str>, metric, limit, expected: &[&str]| {
            let device = device.map(|device| device.parse().unwrap());
            let found: Vec<String> = feed
                .recent(device.as_ref(), metric, limit)
                .iter()
                .map(|reading| format!("{} {} {}", reading.ts, reading.device_id, reading.metric))
                .collect();
            assert_eq!(found, expected);
        };
        check(
            None,
            None,
            9,
            &[
                "1 A Pressure",
                "1 A FlowRate",
                "1 B Pressure",
                "2 A Pressure",
                "2 B Pressure",
            ],
        );
        check(
            Some("A"),
            Some(Metric::Pressure),
            9,
            &["1 A Pressure", "2 A Pressure"],
        );
        check(None, None, 2, &["2 A Pressure", "2 B Pressure"]);
        check(Some("C"), None, 9, &[]);
    }
}
