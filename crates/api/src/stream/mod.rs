//! Server-sent events: a hub keeps the newest frames, and each subscriber reads them at its own pace.

mod hub;
pub mod sse;
mod telemetry;

pub use hub::{Hub, Next, Subscriber};
pub use telemetry::TelemetryFeed;
