//! From the broker's acknowledgement of a reading to its verdict on the event stream.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use chrono::Utc;
use hc_kafka::Producer;
use hdrhistogram::Histogram;
use http_body_util::BodyExt as _;
use hyper::{Method, StatusCode, body::Incoming};
use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::fleet::{Fleet, Identity};
use crate::client::{Connection, Target};

/// Every so many readings one is out of range.
const OUT_OF_RANGE: u64 = 5;
/// Readings are handed over in steps of this.
const STEP: Duration = Duration::from_millis(5);
/// Of the first verdict, and of the last ones.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest latency that is told apart, microseconds.
const LONGEST: u64 = 600_000_000;

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    pub(super) readings_per_second: f64,
    pub(super) verdicts: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

/// How fast and how long.
pub(super) struct Plan {
    pub(super) rate: u32,
    pub(super) warm_up: Duration,
    pub(super) measure: Duration,
}

/// Who waits for what.
struct Board {
    acknowledged: HashMap<Identity, Instant>,
    /// Verdicts that overtook the acknowledgement.
    judged: HashMap<Identity, Instant>,
    verdicts: u64,
    /// Event times that count.
    from: i64,
    until: i64,
    micros: Histogram<u64>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Board>>);

impl Shared {
    fn new() -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Board {
            acknowledged: HashMap::new(),
            judged: HashMap::new(),
            verdicts: 0,
            from: i64::MAX,
            until: i64::MAX,
            micros: Histogram::new_with_bounds(1, LONGEST, 3).context("making a histogram")?,
        }))))
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acknowledged(&self, reading: Identity) {
        let now = Instant::now();
        let mut board = self.lock();
        match board.judged.remove(&reading) {
            Some(judged) => board.record(reading.2, judged.saturating_duration_since(now)),
            None => {
                board.acknowledged.insert(reading, now);
            }
        }
    }

    fn judged(&self, reading: Identity) {
        let now = Instant::now();
        let mut board = self.lock();
        board.verdicts += 1;
        match board.acknowledged.remove(&reading) {
            Some(at) => board.record(reading.2, now.saturating_duration_since(at)),
            None => {
                board.judged.insert(reading, now);
            }
        }
    }

    /// Readings that count and have no verdict yet.
    fn open(&self) -> usize {
        let board = self.lock();
        let counts = |ts: i64| (board.from..board.until).contains(&ts);
        board
            .acknowledged
            .keys()
            .filter(|one| counts(one.2))
            .count()
    }
}

impl Board {
    fn record(&mut self, ts: i64, took: Duration) {
        if (self.from..self.until).contains(&ts) {
            let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
            self.micros.saturating_record(micros.max(1));
        }
    }
}

/// Sends readings at a rate and follows the verdicts.
pub(super) async fn measure(
    plan: &Plan,
    fleet: Arc<Fleet>,
    producer: &Producer,
    api: &Target,
) -> anyhow::Result<Latency> {
    let board = Shared::new()?;
    let mut follower = follow(api, board.clone()).await?;
    let mut sender = tokio::spawn(send(plan.rate, fleet, producer.clone(), board.clone()));
    let work = async {
        timeout(PATIENCE, async {
            while board.lock().verdicts == 0 {
                sleep(STEP).await;
            }
        })
        .await
        .context("no reading was judged")?;
        sleep(plan.warm_up).await;
        let started = Instant::now();
        let sent = producer.stats().taken;
        board.lock().from = Utc::now().timestamp_millis();
        sleep(plan.measure).await;
        board.lock().until = Utc::now().timestamp_millis();
        let (elapsed, sent) = (started.elapsed(), producer.stats().taken - sent);
        anyhow::Ok((elapsed, sent))
    };
    let (elapsed, sent) = tokio::select! {
        done = work => done?,
        ended = &mut sender => bail!("sending ended: {:?}", ended?.err()),
        ended = &mut follower => bail!("the event stream ended: {:?}", ended?.err()),
    };
    // The last ones are on their way.
    let last = timeout(PATIENCE, async {
        while board.open() > 0 {
            sleep(STEP).await;
        }
    });
    let missing = last.await.is_err().then(|| board.open());
    sender.abort();
    follower.abort();
    ensure!(
        missing.is_none(),
        "{} readings have no verdict after {} s",
        missing.unwrap_or_default(),
        PATIENCE.as_secs()
    );
    let micros = board.lock().micros.clone();
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 readings")]
    let (sent, millis) = (sent as f64, |micros: u64| micros as f64 / 1000.0);
    Ok(Latency {
        readings_per_second: sent / elapsed.as_secs_f64(),
        verdicts: micros.len(),
        p50_ms: millis(micros.value_at_quantile(0.5)),
        p99_ms: millis(micros.value_at_quantile(0.99)),
        max_ms: millis(micros.max()),
    })
}

async fn send(
    rate: u32,
    fleet: Arc<Fleet>,
    producer: Producer,
    board: Shared,
) -> anyhow::Result<()> {
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (started, mut number) = (Instant::now(), 0_u64);
    loop {
        ticks.tick().await;
        let due = started.elapsed().as_micros() * u128::from(rate) / 1_000_000;
        while u128::from(number) < due {
            let is_out = number.is_multiple_of(OUT_OF_RANGE);
            let ts = Utc::now().timestamp_millis();
            let (reading, record) = fleet.reading(number, ts, is_out)?;
            number += 1;
            if is_out {
                let (producer, board) = (producer.clone(), board.clone());
                tokio::spawn(async move {
                    // One that fails has no verdict, which is noticed.
                    if producer.deliver(record).await.is_ok() {
                        board.acknowledged(reading);
                    }
                });
            } else {
                producer.send(record).await?;
            }
        }
    }
}

/// Data of the event `drift`, as far as it says which reading is judged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    device_id: String,
    metric_name: String,
    ts: i64,
}

async fn follow(api: &Target, board: Shared) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let mut connection = Connection::open(api).await?;
    let request = api.request(Method::GET, "/drift/stream", None)?;
    let (status, body) = connection.stream(request).await?;
    ensure!(status == StatusCode::OK, "/drift/stream answered {status}");
    Ok(tokio::spawn(async move {
        let _open = connection;
        read(body, &board).await
    }))
}

async fn read(mut body: Incoming, board: &Shared) -> anyhow::Result<()> {
    let (mut text, mut is_drift) = (Vec::new(), false);
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.context("the stream broke")?.into_data() else {
            continue;
        };
        text.extend_from_slice(&bytes);
        let mut rest = text.as_slice();
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, more) = rest.split_at(end);
            if let Some(event) = line.strip_prefix(b"event: ") {
                ensure!(
                    event != b"missed",
                    "the stream left events out: its reader is too slow"
                );
                is_drift = event == b"drift";
            } else if let Some(data) = line.strip_prefix(b"data: ")
                && is_drift
            {
                let judged: Judged = serde_json::from_slice(data)?;
                board.judged((judged.device_id, judged.metric_name, judged.ts));
            }
            rest = &more[1..];
        }
        let left = rest.len();
        text.drain(..text.len() - left);
    }
    bail!("the server ended the stream")
}
