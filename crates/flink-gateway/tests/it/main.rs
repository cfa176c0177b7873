//! Tests that need no server: the store on a temporary disk, the API in process with Flink out of reach.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking"
)]

mod api;
mod pipelines;
mod proxy;
mod store;
mod support;
