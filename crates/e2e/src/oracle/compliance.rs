//! How many readings of an hour were as prescribed.

use super::{Reading, Target, by_hour, hour_row};
use crate::Row;

/// Every hour with a reading that a prescription covers. A reading counts as in range when no prescription that covers it
/// is missed.
pub fn hours(readings: &[Reading], targets: &[Target]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (key, readings) in by_hour(readings) {
        let (mut total, mut in_range) = (0_u32, 0_u32);
        for reading in readings {
            let covering: Vec<&Target> = targets
                .iter()
                .filter(|target| target.covers(reading))
                .collect();
            total += u32::from(!covering.is_empty());
            let missed = covering.iter().any(|target| target.is_missed_by(reading));
            in_range += u32::from(!covering.is_empty() && !missed);
        }
        if total > 0 {
            let mut row = hour_row(key);
            let share = 100.0 * f64::from(in_range) / f64::from(total);
            row.insert("readings_in_range".to_owned(), in_range.into());
            row.insert("readings_total".to_owned(), total.into());
            row.insert("compliance_pct".to_owned(), share.into());
            rows.push(row);
        }
    }
    rows
}
