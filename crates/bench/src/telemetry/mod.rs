//! `hc-bench telemetry`

mod fleet;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use chrono::Utc;
use hc_kafka::{Admin, KafkaArgs, KafkaConfig, Producer, ProducerSettings, TopicSpec};
use serde::Serialize;
use tokio::signal::ctrl_c;

use crate::{
    cli::seconds,
    machine::Machine,
    process::Process,
    table,
    terminal::{show, tell},
};
use fleet::Fleet;

const USAGE: &str = "\
Readings of a fleet of devices, as hc-api writes them, to a topic of its own, which is deleted afterwards. A throw-away
Kafka for one run:

  target/release/hc-platform exec --servers kafka -- target/release/hc-bench telemetry";

/// Options of `hc-bench telemetry`.
#[derive(Debug, clap::Args)]
#[command(after_help = USAGE)]
pub struct Args {
    #[command(flatten)]
    kafka: KafkaArgs,
    /// Sizes of the fleet
    #[arg(long, value_delimiter = ',', default_value = "1000,100000",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    devices: Vec<u32>,
    /// Partitions of the topic
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=1000))]
    partitions: i32,
    /// Seconds of each measurement
    #[arg(long, default_value = "10", value_parser = seconds)]
    seconds: Duration,
    /// Seconds of load before each measurement
    #[arg(long, default_value = "2", value_parser = seconds)]
    warm_up: Duration,
    /// Records to encode, and to hand over to a client without a broker
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    alone: u32,
    /// Records that may be on their way
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    in_flight: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    results: Vec<Measured>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    devices: u32,
    /// Made and encoded, not sent.
    encoded_per_second: f64,
    /// Made, encoded and handed over to a client that cannot reach a broker.
    enqueued_per_second: f64,
    #[serde(flatten)]
    acknowledged: Acknowledged,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Acknowledged {
    acknowledged: u64,
    acknowledged_per_second: f64,
    /// User and system time of this process, microseconds.
    cpu_us_per_record: f64,
    /// Of this process, bytes.
    resident_bytes: u64,
}

const HEADER: [&str; 6] = [
    "devices",
    "encoded/s",
    "encoded and enqueued/s",
    "acknowledged/s",
    "CPU µs/record",
    "memory MiB",
];

/// Measures and prints.
///
/// # Errors
/// When Kafka cannot be reached, or does not take a record.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = args.kafka.config()?;
    let config = config.context(
        "set --kafka-bootstrap-servers (KAFKA_BOOTSTRAP_SERVERS); see --help for a throw-away Kafka",
    )?;
    let admin = Admin::new(&config)?;
    admin.ping(Duration::from_secs(10)).await?;
    let machine = Machine::now();
    let mut results = Vec::new();
    for &devices in &args.devices {
        let topic = format!("hc_bench_{}", Utc::now().timestamp_millis());
        let spec = TopicSpec::new(&topic, args.partitions);
        admin.create_topic(&spec).await?;
        let fleet = Fleet::new(devices, &topic)?;
        let outcome = tokio::select! {
            outcome = measure(args, &config, devices, &fleet) => outcome.map(Some),
            interrupted = ctrl_c() => interrupted.map(|()| None).context("waiting for Ctrl+C"),
        };
        let written = count(&admin, &topic).await;
        admin.delete_topic(&topic).await?;
        let Some((measured, acknowledged)) = outcome? else {
            return Ok(ExitCode::from(130));
        };
        let written = written?;
        ensure!(
            written == acknowledged,
            "the brokers have {written} records, but acknowledged {acknowledged}"
        );
        results.push(measured);
    }
    print(args, &Report { machine, results })?;
    Ok(ExitCode::SUCCESS)
}

/// Records in the topic.
async fn count(admin: &Admin, topic: &str) -> anyhow::Result<u64> {
    let partitions = admin.watermarks(topic).await?;
    let partitions = partitions.context("the topic is gone")?;
    let records: i64 = partitions.values().map(|of| of.high - of.low).sum();
    Ok(u64::try_from(records)?)
}

