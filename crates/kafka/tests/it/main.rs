//! What can be seen without a server: configuration, and a producer whose broker is away.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod config;
mod producer;
