//! What the crate produces, read by the real planner behind Flink's SQL gateway. Nothing is executed, so that no other
//! server is needed: `hc-platform exec --servers flink -- cargo test -p hc-flink-dialect --test stack`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod cases;
mod pipelines;
mod session;
#[path = "../support/mod.rs"]
mod support;
