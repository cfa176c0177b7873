//! Against a real broker and a real registry, whose addresses are in the environment.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod admin;
mod consumer;
mod dead_letters;
mod inspect;
mod outage;
mod producer;
mod progress;
mod registry;
mod support;
mod wire;
