//! `hc-bench sse`

mod frames;
mod watch;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hyper::{Method, StatusCode};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::Serialize;
use serde_json::Value;
use tokio::{signal::ctrl_c, time::sleep};

use crate::{
    cli::seconds,
    client::{Answer, Connection, Target},
    machine::Machine,
    server::{Server, Setup},
    table,
    terminal::{show, tell},
};
use watch::{Asker, Subscribers};

const USAGE: &str = "\
It starts the hc-api beside it on a free port, without a database, and lets the devices report at each rate to each number
of subscribers. Readings go to Kafka first if there is one:

  target/release/hc-bench sse
  target/release/hc-platform exec --servers kafka,registry -- target/release/hc-bench sse";

/// Options of `hc-bench sse`.
#[derive(Debug, clap::Args)]
#[command(after_help = USAGE)]
pub struct Args {
    /// Subscribers at the same time; 0 is the rate without any
    #[arg(long, value_delimiter = ',', default_value = "0,1,10,100,500,1000")]
    subscribers: Vec<usize>,
    /// Readings per second; 0 is as many as the service can
    #[arg(long, value_delimiter = ',', default_value = "1000,0")]
    rates: Vec<u32>,
    /// Seconds of each measurement
    #[arg(long, default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// Seconds that all subscribers are connected before each measurement
    #[arg(long, default_value = "2", value_parser = seconds)]
    warm_up: Duration,
    /// Program to start [default: the hc-api beside this program]
    #[arg(long)]
    server: Option<PathBuf>,
    /// Kafka brokers; readings reach the subscribers only when it is empty
    #[arg(long, env = "KAFKA_BOOTSTRAP_SERVERS", default_value = "")]
    kafka_bootstrap_servers: String,
    /// The registry for Kafka
    #[arg(long, env = "SCHEMA_REGISTRY_URL", default_value = "")]
    schema_registry_url: String,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    kafka: bool,
    results: Vec<Measured>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    /// Readings per second that were asked for; absent for as many as possible.
    rate: Option<u32>,
    subscribers: usize,
    produced_per_second: f64,
    delivered_per_second: f64,
    /// Left out by the server for subscribers that were too slow, of all events for them, percent.
    missed_percent: f64,
    /// Delivered twice or out of order.
    astray: u64,
    /// From the time of the reading to its arrival.
    delay_p99_ms: u64,
    health_p99_ms: f64,
    server_cpu_percent: f64,
    server_resident_bytes: u64,
}

/// Measures and prints.
///
/// # Errors
/// When the server does not start, or a stream ends.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // Each subscriber is an open file.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let mut report = Report {
        machine: Machine::now(),
        kafka: !args.kafka_bootstrap_servers.is_empty(),
        results: Vec::new(),
    };
    for &rate in &args.rates {
        let server = setup(args, rate)?.start().await?;
        let outcome = tokio::select! {
            outcome = at_rate(args, rate, &server) => outcome.map(Some),
            interrupted = ctrl_c() => interrupted.map(|()| None).context("waiting for Ctrl+C"),
        };
        server.stop().await?;
        match outcome? {
            Some(results) => report.results.extend(results),
            None => return Ok(ExitCode::from(130)),
        }
    }
    print(args, &report)?;
    Ok(ExitCode::SUCCESS)
}

fn setup(args: &Args, rate: u32) -> anyhow::Result<Setup> {
    // Many devices at full rate, because a device reports at most every 2 ms of story time, which must not overtake the
    // wall clock: delays are measured by it.
    let (rate, devices) = match rate {
        0 => (1_000_000, 999),
        rate => (rate, 5),
    };
    let env = [
        ("DATABASE_URL", String::new()),
        (
            "KAFKA_BOOTSTRAP_SERVERS",
            args.kafka_bootstrap_servers.clone(),
        ),
        ("SCHEMA_REGISTRY_URL", args.schema_registry_url.clone()),
        ("SIMULATION_NUM_PATIENTS", devices.to_string()),
        ("SIMULATION_RECORDS_PER_SECOND", rate.to_string()),
        ("SIMULATION_BACKFILL_DAYS", "0".to_owned()),
        ("SIMULATION_INTERVAL_SECONDS", "1".to_owned()),
    ];
    Setup::new(args.server.clone(), env.into())
}

