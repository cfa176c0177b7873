use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use hc_flink_gateway::client::ClientArgs;
use hc_flink_gateway::deploy::{self, DeployArgs};
use hc_flink_gateway::lake;
use hc_flink_gateway::prepare;
use hc_flink_gateway::serve::{self, ServeArgs};
use tracing_subscriber::EnvFilter;

/// Confluent's statements API over open-source Flink, and the deployer of pipelines/
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Format of the log on standard error
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Pretty, global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Pretty,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the statements API until SIGTERM or Ctrl+C; jobs keep running
    Serve(Box<ServeArgs>),
    /// Deploy what is missing or changed in a pipelines folder
    Deploy(DeployArgs),
    /// Have the listed tables copied into the lake
    Lake {
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Run files of statements, each to its end
    Prepare {
        /// Files of statements separated by ';'
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        client: ClientArgs,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    dotenvy::dotenv().ok();
    let cli = Cli::parse();
    start_log(cli.log_format);
    let mut out = std::io::stdout();
    let result = match cli.command {
        Command::Serve(args) => serve::run(*args).await,
        Command::Deploy(args) => deploy::run(&args, &mut out).await,
        Command::Lake { client } => lake::command::run(&client, &mut out).await,
        Command::Prepare { files, client } => prepare::run(&files, &client, &mut out).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => log
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
        LogFormat::Json => log.json().init(),
    }
}
