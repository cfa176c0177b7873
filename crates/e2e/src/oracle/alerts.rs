//! Episodes out of range that last.

use serde_json::Value;

use super::{Reading, Target, by_metric, row};
use crate::Row;

/// Out of range for so long, or longer, is worth an alert.
const ALERT_AFTER_MS: i64 = 5 * 60 * 1000;

/// Consecutive readings out of range, of which `raised` is the first after [`ALERT_AFTER_MS`].
struct Episode<'a> {
    start: i64,
    raised: Option<(&'a Reading, &'a Target)>,
}

/// Every episode that was raised, open or recovered, when all prescriptions are known before the first reading.
pub fn episodes(readings: &[Reading], targets: &[Target]) -> Vec<Row> {
    let mut rows = Vec::new();
    for readings in by_metric(readings).values() {
        let mut open: Option<Episode<'_>> = None;
        for reading in readings.values() {
            match judging(reading, targets).filter(|target| target.is_missed_by(reading)) {
                Some(target) => {
                    let episode = open.get_or_insert(Episode {
                        start: reading.ts,
                        raised: None,
                    });
                    if episode.raised.is_none() && reading.ts - episode.start >= ALERT_AFTER_MS {
                        episode.raised = Some((reading, target));
                    }
                }
                None => rows.extend(open.take().and_then(|episode| episode.row(Some(reading)))),
            }
        }
        rows.extend(open.and_then(|episode| episode.row(None)));
    }
    rows
}

/// Of the prescriptions that cover a reading the one that starts last; of two with one start that of the greater id.
fn judging<'a>(reading: &Reading, targets: &'a [Target]) -> Option<&'a Target> {
    let covering = targets.iter().filter(|target| target.covers(reading));
    covering.max_by_key(|target| (target.start, &target.prescription_id))
}

impl Episode<'_> {
    /// `None` for one that was too short.
    fn row(&self, recovery: Option<&Reading>) -> Option<Row> {
        let (raised, target) = self.raised?;
        let recovered_at = recovery.map(|reading| reading.ts);
        Some(row([
            ("device_id", raised.device_id.clone().into()),
            ("metric_name", raised.metric_name.clone().into()),
            ("episode_start", self.start.into()),
            ("patient_id", raised.patient_id.clone().into()),
            ("prescription_id", target.prescription_id.clone().into()),
            ("prescribed_value", target.value.into()),
            ("tolerance", target.tolerance.into()),
            ("last_value", recovery.unwrap_or(raised).value.into()),
            (
                "status",
                if recovery.is_some() {
                    "recovered"
                } else {
                    "raised"
                }
                .into(),
            ),
            ("raised_at", raised.ts.into()),
            (
                "recovered_at",
                recovered_at.map_or(Value::Null, Value::from),
            ),
            (
                "duration_ms",
                recovered_at.map_or(Value::Null, |at| (at - self.start).into()),
            ),
        ]))
    }
}
