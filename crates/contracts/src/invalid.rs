//! Records that have the shape of their schema and yet mean nothing.

use std::fmt::Display;

use hc_domain::{EpochMillis, MAX_EPOCH_MILLIS};

/// A field with a value that cannot be. The record will never be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidRecord {
    pub field: &'static str,
    pub reason: String,
}

pub(crate) fn field<T, E: Display>(
    field: &'static str,
    parsed: Result<T, E>,
) -> Result<T, InvalidRecord> {
    parsed.map_err(|reason| InvalidRecord {
        field,
        reason: reason.to_string(),
    })
}

pub(crate) fn finite(name: &'static str, value: f64) -> Result<f64, InvalidRecord> {
    let checked = value.is_finite().then_some(value);
    field(
        name,
        checked.ok_or_else(|| format!("{value} is not a finite number")),
    )
}

pub(crate) fn instant(name: &'static str, ms: i64) -> Result<EpochMillis, InvalidRecord> {
    let checked = (0..=MAX_EPOCH_MILLIS).contains(&ms).then_some(ms);
    field(
        name,
        checked.ok_or_else(|| format!("{ms} is not an instant between 1970 and 9999")),
    )
}