async fn at_rate(args: &Args, rate: u32, server: &Server) -> anyhow::Result<Vec<Measured>> {
    call(&server.target, Method::POST, "/simulation/start").await?;
    let mut results = Vec::new();
    for &count in &args.subscribers {
        let shown = match rate {
            0 => "full rate".to_owned(),
            rate => format!("{rate}/s"),
        };
        tell(&format!("{shown}, subscribers: {count}"));
        results.push(measure(args, rate, count, server).await?);
    }
    call(&server.target, Method::POST, "/simulation/stop").await?;
    Ok(results)
}

async fn measure(
    args: &Args,
    rate: u32,
    subscribers: usize,
    server: &Server,
) -> anyhow::Result<Measured> {
    let streams = Subscribers::open(&server.target, subscribers).await?;
    sleep(args.warm_up).await;
    let asker = Asker::start(&server.target)?;
    let (before, cpu) = (records(&server.target).await?, server.process.cpu()?);
    let started = Instant::now();
    streams.count(true);
    sleep(args.seconds).await;
    streams.count(false);
    let elapsed = started.elapsed().as_secs_f64();
    let (cpu, resident) = (
        server.process.cpu()?.saturating_sub(cpu),
        server.process.resident_bytes()?,
    );
    let produced = records(&server.target).await?.saturating_sub(before);
    let health = asker.stop()?;
    let watched = streams.close().await?;
    let seen = watched.seen;
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 events")]
    Ok(Measured {
        rate: (rate > 0).then_some(rate),
        subscribers,
        produced_per_second: produced as f64 / elapsed,
        delivered_per_second: seen.delivered as f64 / elapsed,
        missed_percent: seen.missed as f64 * 100.0 / (seen.delivered + seen.missed).max(1) as f64,
        astray: seen.astray,
        delay_p99_ms: watched.delays.value_at_quantile(0.99),
        health_p99_ms: health.value_at_quantile(0.99) as f64 / 1000.0,
        server_cpu_percent: cpu.as_secs_f64() * 100.0 / elapsed,
        server_resident_bytes: resident,
    })
}

/// Asks the server once. A kept connection could be closed by the server between two questions, which are far apart.
async fn call(target: &Target, method: Method, path: &str) -> anyhow::Result<Answer> {
    let request = target.request(method, path, None)?;
    let mut connection = Connection::open(target).await?;
    connection.send(request).await?.expect(StatusCode::OK)
}

/// Readings since the start.
async fn records(target: &Target) -> anyhow::Result<u64> {
    let answer = call(target, Method::GET, "/simulation/status").await?;
    let status: Value = serde_json::from_slice(&answer.body)?;
    let records = status["records"].as_u64();
    records.context("/simulation/status does not say how many records there are")
}

const HEADER: [&str; 10] = [
    "rate",
    "subscribers",
    "produced/s",
    "delivered/s",
    "missed %",
    "astray",
    "delay p99 ms",
    "/health p99 ms",
    "server CPU %",
    "server MiB",
];

impl Measured {
    fn cells(&self) -> Vec<String> {
        vec![
            self.rate
                .map_or_else(|| "full".to_owned(), |rate| format!("{rate}/s")),
            self.subscribers.to_string(),
            format!("{:.0}", self.produced_per_second),
            format!("{:.0}", self.delivered_per_second),
            format!("{:.1}", self.missed_percent),
            self.astray.to_string(),
            self.delay_p99_ms.to_string(),
            format!("{:.1}", self.health_p99_ms),
            format!("{:.0}", self.server_cpu_percent),
            (self.server_resident_bytes >> 20).to_string(),
        ]
    }
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    if args.json {
        show(&serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    let rows: Vec<_> = report.results.iter().map(Measured::cells).collect();
    let to = if report.kafka {
        "to Kafka and subscribers"
    } else {
        "to subscribers only"
    };
    show(&format!("{}, {to}", report.machine.describe()));
    show("");
    show(table::markdown(&HEADER, &rows).trim_end());
    Ok(())
}
