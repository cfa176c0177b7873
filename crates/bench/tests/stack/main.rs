//! The real programs, on real servers that each test starts for itself.

#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not their helpers"
)]

mod pipeline;
mod rest;
mod sse;
mod telemetry;

use std::process::Output;

use serde_json::Value;

/// The JSON that a run of `hc-bench` printed, which is to have succeeded.
fn report(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}
