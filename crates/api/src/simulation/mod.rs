//! The simulated devices: one task owns everything about them, and the handle talks to it.

mod engine;
mod handle;
mod settings;
mod sink;
mod tail;

pub use engine::{Engine, Parts};
pub use handle::{Scope, SimulationHandle, StartError, Status};
pub use settings::Settings;
