//! `hc-bench pipeline`

mod fleet;
mod latency;
mod memory;
mod product;
mod sustained;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use hc_kafka::{Admin, KafkaArgs, Producer, ProducerSettings, Registry, RegistryArgs};
use hyper::Method;
use serde::Serialize;
use tokio::{
    signal::ctrl_c,
    time::{Instant, sleep},
};

use crate::{
    cli::seconds,
    machine::Machine,
    table,
    terminal::{show, tell},
};
use fleet::Fleet;
use latency::{Latency, Plan};
use product::{Product, call};
use sustained::Sustained;

const USAGE: &str = "\
It brings the product up on throw-away servers and sends readings itself:

  target/release/hc-platform exec -- target/release/hc-bench pipeline

Cases:
  drift      how long after Kafka's acknowledgement a verdict is on the event stream, with the source and drift jobs alone
  all        the same with every statement of pipelines/, and the memory of all servers
  sustained  readings per second of the drift job with a full state. Takes --window and --steady, and the time to write
             the backlog; the backlog must be larger than what is read in that time";

/// The statement that judges, with those that it reads.
const DRIFT_JOBS: &str = "hc_fct_drift_evts";
/// What the connector delivers last of the tables' snapshot.
const CAPTURED: &str = "healthcare.public.prescriptions-value";
const CAPTURE_LIMIT: Duration = Duration::from_secs(90);

/// Options of `hc-bench pipeline`.
#[derive(Debug, clap::Args)]
#[command(after_help = USAGE)]
pub struct Args {
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// What to measure
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "drift,all,sustained"
    )]
    cases: Vec<Case>,
    /// Devices, each with a prescription of three metrics
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    devices: u32,
    /// Readings per second of the case drift
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Readings per second of the case all
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate_all: u32,
    /// Seconds of each measurement of latency
    #[arg(long, default_value = "30", value_parser = seconds)]
    seconds: Duration,
    /// Seconds of readings before each measurement of latency
    #[arg(long, default_value = "20", value_parser = seconds)]
    warm_up: Duration,
    /// Seconds for which a reading can be judged again: after that time the state is full
    #[arg(long, default_value = "600", value_parser = seconds)]
    window: Duration,
    /// Seconds of the measurement with a full state
    #[arg(long, default_value = "120", value_parser = seconds)]
    steady: Duration,
    /// Readings that are written before the measurement of the case sustained
    #[arg(long, default_value_t = 45_000_000)]
    backlog: u64,
    /// The repository with pipelines/ and connect/
    #[arg(long, default_value = ".")]
    repository: PathBuf,
    /// Another engine tuning than platform/flink/statements.toml
    #[arg(long)]
    tuning: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    Drift,
    All,
    Sustained,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    machine: Machine,
    devices: u32,
    window_seconds: u64,
    latency: Vec<Measured>,
    /// Resident bytes with every statement running, by program.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    memory: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sustained: Option<Sustained>,
}

#[derive(Debug, Serialize)]
struct Measured {
    jobs: &'static str,
    #[serde(flatten)]
    latency: Latency,
}

