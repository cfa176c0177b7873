//! The command line of `hc-platform`.

mod dev;
mod doctor;
mod down;
mod exec;
mod interrupt;
mod logs;
mod out;
mod reset;
mod status;
mod topics;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::layout;

/// Starts, watches and stops the local stack: Postgres, Kafka, the schema registry, Kafka Connect and Flink.
#[derive(Parser)]
#[command(name = "hc-platform", version, after_help = PORTS)]
struct Cli {
    /// Where data, logs and generated configuration are kept [default: .data in the repository].
    #[arg(long, global = true, env = "HC_DATA_DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const PORTS: &str = "\
Ports, all on 127.0.0.1, each changed by its variable:
  UI_PORT 5173, API_PORT 8000, CONNECT_PORT 8083, POSTGRES_PORT 5432, KAFKA_PORT 9092, REGISTRY_PORT 8081,
  FLINK_REST_PORT 8091, SQL_GATEWAY_PORT 8093, STATEMENTS_GATEWAY_PORT 8094
  KAFKA_CONTROLLER_PORT and FLINK_RPC_PORT, which nobody else connects to: free ones unless set

The servers' programs are kept in HC_CACHE_DIR [default: ~/.cache/healthcare-shift-left].";

#[derive(Subcommand)]
enum Command {
    /// Start the whole product: servers, tables, connector, Flink SQL, API and screens, until Ctrl+C.
    Dev(dev::Args),
    /// Start the servers and watch them until Ctrl+C.
    Up(up::Args),
    /// Stop the servers that another hc-platform watches.
    Down,
    /// Show the state, port, process, memory and uptime of each server.
    Status(status::Args),
    /// Print the log of a server.
    Logs(logs::Args),
    /// Say what is missing or in the way, and how to mend it.
    Doctor,
    /// Run a command with a stack of its own: free ports, a temporary folder, everything gone afterwards.
    Exec(exec::Args),
    /// Delete all data of the stopped stack.
    Reset(reset::Args),
    /// Find the records that stop the jobs which read them, and pass them.
    #[command(subcommand)]
    Topics(topics::Args),
    /// Fetch the servers' programs into the cache, and do nothing else.
    Resolve,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    if let Ok(repository) = layout::repository() {
        // What the caller's environment says wins.
        let _ = dotenvy::from_path(repository.join(".env"));
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(Cli::parse()));
            // An interrupted download must not hold up the end.
            runtime.shutdown_background();
            outcome
        });
    outcome.unwrap_or_else(|error| {
        out::error(&error);
        ExitCode::FAILURE
    })
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let data = || -> anyhow::Result<PathBuf> {
        match &cli.data_dir {
            Some(folder) => Ok(std::path::absolute(folder)?),
            None => Ok(layout::repository()?.join(".data")),
        }
    };
    match cli.command {
        Command::Dev(args) => dev::run(&data()?, &args).await,
        Command::Logs(args) => logs::run(&data()?, &args).await,
        Command::Doctor => doctor::run(&data()?).await,
        Command::Up(args) => up::run(&data()?, &args).await,
        Command::Down => down::run(&data()?).await,
        Command::Status(args) => status::run(&data()?, &args),
        Command::Exec(args) => exec::run(args).await,
        Command::Reset(args) => reset::run(&data()?, &args),
        Command::Topics(args) => topics::run(&args),
        Command::Resolve => {
            let report = crate::report::Report::stdout();
            let artifacts = crate::artifacts::resolve(&layout::repository()?, &report)?;
            report.about("artifacts", artifacts.folder.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}
