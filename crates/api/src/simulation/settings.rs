//! The configuration of the simulation.

use hc_simulator::{Pace, Simulator};

use crate::config::SimulationArgs;

/// What to simulate, and how fast.
#[derive(Debug, Clone)]
pub struct Settings {
    pub pace: Pace,
    /// Of all devices together, per second of wall time.
    pub records_per_second: f64,
    pub simulator: Simulator,
}

impl From<&SimulationArgs> for Settings {
    fn from(args: &SimulationArgs) -> Self {
        Self {
            pace: args.pace(),
            records_per_second: args.simulation_records_per_second,
            simulator: args
                .biases()
                .fold(Simulator::new(args.simulation_seed), Simulator::with_bias),
        }
    }
}
