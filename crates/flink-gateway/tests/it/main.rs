//! Tests that need no server: the store on a temporary disk, the API in process with Flink out of reach.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod api;
mod store;
mod support;
