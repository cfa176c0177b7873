//! Load and latency measurements of the product's parts. The binary is `hc-bench`; docs/benchmarks.md has results.

pub mod cli;
pub mod client;
pub mod load;
pub mod machine;
pub mod pipeline;
pub mod process;
pub mod rest;
pub mod server;
pub mod sse;
pub mod table;
pub mod telemetry;
mod terminal;
