//! Command line.

use clap::{Parser, Subcommand};

use crate::rest;

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
}
