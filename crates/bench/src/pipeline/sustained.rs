//! Readings per second that the drift job takes for as long as one likes: of a prepared backlog, once its state is as large
//! as it gets.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::Utc;
use hc_contracts::topics::{DRIFT, RAW_METRICS};
use hc_kafka::{Admin, Producer, TopicSpec};
use hyper::Method;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    Args, DRIFT_JOBS,
    fleet::Fleet,
    memory,
    product::{Product, call},
};
use crate::terminal::tell;

/// One reading of so many is out of range, so that the work is in the judging and not in the verdicts; their number tells
/// how far the job has come.
const OUT_OF_RANGE: u64 = 100;
const LOOK: Duration = Duration::from_millis(500);
/// Time between two lines of progress.
const TOLD: Duration = Duration::from_secs(30);
const START_LIMIT: Duration = Duration::from_secs(120);

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sustained {
    /// Until the state had filled.
    pub(super) filling_per_second: f64,
    /// After that.
    pub(super) readings_per_second: f64,
    /// The slowest ten seconds after that.
    pub(super) slowest_per_second: f64,
    /// Of the last checkpoint.
    pub(super) state_bytes: Option<u64>,
    pub(super) task_manager_cores: Option<f64>,
}

/// Prepares a backlog and lets the drift job work on it.
pub(super) async fn measure(
    args: &Args,
    product: &Product,
    fleet: &Fleet,
    producer: &Producer,
    admin: &Admin,
) -> anyhow::Result<Sustained> {
    product.cancel_all_but(&["src-hc-prescriptions"]).await?;
    let unlimited = TopicSpec::new(RAW_METRICS, partitions(admin, RAW_METRICS).await?)
        .config("retention.bytes", "-1");
    admin.apply(&[unlimited]).await?;
    tell(&format!("writing {} readings", args.backlog));
    let start = Utc::now().timestamp_millis();
    for number in 0..args.backlog {
        let ts = start + i64::try_from(number / fleet.len())?;
        // Another metric each time, also when their number is a multiple of this.
        let is_out = (number + number / fleet.len()).is_multiple_of(OUT_OF_RANGE);
        let (_, record) = fleet.reading(number, ts, is_out)?;
        producer.send(record).await?;
    }
    producer.flush(Duration::from_secs(60)).await?;

    let written = verdicts(admin).await?;
    product.deploy(&[DRIFT_JOBS]).await?;
    let deployed = Instant::now();
    while verdicts(admin).await? == written {
        ensure!(deployed.elapsed() < START_LIMIT, "no verdict comes");
        sleep(LOOK).await;
    }
    follow(args, product, admin).await
}

async fn follow(args: &Args, product: &Product, admin: &Admin) -> anyhow::Result<Sustained> {
    let begun = (Instant::now(), verdicts(admin).await?);
    let mut told = begun;
    let mut filled = None;
    let mut slowest = f64::INFINITY;
    let mut looks = vec![begun];
    let cpu = || memory::process("TaskManager").and_then(|process| process.cpu().ok());
    let mut cpu_before = None;
    loop {
        sleep(LOOK).await;
        let now = (Instant::now(), verdicts(admin).await?);
        let age = now.0 - begun.0;
        ensure!(
            looks.last().is_none_or(|last| last.1 < now.1) || !is_over(args, begun.1, now.1),
            "the backlog of {} readings was over after {} s, too soon to measure: raise --backlog",
            args.backlog,
            age.as_secs()
        );
        if now.0 - told.0 >= TOLD {
            tell(&format!(
                "{} s: {:.0} readings/s",
                age.as_secs(),
                rate(told, now)
            ));
            told = now;
        }
        if age >= args.window && filled.is_none() {
            filled = Some(now);
            cpu_before = cpu();
            looks.clear();
        }
        looks.push(now);
        let ten = looks
            .iter()
            .rfind(|look| now.0 - look.0 >= Duration::from_secs(10));
        if let (Some(_), Some(ten)) = (filled, ten) {
            slowest = slowest.min(rate(*ten, now));
        }
        if let Some(filled) = filled
            && now.0 - filled.0 >= args.steady
        {
            let used = cpu().zip(cpu_before).map(|(after, before)| after - before);
            return Ok(Sustained {
                filling_per_second: rate(begun, filled),
                readings_per_second: rate(filled, now),
                slowest_per_second: slowest.min(rate(filled, now)),
                state_bytes: state_bytes(product).await?,
                task_manager_cores: used
                    .map(|used| used.as_secs_f64() / (now.0 - filled.0).as_secs_f64()),
            });
        }
    }
}

/// Whether this many verdicts are those of the whole backlog, but for a thousandth.
fn is_over(args: &Args, before: u64, now: u64) -> bool {
    (now - before) * OUT_OF_RANGE >= args.backlog - args.backlog / 1000 - OUT_OF_RANGE
}

/// Readings per second between two looks at the number of verdicts.
fn rate(from: (Instant, u64), to: (Instant, u64)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 readings")]
    let readings = ((to.1 - from.1) * OUT_OF_RANGE) as f64;
    readings / (to.0 - from.0).as_secs_f64()
}

async fn partitions(admin: &Admin, topic: &str) -> anyhow::Result<i32> {
    let topic = admin.topic(topic).await?.context("the topic is gone")?;
    Ok(topic.partitions)
}

/// Verdicts ever written.
async fn verdicts(admin: &Admin) -> anyhow::Result<u64> {
    let marks = admin.watermarks(DRIFT).await?;
    let ends = marks.into_iter().flatten().map(|(_, marks)| marks.high);
    Ok(u64::try_from(ends.sum::<i64>())?)
}

/// Size of the last checkpoint of the drift job.
async fn state_bytes(product: &Product) -> anyhow::Result<Option<u64>> {
    let json = async |path: &str| -> anyhow::Result<serde_json::Value> {
        let answer = call(&product.flink, Method::GET, path).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    };
    let overview = json("/jobs/overview").await?;
    let mut jobs = overview["jobs"].as_array().into_iter().flatten();
    let drift = jobs.find(|job| {
        let name = job["name"].as_str().unwrap_or_default();
        job["state"] == "RUNNING" && name.ends_with("hc-fct-drift-evts")
    });
    let Some(id) = drift.and_then(|job| job["jid"].as_str()) else {
        return Ok(None);
    };
    let checkpoints = json(&format!("/jobs/{id}/checkpoints")).await?;
    Ok(checkpoints["latest"]["completed"]["state_size"].as_u64())
}
