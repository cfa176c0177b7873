//! The simulated devices: one task owns everything about them, and the handle talks to it.

mod handle;

pub use handle::{KafkaState, Scope, SimulationHandle, StartError, Status};
