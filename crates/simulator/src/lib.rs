//! Device telemetry made by rule instead of by patients: the story clock, what a device measures, and what goes
//! wrong with it. `docs/simulator.md` has the values, their sources, and the statistic by which each defect shows.
//!
//! Deterministic and without I/O: the caller passes the time, and a value depends on nothing but the seed,
//! the device, the metric, the story time and the active defects. The generator is written out here and not
//! taken from a crate, so that an upgrade of a dependency cannot change the story.
//!
//! For few devices there is [`Simulator`], which makes whole rounds. For very many, without state for each of them,
//! there are [`Voice::new`], [`Settings::typical`] and [`value`].

mod clock;
mod defect;
mod mailbag;
mod noise;
mod physiology;
mod rounds;

pub use clock::{Pace, StoryClock};
pub use defect::{Active, CLOCK_SKEW, DefectKind, LATE_ROUNDS, UnknownDefect, story_time};
pub use mailbag::Mailbag;
pub use noise::Voice;
pub use physiology::{Settings, value};
pub use rounds::{Bias, Simulator};
