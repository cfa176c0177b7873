//! Subscribers, and somebody who asks for `/health` meanwhile.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use chrono::Utc;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hdrhistogram::Histogram;
use http_body_util::BodyExt as _;
use hyper::{Method, StatusCode, body::Incoming};
use tokio::{task::JoinSet, time::sleep};

use super::frames::{Frames, Seen};
use crate::client::{Connection, Target};

/// Time between two requests for `/health`.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// Streams that are opened at the same time.
const OPENING: usize = 16;
/// Longest delay that is told apart, milliseconds.
const LONGEST: u64 = 600_000;

/// What subscribers saw while it counted.
pub(super) struct Watched {
    pub(super) seen: Seen,
    /// Milliseconds from the reading's time to its arrival; that of the oldest reading of a chunk counts for all of it.
    pub(super) delays: Histogram<u64>,
}

impl Watched {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            seen: Seen::default(),
            delays: histogram(LONGEST)?,
        })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.seen.delivered += other.seen.delivered;
        self.seen.missed += other.seen.missed;
        self.seen.astray += other.seen.astray;
        self.delays.add(&other.delays).context("joining histograms")
    }
}

fn histogram(highest: u64) -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, highest, 3).context("making a histogram")
}

/// Open streams.
pub(super) struct Subscribers {
    tasks: JoinSet<anyhow::Result<Watched>>,
    counting: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Subscribers {
    pub(super) async fn open(target: &Target, count: usize) -> anyhow::Result<Self> {
        let (counting, over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let one = async || {
            let mut connection = Connection::open(target).await?;
            let request = target.request(Method::GET, "/telemetry/stream", None)?;
            let (status, body) = connection.stream(request).await?;
            ensure!(
                status == StatusCode::OK,
                "the server answered {status} to a subscriber"
            );
            Ok((connection, body))
        };
        let mut tasks = JoinSet::new();
        let mut opened = pin!(
            stream::iter(0..count)
                .map(|_| one())
                .buffer_unordered(OPENING)
        );
        while let Some((connection, body)) = opened.try_next().await? {
            tasks.spawn(read(connection, body, counting.clone(), over.clone()));
        }
        Ok(Self {
            tasks,
            counting,
            over,
        })
    }

    pub(super) fn count(&self, counting: bool) {
        self.counting.store(counting, Ordering::Relaxed);
    }

    /// Closes the streams; each ends when it has read what comes next.
    pub(super) async fn close(mut self) -> anyhow::Result<Watched> {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Watched::new()?;
        while let Some(one) = self.tasks.join_next().await {
            all.add(&one??)?;
        }
        Ok(all)
    }
}

async fn read(
    _connection: Connection,
    mut body: Incoming,
    counting: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
) -> anyhow::Result<Watched> {
    let (mut frames, mut watched) = (Frames::default(), Watched::new()?);
    while !over.load(Ordering::Relaxed) {
        let frame = body.frame().await.context("the server ended a stream")?;
        let Ok(bytes) = frame.context("a stream broke")?.into_data() else {
            continue;
        };
        let before = frames.seen;
        let oldest = frames.take(&bytes);
        if counting.load(Ordering::Relaxed) {
            let seen = frames.seen;
            watched.seen.delivered += seen.delivered - before.delivered;
            watched.seen.missed += seen.missed - before.missed;
            watched.seen.astray += seen.astray - before.astray;
            if let Some((ts, count)) = oldest {
                let delay = u64::try_from(Utc::now().timestamp_millis() - ts).unwrap_or(0);
                watched.delays.saturating_record_n(delay, count);
            }
        }
    }
    Ok(watched)
}

/// Asks for `/health` from a thread of its own, so that its figures do not contain the work of the subscribers.
pub(super) struct Asker {
    thread: thread::JoinHandle<anyhow::Result<Histogram<u64>>>,
    over: Arc<AtomicBool>,
}

impl Asker {
    pub(super) fn start(target: &Target) -> anyhow::Result<Self> {
        let over = Arc::<AtomicBool>::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let work = ask(target.clone(), over.clone());
        let thread = thread::Builder::new().spawn(move || runtime.block_on(work))?;
        Ok(Self { thread, over })
    }

    /// Microseconds that answers took.
    pub(super) fn stop(self) -> anyhow::Result<Histogram<u64>> {
        self.over.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_panic| anyhow::anyhow!("asking for /health panicked"))?
    }
}

async fn ask(target: Target, over: Arc<AtomicBool>) -> anyhow::Result<Histogram<u64>> {
    let mut micros = histogram(60_000_000)?;
    let mut connection = Connection::open(&target).await?;
    while !over.load(Ordering::Relaxed) {
        let request = target.request(Method::GET, "/health", None)?;
        let started = Instant::now();
        connection.send(request).await?.expect(StatusCode::OK)?;
        micros.saturating_record(u64::try_from(started.elapsed().as_micros())?);
        sleep(ASK_EVERY).await;
    }
    Ok(micros)
}
