//! `hc-bench rest`

mod cases;
mod rows;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::signal::ctrl_c;

pub use cases::Case;

use crate::{
    cli::seconds,
    client::Target,
    load::{Measurement, Plan},
    machine::Machine,
    process::Process,
    server::{Server, Setup},
    table,
    terminal::{show, tell},
};
use rows::Rows;

const USAGE: &str = "\
Without --url it starts the hc-api beside it on a free port, with DATABASE_URL. A throw-away Postgres for one run:

  target/release/hc-platform exec --servers postgres -- target/release/hc-bench rest

It makes patients, devices and prescriptions of its own through the API and removes them afterwards. It ends with an
error when a request was answered with another status than expected.";

/// Options of `hc-bench rest`.
#[derive(Debug, clap::Args)]
#[command(after_help = USAGE)]
pub struct Args {
    /// A running server, such as http://127.0.0.1:8000, instead of one started for this
    #[arg(long)]
    url: Option<Target>,
    /// Process of the server at --url, to measure its CPU time
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// Program to start [default: the hc-api beside this program]
    #[arg(long, conflicts_with = "url")]
    server: Option<PathBuf>,
    /// Postgres for the server that is started
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        conflicts_with = "url"
    )]
    database_url: Option<String>,
    /// Connections, each with one request at a time
    #[arg(long, value_delimiter = ',', default_value = "1,32,128",
        value_parser = clap::value_parser!(u16).range(1..))]
    connections: Vec<u16>,
    /// Seconds of each measurement
    #[arg(long, default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// Seconds of load before each measurement
    #[arg(long, default_value = "1", value_parser = seconds)]
    warm_up: Duration,
    /// Prescriptions, each with a device of its own; a list of up to 1000 shows them all
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(5..=10_000))]
    rows: u16,
    /// Only these
    #[arg(long, value_delimiter = ',', value_enum)]
    cases: Vec<Case>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What is published.
#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    results: Vec<CaseResult>,
}

#[derive(Debug, Serialize)]
struct CaseResult {
    case: Case,
    #[serde(flatten)]
    measured: Measurement,
}

/// Measures and prints.
///
/// # Errors
/// When the server cannot be reached or started, or a connection breaks.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(
        args.connections
            .iter()
            .all(|&connections| connections <= args.rows),
        "--rows must be as many as --connections at least, because each connection changes rows of its own"
    );
    let report = if let Some(target) = &args.url {
        let process = args.pid.map(Process::new).transpose()?;
        measure(args, target, process).await?
    } else {
        let server = start(args).await?;
        let report = measure(args, &server.target, Some(server.process)).await;
        server.stop().await?;
        report?
    };
    match report {
        Some(report) => print(args, &report),
        None => Ok(ExitCode::from(130)),
    }
}

async fn start(args: &Args) -> anyhow::Result<Server> {
    let database = args.database_url.clone().context(
        "give --url of a running server, or --database-url (DATABASE_URL) for a server started for this; see --help",
    )?;
    ensure!(!database.is_empty(), "DATABASE_URL is empty");
    let setup = Setup::new(
        args.server.clone(),
        vec![
            ("DATABASE_URL", database),
            ("KAFKA_BOOTSTRAP_SERVERS", String::new()),
            ("SCHEMA_REGISTRY_URL", String::new()),
        ],
    )?;
    tell(&format!("starting {}", setup.program.display()));
    setup.run("migrate").await?;
    setup.start().await
}

/// `None` when it was interrupted.
async fn measure(
    args: &Args,
    target: &Target,
    process: Option<Process>,
) -> anyhow::Result<Option<Report>> {
    tell(&format!("making {} prescriptions at {target}", args.rows));
    let rows = Rows::new(target);
    let outcome = tokio::select! {
        outcome = all_cases(args, &rows, process) => outcome.map(Some),
        interrupted = ctrl_c() => interrupted.map(|()| None).context("waiting for Ctrl+C"),
    };
    tell("removing what was made");
    let removed = rows.remove().await;
    let report = outcome?;
    removed.context("removing what was made")?;
    Ok(report)
}

async fn all_cases(
    args: &Args,
    rows: &Rows<'_>,
    process: Option<Process>,
) -> anyhow::Result<Report> {
    let mut made = rows.make(args.rows).await?;
    let machine = Machine::now();
    let plan = Plan {
        warm_up: args.warm_up,
        measure: args.seconds,
    };
    let mut results = Vec::new();
    for case in cases::all().filter(|case| args.cases.is_empty() || args.cases.contains(case)) {
        for &connections in &args.connections {
            let connections = usize::from(connections);
            tell(&format!(
                "measuring {}, connections: {connections}",
                case.title()
            ));
            let measured = cases::run(case, rows, &mut made, connections, plan, process).await?;
            results.push(CaseResult { case, measured });
        }
    }
    Ok(Report { machine, results })
}

const HEADER: [&str; 7] = [
    "case",
    "connections",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "CPU ms/request",
    "failed",
];

impl CaseResult {
    fn failed(&self) -> u64 {
        self.measured.unexpected.values().sum()
    }

    fn cells(&self) -> Vec<String> {
        let measured = &self.measured;
        vec![
            self.case.title().to_owned(),
            measured.connections.to_string(),
            format!("{:.0}", measured.requests_per_second),
            format!("{:.2}", measured.p50_ms),
            format!("{:.2}", measured.p99_ms),
            measured
                .cpu_ms_per_request
                .map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.3}")),
            self.failed().to_string(),
        ]
    }
}

fn print(args: &Args, report: &Report) -> anyhow::Result<ExitCode> {
    if args.json {
        show(&serde_json::to_string_pretty(report)?);
    } else {
        let rows: Vec<_> = report.results.iter().map(CaseResult::cells).collect();
        show(&report.machine.describe());
        show("");
        show(table::markdown(&HEADER, &rows).trim_end());
    }
    let mut code = ExitCode::SUCCESS;
    for result in &report.results {
        if let Some(example) = &result.measured.unexpected_example {
            let (failed, title) = (result.failed(), result.case.title());
            tell(&format!(
                "{failed} requests failed ({title}), such as: {example}"
            ));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
