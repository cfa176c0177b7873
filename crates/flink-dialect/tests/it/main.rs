//! Tests of the crate as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod cases;
mod infer;
mod pipelines;
mod properties;
