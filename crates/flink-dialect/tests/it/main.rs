//! Tests of the crate as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod cases;
mod lake;
mod mutations;
mod pipelines;
mod properties;
mod readme;
#[path = "../support/mod.rs"]
mod support;
