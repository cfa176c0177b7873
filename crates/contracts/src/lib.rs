//! What travels on the topics: Avro schema files, the Rust records that match them, and the catalogue of
//! topics with their settings. No I/O: callers register and create what this crate describes.

pub mod compatibility;
pub mod drift;
pub mod event;
mod invalid;
pub mod raw;
pub mod subject;
#[cfg(test)]
mod testing;
pub mod topics;

pub use drift::{DriftKey, DriftValue};
pub use event::{DeviceEventKey, DeviceEventValue};
pub use invalid::InvalidRecord;
pub use raw::{DeviceMetricKey, DeviceMetricValue};
pub use subject::Subject;
pub use topics::Topic;
