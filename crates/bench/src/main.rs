//! `hc-bench`: see `hc-bench --help`.

use std::process::ExitCode;

use clap::Parser as _;
use hc_bench::cli::{Cli, Command};

/// One thread makes the load, so that the server keeps the other cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Rest(args) => hc_bench::rest::run(&args).await,
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
