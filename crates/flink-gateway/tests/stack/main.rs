//! Tests against a real Flink, Kafka and registry, whose addresses come from the environment. The gateway is the built
//! binary in a process of its own, with its own store; tables have names of their own, so tests do not meet.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking"
)]

mod cloud;
mod deploy;
mod external;
mod jobs;
mod lake;
mod latency;
mod load;
mod recovery;
mod select;
mod stop;
mod support;
mod tables;
