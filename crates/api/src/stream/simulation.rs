//! What becomes of the simulation, as events.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Hub, Topic};
use crate::{
    routes::simulation::SimulationStatus,
    simulation::{SimulationHandle, Status},
};

/// Publishes the status whenever the simulation starts, stops, fails or recovers, until `shutdown` is cancelled. What
/// changes with every reading, the time and the counts, is no event.
pub fn announce(
    hub: Arc<Hub>,
    simulation: SimulationHandle,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    // Now, not when the task gets its turn: a start in between is a change.
    let mut changes = simulation.changes();
    let mut told = changes.borrow_and_update().clone();
    async move {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
            let status = changes.borrow_and_update().clone();
            if worth_telling(&told, &status) {
                tell(&hub, &simulation, status.clone());
                told = status;
            }
        }
    }
}

fn tell(hub: &Hub, simulation: &SimulationHandle, status: Status) {
    let out = SimulationStatus::new(status, simulation.kafka());
    if let Err(error) = hub.publish_to_all(Topic::Simulation, "simulation", &out) {
        tracing::error!(%error, "a status could not be written as JSON");
    }
}

fn worth_telling(before: &Status, now: &Status) -> bool {
    (
        before.running,
        &before.scope,
        before.started_at,
        &before.last_error,
    ) != (now.running, &now.scope, now.started_at, &now.last_error)
}
