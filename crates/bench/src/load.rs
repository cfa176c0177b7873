//! Load: connections that each send the next request when the last one is answered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use hyper::StatusCode;
use serde::Serialize;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    client::{Answer, Connection, Outgoing, Target},
    process::Process,
};

/// What one connection sends.
pub trait Traffic: Send + 'static {
    /// The next request.
    ///
    /// # Errors
    /// When none can be made.
    fn next(&mut self) -> anyhow::Result<Outgoing>;

    /// The status of a request that worked.
    fn expected(&self) -> StatusCode;

    /// Learns from the answer to the last request, if it had the expected status.
    fn answered(&mut self, _answer: &Answer) {}
}

/// How long a measurement takes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Load before it, whose requests do not count.
    pub warm_up: Duration,
    pub measure: Duration,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    pub connections: usize,
    pub requests: u64,
    pub requests_per_second: f64,
    /// Milliseconds from the first byte sent to the last byte received.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// User and system time of the server, milliseconds; absent when its process is not known.
    pub cpu_ms_per_request: Option<f64>,
    /// Answers with a status that was not expected, by status.
    pub unexpected: BTreeMap<u16, u64>,
    /// The first of them.
    pub unexpected_example: Option<String>,
}

/// Longer ones count as this long; it is beyond the deadline of a request.
const LONGEST_MICROS: u64 = 60_000_000;

const WARMING_UP: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// Runs one connection for each element of `traffic`, which is given back.
///
/// # Errors
/// When a connection cannot be opened, or breaks.
pub async fn run<T: Traffic>(
    target: &Target,
    traffic: Vec<T>,
    plan: Plan,
    server: Option<Process>,
) -> anyhow::Result<(Measurement, Vec<T>)> {
    let connections = traffic.len();
    let opened = try_join_all((0..connections).map(|_| Connection::open(target))).await?;
    let phase = Arc::new(AtomicU8::new(WARMING_UP));
    let mut senders = JoinSet::new();
    for (connection, traffic) in opened.into_iter().zip(traffic) {
        senders.spawn(send(connection, traffic, phase.clone()));
    }
    let cpu = || server.map(Process::cpu).transpose();

    sleep(plan.warm_up).await;
    let (started, cpu_before) = (Instant::now(), cpu()?);
    phase.store(MEASURING, Ordering::Relaxed);
    sleep(plan.measure).await;
    phase.store(OVER, Ordering::Relaxed);
    let (elapsed, cpu_after) = (started.elapsed(), cpu()?);

    let mut seen = Seen::new()?;
    let mut traffic = Vec::with_capacity(connections);
    while let Some(sender) = senders.join_next().await {
        let (one, its) = sender??;
        seen.add(one)?;
        traffic.push(its);
    }
    let cpu = cpu_before
        .zip(cpu_after)
        .map(|(before, after)| after.saturating_sub(before));
    Ok((seen.measurement(connections, elapsed, cpu), traffic))
}

async fn send<T: Traffic>(
    mut connection: Connection,
    mut traffic: T,
    phase: Arc<AtomicU8>,
) -> anyhow::Result<(Seen, T)> {
    let mut seen = Seen::new()?;
    loop {
        let request = traffic.next()?;
        let started = Instant::now();
        let answer = connection.send(request).await?;
        let took = started.elapsed();
        if answer.status == traffic.expected() {
            traffic.answered(&answer);
        } else {
            seen.unexpected(&answer);
        }
        match phase.load(Ordering::Relaxed) {
            WARMING_UP => {}
            MEASURING => seen.took(took),
            _ => return Ok((seen, traffic)),
        }
    }
}

/// Latencies and surprises of one connection or of all.
struct Seen {
    micros: Histogram<u64>,
    unexpected: BTreeMap<u16, u64>,
    example: Option<String>,
}

impl Seen {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            micros: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
                .context("making a histogram")?,
            unexpected: BTreeMap::new(),
            example: None,
        })
    }

    fn took(&mut self, time: Duration) {
        self.micros
            .saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    fn unexpected(&mut self, answer: &Answer) {
        *self.unexpected.entry(answer.status.as_u16()).or_default() += 1;
        self.example.get_or_insert_with(|| answer.summary());
    }

    fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.micros
            .add(other.micros)
            .context("joining histograms")?;
        for (status, count) in other.unexpected {
            *self.unexpected.entry(status).or_default() += count;
        }
        self.example = self.example.take().or(other.example);
        Ok(())
    }

    fn measurement(
        self,
        connections: usize,
        elapsed: Duration,
        cpu: Option<Duration>,
    ) -> Measurement {
        let requests = self.micros.len();
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 requests")]
        let (count, micros) = (requests as f64, |value: u64| value as f64 / 1000.0);
        Measurement {
            connections,
            requests,
            requests_per_second: count / elapsed.as_secs_f64(),
            p50_ms: micros(self.micros.value_at_quantile(0.5)),
            p99_ms: micros(self.micros.value_at_quantile(0.99)),
            max_ms: micros(self.micros.max()),
            cpu_ms_per_request: cpu
                .filter(|_| requests > 0)
                .map(|cpu| cpu.as_secs_f64() * 1000.0 / count),
            unexpected: self.unexpected,
            unexpected_example: self.example,
        }
    }
}

/// Sends every request once over some connections; the answers are in the order of the requests.
///
/// # Errors
/// When a connection breaks or an answer has another status.
pub async fn each(
    target: &Target,
    connections: usize,
    requests: &[Outgoing],
    expected: StatusCode,
) -> anyhow::Result<Vec<Answer>> {
    let next = AtomicUsize::new(0);
    let one = || async {
        let mut connection = Connection::open(target).await?;
        let mut answers = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(index) else {
                return anyhow::Ok(answers);
            };
            let answer = connection.send(request.clone()).await?.expect(expected);
            let told = || format!("{} {}", request.method(), request.uri());
            answers.push((index, answer.with_context(told)?));
        }
    };
    let connections = connections.min(requests.len());
    let mut answers: Vec<_> = try_join_all((0..connections).map(|_| one()))
        .await?
        .into_iter()
        .flatten()
        .collect();
    answers.sort_unstable_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_rate_and_cpu_come_from_all_connections() {
        let (mut all, mut other) = (Seen::new().unwrap(), Seen::new().unwrap());
        for millis in 1..=50 {
            all.took(Duration::from_millis(millis));
            other.took(Duration::from_millis(millis + 50));
        }
        let answer = Answer {
            status: StatusCode::CONFLICT,
            headers: Default::default(),
            body: "taken".into(),
        };
        other.unexpected(&answer);
        all.add(other).unwrap();
        let seen = all.measurement(2, Duration::from_secs(2), Some(Duration::from_millis(50)));
        assert_eq!((seen.requests, seen.requests_per_second), (100, 50.0));
        let rounded = [seen.p50_ms, seen.p99_ms, seen.max_ms].map(f64::round);
        assert_eq!(rounded, [50.0, 99.0, 100.0]);
        assert_eq!(seen.cpu_ms_per_request, Some(0.5));
        assert_eq!(seen.unexpected, BTreeMap::from([(409, 1)]));
        assert_eq!(seen.unexpected_example.unwrap(), "409 Conflict: taken");
    }

    #[test]
    fn nothing_measured_costs_nothing() {
        let seen = Seen::new().unwrap().measurement(
            1,
            Duration::from_secs(1),
            Some(Duration::from_millis(5)),
        );
        assert_eq!(
            (seen.requests, seen.p99_ms, seen.cpu_ms_per_request),
            (0, 0.0, None)
        );
    }
}