/// Measures and prints.
///
/// # Errors
/// When the product does not start, or a reading is not judged.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let outcome = tokio::select! {
        outcome = measure(args) => outcome.map(Some),
        interrupted = ctrl_c() => interrupted.map(|()| None).context("waiting for Ctrl+C"),
    };
    let Some(report) = outcome? else {
        return Ok(ExitCode::from(130));
    };
    print(args, &report)?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &Args) -> anyhow::Result<Report> {
    let config = args.kafka.config()?;
    let config = config.context("KAFKA_BOOTSTRAP_SERVERS is not set; see --help")?;
    let registry = args.registry.config()?;
    let registry = registry.context("SCHEMA_REGISTRY_URL is not set; see --help")?;
    let registry = Registry::new(&registry)?;
    let machine = Machine::now();
    tell("starting the product");
    let product = Product::start(args).await?;
    captured(&registry).await?;
    let listed = call(
        &product.api.target,
        Method::GET,
        "/prescriptions?limit=1000",
    )
    .await?;
    let fleet = Arc::new(Fleet::new(&listed.body, &registry).await?);
    let settings = ProducerSettings {
        client_id: "hc-bench".to_owned(),
        max_in_flight: 100_000,
        ..ProducerSettings::default()
    };
    let producer = Producer::new(&config, &settings)?;

    let mut report = Report {
        machine,
        devices: args.devices,
        window_seconds: args.window.as_secs(),
        latency: Vec::new(),
        memory: BTreeMap::new(),
        sustained: None,
    };
    let cases: [(Case, &str, &[&str], u32); 2] = [
        (Case::Drift, "source and drift", &[DRIFT_JOBS], args.rate),
        (Case::All, "all", &[], args.rate_all),
    ];
    for (case, jobs, tables, rate) in cases {
        if !args.cases.contains(&case) {
            continue;
        }
        tell(&format!("{jobs} jobs, {rate} readings/s"));
        product.deploy(tables).await?;
        let plan = Plan {
            rate,
            warm_up: args.warm_up,
            measure: args.seconds,
        };
        let measured = latency::measure(&plan, fleet.clone(), &producer, &product.api.target);
        let measured = measured.await.with_context(|| format!("{jobs} jobs"))?;
        report.latency.push(Measured {
            jobs,
            latency: measured,
        });
        if case == Case::All {
            report.memory = memory::by_kind();
        }
    }
    if args.cases.contains(&Case::Sustained) {
        let admin = Admin::new(&config)?;
        let measured = sustained::measure(args, &product, &fleet, &producer, &admin);
        report.sustained = Some(measured.await?);
    }
    product.api.stop().await?;
    Ok(report)
}

/// Waits until the connector has delivered the prescriptions.
async fn captured(registry: &Registry) -> anyhow::Result<()> {
    let deadline = Instant::now() + CAPTURE_LIMIT;
    while registry.latest(CAPTURED).await?.is_none() {
        ensure!(Instant::now() < deadline, "the connector delivers nothing");
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    if args.json {
        show(&serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    show(&format!(
        "{}, {} devices",
        report.machine.describe(),
        report.devices
    ));
    if !report.latency.is_empty() {
        let header = [
            "jobs",
            "readings/s",
            "verdicts",
            "p50 ms",
            "p99 ms",
            "max ms",
        ];
        let rows: Vec<_> = report.latency.iter().map(Measured::cells).collect();
        show("");
        show(table::markdown(&header, &rows).trim_end());
    }
    if !report.memory.is_empty() {
        let rows: Vec<_> = report
            .memory
            .iter()
            .map(|(name, bytes)| vec![(*name).to_owned(), (bytes >> 20).to_string()])
            .collect();
        show("");
        show(table::markdown(&["with all jobs", "MiB"], &rows).trim_end());
    }
    if let Some(sustained) = &report.sustained {
        let header = [
            "window s",
            "filling/s",
            "readings/s",
            "slowest 10 s, /s",
            "state MiB",
            "TaskManager cores",
        ];
        show("");
        show(table::markdown(&header, &[sustained.cells(report.window_seconds)]).trim_end());
    }
    Ok(())
}

impl Measured {
    fn cells(&self) -> Vec<String> {
        let latency = &self.latency;
        vec![
            self.jobs.to_owned(),
            format!("{:.0}", latency.readings_per_second),
            latency.verdicts.to_string(),
            format!("{:.1}", latency.p50_ms),
            format!("{:.1}", latency.p99_ms),
            format!("{:.1}", latency.max_ms),
        ]
    }
}

impl Sustained {
    fn cells(&self, window: u64) -> Vec<String> {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let mib = self.state_bytes.map(|bytes| (bytes >> 20).to_string());
        let cores = self.task_manager_cores.map(|cores| format!("{cores:.1}"));
        vec![
            window.to_string(),
            format!("{:.0}", self.filling_per_second),
            format!("{:.0}", self.readings_per_second),
            format!("{:.0}", self.slowest_per_second),
            or_none(mib),
            or_none(cores),
        ]
    }
}
