//! Device telemetry made by rule instead of by patients: the story clock, and what a device measures.
//!
//! Deterministic and without I/O: the caller passes the time, and a value depends on nothing but the seed,
//! the device, the metric, the story time and the active biases. The generator is written out here and not
//! taken from a crate, so that an upgrade of a dependency cannot change the story.

mod clock;
mod noise;
mod physiology;

pub use clock::{Pace, StoryClock};
pub use physiology::{Bias, Simulator};
