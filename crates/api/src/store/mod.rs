//! All SQL of the service, one file per table. Functions take a connection; their callers own the transaction.

pub mod capture;
pub mod devices;
pub mod drift;
pub mod idempotency_keys;
pub mod list;
pub mod offsets;
pub mod patients;
pub mod prescriptions;
pub mod running_simulation;
pub mod story_clock;

/// The database holds something that the domain does not allow; only a hand-made change can do that.
pub(crate) fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
