//! Round by round: what the devices report, on its way to Kafka and to the screen.

use std::{
    collections::{BTreeSet, VecDeque},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hc_domain::{DeviceId, Metric, Reading};
use tokio::time::{Instant, sleep_until};

use super::{
    engine::Engine,
    sink::Sink,
    tail::{self, Lacking},
};
use crate::store;

/// Readings that are due within this time are sent together.
const TICK: Duration = Duration::from_millis(20);
/// Wait after a failure, or while nobody wears a device.
const PAUSE: Duration = Duration::from_secs(1);
/// Readings that are not acknowledged for so long are a failure to show, though they are not given up.
const STALLED: Duration = Duration::from_secs(5);

/// The devices of the current round.
pub(super) type Participants = BTreeSet<DeviceId>;

type Answers = Vec<anyhow::Result<()>>;

/// Readings that Kafka has not acknowledged yet.
pub(super) struct UnderWay {
    batch: Vec<Arc<Reading>>,
    delivery: Pin<Box<dyn Future<Output = Answers> + Send>>,
    /// When to say that it takes long; not said twice.
    stalls_at: Option<Instant>,
}

/// What becomes of readings that are under way.
pub(super) enum Event {
    Delivered(Vec<Arc<Reading>>, Answers),
    Stalled,
}

impl UnderWay {
    fn new(sink: Arc<Sink>, batch: Vec<Arc<Reading>>) -> Self {
        let readings = batch.clone();
        Self {
            batch,
            delivery: Box::pin(async move { sink.deliver(&readings).await }),
            stalls_at: Some(Instant::now() + STALLED),
        }
    }

    /// Waits for the next event; for ever when nothing is under way.
    pub(super) async fn next(this: &mut Option<Self>) -> Event {
        let Some(under_way) = this else {
            return std::future::pending().await;
        };
        let stalled = async {
            match under_way.stalls_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            answers = &mut under_way.delivery => {
                let batch = std::mem::take(&mut under_way.batch);
                *this = None;
                Event::Delivered(batch, answers)
            }
            () = stalled => {
                under_way.stalls_at = None;
                Event::Stalled
            }
        }
    }

    pub(super) async fn finish(self) -> Answers {
        self.delivery.await
    }
}

impl Engine {
    /// Sends what is due.
    pub(super) async fn step(&mut self) {
        if self.is_in_doubt && !self.clear_up().await {
            self.due = Instant::now() + PAUSE;
            return;
        }
        if self.round.is_empty() {
            self.begin_round().await;
        }
        if self.round.is_empty() {
            return;
        }
        let count = if self.is_stopping() {
            self.round.len()
        } else {
            // What a slow answer of Kafka held up is sent with what is due now.
            let late = self.due.elapsed().max(TICK).as_secs_f64();
            let wanted = (self.parts.settings.records_per_second * late) as usize;
            wanted.clamp(1, self.round.len())
        };
        let batch: Vec<_> = self.round.drain(..count).collect();
        // A long interruption is not made up for by a burst.
        self.due = (self.due + self.duration(count)).max(Instant::now() - PAUSE);
        match &self.sink {
            Some(sink) => self.under_way = Some(UnderWay::new(sink.clone(), batch)),
            None => {
                let answers = batch.iter().map(|_| Ok(())).collect();
                self.delivered(batch, answers);
            }
        }
    }

    pub(super) async fn progress(&mut self, event: Event) {
        match event {
            Event::Delivered(batch, answers) => self.delivered(batch, answers),
            Event::Stalled => self.failed(format!(
                "Kafka has not acknowledged readings for {} s; they wait",
                STALLED.as_secs()
            )),
        }
    }

    /// Devices and settings may have changed since the last round.
    async fn begin_round(&mut self) {
        if let Err(error) = self.fleet.refresh(&self.parts.records).await {
            self.failed(format!("the devices could not be read: {error}"));
        }
        let now = self.parts.clock.now_millis();
        let one_shots = self.defects.one_shot_devices();
        let devices: Vec<_> = self
            .fleet
            .reporting(self.scope.as_ref(), &one_shots)
            .cloned()
            .collect();
        self.participants = devices.iter().map(|one| one.device_id.clone()).collect();
        for gone in one_shots.difference(&self.participants) {
            self.defects.cancel_one_shots(gone, now);
        }
        if devices.is_empty() {
            self.due = Instant::now() + PAUSE;
            return;
        }
        let ts = self.story.advance(now);
        self.store_time().await;
        for device in &devices {
            let defects = self.defects.begin_round(&device.device_id, ts);
            let readings = self.parts.settings.simulator.readings(device, ts, &defects);
            let passed = self.bag.pass(&device.device_id, readings, &defects);
            self.round.extend(passed.into_iter().map(Arc::new));
        }
        let period = self.round_duration(devices.len());
        let speed = self.story.speed(now, period);
        let is_running = self.scope.is_some();
        self.status.send_modify(|status| {
            status.story_time = ts;
            status.speed = if is_running { speed } else { 0.0 };
        });
        if self.round.is_empty() {
            // All of them are silent, or late.
            self.due = (self.due + period).max(Instant::now() - PAUSE);
            self.end_round();
        }
    }

    fn end_round(&mut self) {
        let participants = std::mem::take(&mut self.participants);
        let now = self.parts.clock.now_millis();
        self.defects.end_round(&participants, now);
    }

    /// What Kafka has taken goes to the screen, and the rest back to the round.
    fn delivered(&mut self, batch: Vec<Arc<Reading>>, answers: Answers) {
        let mut sent = 0;
        let mut refused = Vec::new();
        let mut reason = None;
        for (reading, answer) in batch.into_iter().zip(answers) {
            match answer {
                Ok(()) => {
                    self.parts.feed.publish(reading);
                    sent += 1;
                }
                Err(error) => {
                    reason.get_or_insert(format!("{error:#}"));
                    refused.push(reading);
                }
            }
        }
        self.status.send_modify(|status| {
            status.records += sent;
            if reason.is_none() {
                status.last_error = None;
            }
        });
        if let Some(reason) = reason {
            self.failed(reason);
            self.is_in_doubt = true;
            self.due = Instant::now() + PAUSE;
        }
        for reading in refused.into_iter().rev() {
            self.round.push_front(reading);
        }
        if self.round.is_empty() {
            self.end_round();
        }
    }

    /// The client has failed for good, which says nothing about what the brokers have: asks the topic, keeps what it
    /// lacks, and goes on with a new client. Whether that worked.
    async fn clear_up(&mut self) -> bool {
        let Some(kafka) = self.parts.kafka.clone() else {
            return true;
        };
        let made = async {
            kafka.producer.renew()?;
            let sink = Sink::new(kafka.clone()).await?;
            let tail = tail::read(&kafka, self.fleet.all().len()).await?;
            anyhow::Ok((sink, tail))
        };
        let (sink, tail) = match made.await {
            Ok(made) => made,
            Err(error) => {
                self.failed(format!("{error:#}"));
                return false;
            }
        };
        self.sink = Some(Arc::new(sink));
        self.is_in_doubt = false;
        let (arrived, lacking): (Vec<_>, Vec<_>) = self
            .round
            .drain(..)
            .partition(|reading| tail.holds(reading));
        self.round = lacking.into();
        let answers = arrived.iter().map(|_| Ok(())).collect();
        self.delivered(arrived, answers);
        true
    }

    /// The readings that a crash has cut off the last rounds.
    pub(super) fn complete(&self, lacking: &Lacking) -> VecDeque<Arc<Reading>> {
        let mut readings = VecDeque::new();
        for (&ts, missing) in lacking {
            let is_missing =
                |device: &DeviceId, metric: Metric| missing.contains(&(device.clone(), metric));
            for device in self.fleet.all() {
                let round = self.parts.settings.simulator.readings(device, ts, &[]);
                let rest = round
                    .into_iter()
                    .filter(|reading| is_missing(&reading.device_id, reading.metric));
                readings.extend(rest.map(Arc::new));
            }
        }
        if !readings.is_empty() {
            tracing::info!(
                readings = readings.len(),
                "completing the rounds that were cut short"
            );
        }
        readings
    }

    /// Remembers where the story stands, before anybody sees it.
    async fn store_time(&mut self) {
        let Some(pool) = self.parts.records.pool() else {
            return;
        };
        let time = self.story.time();
        let store = async {
            let mut db = pool.acquire().await?;
            store::story_clock::advance(&mut db, time).await?;
            db.release();
            Ok::<_, sqlx::Error>(())
        };
        if let Err(error) = store.await {
            self.failed(format!("the story time could not be stored: {error}"));
        }
    }

    /// Counts and shows a failure that is tried again.
    fn failed(&self, reason: String) {
        tracing::warn!(reason, "simulation");
        self.status.send_modify(|status| {
            status.errors += 1;
            status.last_error = Some(reason);
        });
    }

    fn duration(&self, readings: usize) -> Duration {
        Duration::from_secs_f64(readings as f64 / self.parts.settings.records_per_second)
    }

    pub(super) fn round_duration(&self, devices: usize) -> Duration {
        self.duration(devices * Metric::ALL.len())
    }
}
