//! `hc-bench`: see `hc-bench --help`.

use std::process::ExitCode;

use clap::Parser as _;
use hc_bench::cli::{Cli, Command};

/// As hc-api has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One thread makes the load, so that the server keeps the other cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Rest(args) => hc_bench::rest::run(&args).await,
        Command::Pipeline(args) => hc_bench::pipeline::run(&args).await,
        Command::Sse(args) => hc_bench::sse::run(&args).await,
        Command::Telemetry(args) => hc_bench::telemetry::run(&args).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line tool says why it ends")]
fn complain(error: &anyhow::Error) {
    eprintln!("hc-bench: {error:#}");
}