/// The figures, and how many records were acknowledged in all.
async fn measure(
    args: &Args,
    config: &KafkaConfig,
    devices: u32,
    fleet: &Fleet,
) -> anyhow::Result<(Measured, u64)> {
    tell(&format!("{devices} devices: encoding alone"));
    let encoded_per_second = encode(args, fleet)?;
    tell(&format!("{devices} devices: encoding and enqueuing alone"));
    // Once before: memory that the process has not touched yet is slow.
    enqueue(args, fleet).await?;
    let enqueued_per_second = enqueue(args, fleet).await?;
    tell(&format!("{devices} devices: sending to Kafka"));
    let (acknowledged, all) = send(args, config, fleet).await?;
    let measured = Measured {
        devices,
        encoded_per_second,
        enqueued_per_second,
        acknowledged,
    };
    Ok((measured, all))
}

fn encode(args: &Args, fleet: &Fleet) -> anyhow::Result<f64> {
    let started = Instant::now();
    for number in 0..u64::from(args.alone) {
        std::hint::black_box(fleet.record(number)?);
    }
    Ok(f64::from(args.alone) / started.elapsed().as_secs_f64())
}

/// No broker is behind port 1, so nothing leaves the queue.
async fn enqueue(args: &Args, fleet: &Fleet) -> anyhow::Result<f64> {
    let producer = producer(&KafkaConfig::plaintext("127.0.0.1:1"), args.alone)?;
    let started = Instant::now();
    for number in 0..u64::from(args.alone) {
        producer.send(fleet.record(number)?).await?;
    }
    Ok(f64::from(args.alone) / started.elapsed().as_secs_f64())
}

fn producer(config: &KafkaConfig, in_flight: u32) -> anyhow::Result<Producer> {
    let settings = ProducerSettings {
        client_id: "hc-bench".to_owned(),
        max_in_flight: usize::try_from(in_flight)?,
        max_in_flight_kib: 1024 * 1024,
        ..ProducerSettings::default()
    };
    Ok(Producer::new(config, &settings)?)
}

async fn send(
    args: &Args,
    config: &KafkaConfig,
    fleet: &Fleet,
) -> anyhow::Result<(Acknowledged, u64)> {
    /// Records between two looks at the clock.
    const BATCH: u64 = 1000;
    let me = Process::new(std::process::id())?;
    let producer = producer(config, args.in_flight)?;
    let mut number = 0;
    let mut load = async |time: Duration| {
        let started = Instant::now();
        while started.elapsed() < time {
            for _ in 0..BATCH {
                producer.send(fleet.record(number)?).await?;
                number += 1;
            }
        }
        anyhow::Ok(())
    };
    load(args.warm_up).await?;
    // A client needs a moment to meet its broker.
    while producer.stats().acknowledged + producer.stats().failed == 0 {
        load(args.warm_up).await?;
    }
    let (started, before, cpu) = (Instant::now(), producer.stats().acknowledged, me.cpu()?);
    load(args.seconds).await?;
    let (elapsed, after) = (started.elapsed(), producer.stats().acknowledged);
    let (cpu, resident_bytes) = (me.cpu()?.saturating_sub(cpu), me.resident_bytes()?);

    producer.flush(Duration::from_secs(60)).await?;
    let stats = producer.stats();
    ensure!(
        stats.failed == 0,
        "{} records were not taken by Kafka",
        stats.failed
    );
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 records")]
    let acknowledged = (after - before) as f64;
    let measured = Acknowledged {
        acknowledged: after - before,
        acknowledged_per_second: acknowledged / elapsed.as_secs_f64(),
        cpu_us_per_record: cpu.as_secs_f64() * 1e6 / acknowledged.max(1.0),
        resident_bytes,
    };
    Ok((measured, stats.acknowledged))
}

impl Measured {
    fn cells(&self) -> Vec<String> {
        vec![
            self.devices.to_string(),
            format!("{:.0}", self.encoded_per_second),
            format!("{:.0}", self.enqueued_per_second),
            format!("{:.0}", self.acknowledged.acknowledged_per_second),
            format!("{:.2}", self.acknowledged.cpu_us_per_record),
            format!("{}", self.acknowledged.resident_bytes >> 20),
        ]
    }
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    if args.json {
        show(&serde_json::to_string_pretty(report)?);
    } else {
        let rows: Vec<_> = report.results.iter().map(Measured::cells).collect();
        show(&report.machine.describe());
        show("");
        show(table::markdown(&HEADER, &rows).trim_end());
    }
    Ok(())
}
