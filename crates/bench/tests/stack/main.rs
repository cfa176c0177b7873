//! The real programs, on real servers that each test starts for itself.

#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not their helpers"
)]

mod pipeline;
mod rest;
mod sse;
mod telemetry;
