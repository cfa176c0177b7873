//! `hc-bench`: see `hc-bench --help`.

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser as _;
use hc_bench::cli::{Cli, Command};
use tokio::signal::unix::{SignalKind, signal};

/// As hc-api has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One thread makes the load, so that the server keeps the other cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    let work = async {
        match command {
            Command::Rest(args) => hc_bench::rest::run(&args).await,
            Command::Pipeline(args) => hc_bench::pipeline::run(&args).await,
            Command::Sse(args) => hc_bench::sse::run(&args).await,
            Command::Telemetry(args) => hc_bench::telemetry::run(&args).await,
        }
    };
    // Whichever ends first, the servers that it started end with the work.
    let outcome = tokio::select! {
        outcome = work => outcome,
        stopped = stop_signal() => stopped.and_then(|()| bail!("stopped before the end")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// SIGINT or SIGTERM.
async fn stop_signal() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a command line tool says why it ends")]
fn complain(error: &anyhow::Error) {
    eprintln!("hc-bench: {error:#}");
}
