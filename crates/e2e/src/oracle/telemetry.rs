//! What a device measured in an hour.

use super::{HOUR_MS, Reading, by_hour, hour_row};
use crate::Row;

/// The hours that are over at `now`, in event time.
pub fn hours(readings: &[Reading], now: i64) -> Vec<Row> {
    let over = by_hour(readings)
        .into_iter()
        .filter(|((start, ..), _)| start + HOUR_MS <= now);
    over.map(|(key, readings)| {
        let values = || readings.iter().map(|reading| reading.value);
        let mut row = hour_row(key);
        #[expect(clippy::cast_precision_loss, reason = "an hour has few readings")]
        let mean = values().sum::<f64>() / readings.len() as f64;
        row.insert("avg_value".to_owned(), mean.into());
        row.insert(
            "min_value".to_owned(),
            values().fold(f64::INFINITY, f64::min).into(),
        );
        row.insert(
            "max_value".to_owned(),
            values().fold(f64::NEG_INFINITY, f64::max).into(),
        );
        row.insert("count_reading".to_owned(), readings.len().into());
        row
    })
    .collect()
}
