//! Patients, devices, prescriptions, readings and verdicts: types and pure rules, no I/O.
//!
//! A value of a type of this crate is valid by construction: the `*Draft` types hold what a client sent,
//! `parse` turns a draft into the type, or into the list of everything that is wrong with it.
//! Instants are epoch milliseconds ([`EpochMillis`]); physical values are `f64` in the unit of their [`Metric`].

mod device;
mod drift;
mod event;
mod id;
mod invalid;
mod metric;
mod patient;
mod prescription;
mod reading;
mod versioned;

pub use device::{Device, DeviceDraft};
pub use drift::{DriftDirection, DriftEvent, DriftKey};
pub use event::{DeviceEvent, DeviceEventKind, Place};
pub use id::{DeviceId, InvalidId, PatientId, PrescriptionId};
pub use invalid::{Checks, FieldError, Invalid};
pub use metric::{Metric, UnknownMetric};
pub use patient::{Gender, Patient, PatientDraft};
pub use prescription::{
    ParameterDraft, Prescription, PrescriptionDraft, PrescriptionParameter, Validity,
};
pub use reading::Reading;
pub use versioned::Versioned;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type EpochMillis = i64;

/// The last millisecond of the year 9999, the largest instant that is accepted from outside.
pub const MAX_EPOCH_MILLIS: EpochMillis = 253_402_300_799_999;
