//! `hc-api`: see `hc-api --help`.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use hc_api::{
    app,
    clock::Clock,
    config::{Cli, Command, TopicsCommand},
    database,
    demo::Demo,
    kafka::Kafka,
    log,
    serve::serve,
    unreadable::{self, Survey},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Requests and events are many small, short-lived pieces of memory, allocated in one thread and freed in another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    match dotenvy::dotenv() {
        Err(error) if !error.not_found() => return Err(error).context("reading .env"),
        _ => {}
    }
    let cli = Cli::parse();
    let _log = log::start(&cli.log)?;
    match cli.command.as_ref().unwrap_or(&Command::Serve) {
        Command::Serve => serve(&cli, stop_signal()?).await,
        Command::Migrate => {
            database::migrate(&mut *required_pool(&cli)?.acquire().await?).await?;
            say("the tables are up to date");
            Ok(())
        }
        Command::Seed => seed(&cli).await,
        Command::Topics { what } => {
            let kafka = Kafka::new(&cli.kafka, &cli.registry)?;
            let kafka = kafka.context("set KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL")?;
            topics(&kafka, what.as_ref()).await
        }
        Command::Openapi => {
            say(&app::document().to_pretty_json()?);
            Ok(())
        }
    }
}

async fn topics(kafka: &Kafka, what: Option<&TopicsCommand>) -> anyhow::Result<()> {
    match what {
        None => kafka
            .ensure_topics()
            .await?
            .iter()
            .for_each(|line| say(line)),
        Some(TopicsCommand::Unreadable { topic, most }) => {
            say(&unreadable::list(kafka, topic, *most).await?);
        }
        Some(TopicsCommand::Skip(args)) => {
            let survey = Survey::new(kafka, args).await?;
            say(&survey.to_string());
            survey.permit(args.force)?;
            if !args.yes {
                say("Type yes to go on:");
                let mut answer = String::new();
                std::io::stdin().read_line(&mut answer)?;
                ensure!(answer.trim() == "yes", "nothing was deleted");
            }
            say(&survey.delete(kafka).await?);
        }
    }
    Ok(())
}

async fn seed(cli: &Cli) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let patients = cli.simulation.simulation_num_patients;
    let demo = Demo::new(patients, now, cli.simulation.simulation_backfill_days)?;
    let mut db = required_pool(cli)?.acquire().await?;
    if database::seed(&mut db, &demo, now).await? {
        say(&format!(
            "inserted {patients} patients with a device and a prescription each"
        ));
    } else {
        say("there are rows already; nothing inserted");
    }
    Ok(())
}

fn required_pool(cli: &Cli) -> anyhow::Result<database::Pool> {
    database::pool(&cli.database, None)?.context("set DATABASE_URL")
}

#[expect(
    clippy::print_stdout,
    reason = "the result of a command goes to standard output"
)]
fn say(line: &str) {
    println!("{line}");
}

#[expect(
    clippy::print_stderr,
    reason = "whoever started the command reads it, whatever is logged"
)]
fn complain(error: &anyhow::Error) {
    eprintln!("hc-api: {error:#}");
}

/// Cancelled by SIGINT or SIGTERM.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        token.cancel();
    });
    Ok(shutdown)
}
