//! Command line.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::{pipeline, rest, sse, telemetry};

/// Measures how fast the product is, and what it costs. Build it and the servers with `cargo build --release`.
#[derive(Debug, Parser)]
#[command(name = "hc-bench", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Requests per second, latency and server CPU of the REST API
    Rest(rest::Args),
    /// Readings per second that Kafka takes, and what they cost
    Telemetry(telemetry::Args),
    /// Readings that reach the subscribers of the event stream, and how late
    Sse(sse::Args),
    /// Time from a reading to its verdict, and readings per second that Flink judges
    Pipeline(pipeline::Args),
}

/// Reads a time in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero() && time.as_secs() < 3600)
        .ok_or_else(|| "must be more than nothing and less than an hour".to_owned())
}
