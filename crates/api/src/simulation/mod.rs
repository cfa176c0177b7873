//! The simulated devices: one task owns everything about them, and the handle talks to it.

mod defects;
mod engine;
mod fleet;
mod handle;
mod resume;
mod rounds;
mod settings;
mod sink;
mod tail;

pub use defects::{Defect, DefectState, Defects};
pub use engine::{Engine, Parts};
pub use handle::{DefectError, Scope, SimulationHandle, StartError, Status};
pub use settings::Settings;
