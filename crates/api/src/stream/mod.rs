//! Server-sent events: a hub keeps the newest events, and each subscriber reads them at its own pace.

mod gate;
mod hub;
mod log;
mod simulation;
pub mod sse;
mod subscriber;
mod telemetry;
mod topic;

pub use gate::{Gate, Kind, Ticket};
pub use hub::Hub;
pub use simulation::announce;
pub use subscriber::{Next, Subscriber};
pub use telemetry::TelemetryFeed;
pub use topic::{Filter, Topic};

#[cfg(test)]
mod tests;
