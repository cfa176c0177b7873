//! The task that owns the simulation.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use hc_domain::{Device, EpochMillis, PatientId, Reading};
use hc_simulator::StoryClock;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    handle::{Command, Scope, SimulationHandle, StartError, Status},
    settings::Settings,
    sink::Sink,
    tail,
};
use crate::{
    clock::Clock, kafka::Kafka, readiness::KafkaState, state::Records, store, stream::TelemetryFeed,
};

/// Readings that are due within this time are sent together.
const TICK: Duration = Duration::from_millis(20);
/// Wait after a failure, or while nobody wears a device.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest time until a client learns whether the simulation has started.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Longest time until a start fails because no broker answers.
const PING_LIMIT: Duration = Duration::from_secs(3);

/// What the task is made of.
#[derive(Debug)]
pub struct Parts {
    pub settings: Settings,
    pub clock: Clock,
    pub records: Records,
    pub feed: Arc<TelemetryFeed>,
    pub kafka: Option<Kafka>,
    pub kafka_state: watch::Receiver<KafkaState>,
}

/// Owns the story, the devices and the way to Kafka. Nothing else writes readings.
pub struct Engine {
    parts: Parts,
    story: StoryClock,
    /// Made with each start, when Kafka is configured.
    sink: Option<Sink>,
    /// Whether database and topic have been asked where the story stands.
    resumed: bool,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<Status>,
}

/// A simulation that runs.
struct Run {
    scope: Scope,
    devices: Vec<Device>,
    /// What is left of the current round.
    round: VecDeque<Arc<Reading>>,
    due: Instant,
}

impl Engine {
    /// The task, not started, and the handle to it. The story goes on where the database says it stopped.
    pub async fn new(parts: Parts) -> (SimulationHandle, Self) {
        let pace = parts.settings.pace;
        let stored = stored_time(&parts.records).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the stored story time could not be read");
            None
        });
        let story = match stored {
            Some(time) => StoryClock::resume(time, pace),
            None => StoryClock::begin(parts.clock.now_millis(), pace),
        };
        let (sender, commands) = mpsc::channel(8);
        let status = watch::Sender::new(Status {
            running: false,
            scope: Scope::All,
            story_time: story.time(),
            started_at: None,
            records: 0,
            errors: 0,
            last_error: None,
            speed: 0.0,
        });
        let handle = SimulationHandle {
            commands: sender,
            status: status.subscribe(),
            kafka: parts.kafka_state.clone(),
        };
        let engine = Self {
            parts,
            story,
            sink: None,
            resumed: false,
            commands,
            status,
        };
        (handle, engine)
    }

    /// Works until cancelled. What was taken up is finished first, so no reading is half sent.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut run: Option<Run> = None;
        loop {
            let due = run.as_ref().map(|run| run.due);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                command = self.commands.recv() => match command {
                    None => break,
                    Some(command) => self.obey(command, &mut run).await,
                },
                () = wait(due) => if let Some(run) = &mut run {
                    self.step(run).await;
                },
            }
        }
        if run.is_some() {
            self.stopped();
        }
    }

    async fn obey(&mut self, command: Command, run: &mut Option<Run>) {
        match command {
            Command::Start(scope, answer) => {
                let result = if run.is_some() {
                    Err(StartError::Running)
                } else {
                    self.start(scope).await.map(|started| *run = Some(started))
                };
                // Who asked may have gone; the simulation has started all the same.
                let _ = answer.send(result);
            }
            Command::Stop(answer) => {
                let was_running = run.take().is_some();
                if was_running {
                    self.stopped();
                }
                let _ = answer.send(was_running);
            }
        }
    }

    async fn start(&mut self, scope: Scope) -> Result<Run, StartError> {
        let devices = match timeout(START_LIMIT, self.prepare(&scope)).await {
            Ok(prepared) => prepared?,
            Err(_) => {
                let detail = "Starting the simulation took too long; Kafka or the database is slow to answer.";
                return Err(StartError::Unavailable(detail.to_owned()));
            }
        };
        let now = self.parts.clock.now_millis();
        let period = self.round_duration(devices.len());
        self.status.send_replace(Status {
            running: true,
            scope: scope.clone(),
            story_time: self.story.time(),
            started_at: Some(now),
            records: 0,
            errors: 0,
            last_error: None,
            speed: self.story.speed(now, period),
        });
        tracing::info!(devices = devices.len(), "simulation started");
        Ok(Run {
            scope,
            devices,
            round: VecDeque::new(),
            due: Instant::now(),
        })
    }

    /// Checks everything that a simulation needs, so that "started" means started.
    async fn prepare(&mut self, scope: &Scope) -> Result<Vec<Device>, StartError> {
        let database = |error: sqlx::Error| {
            tracing::warn!(%error, "the simulation was not started");
            StartError::Unavailable("The database does not answer; try again.".to_owned())
        };
        if let Scope::Single(patient) = scope
            && !self.patient_exists(patient).await.map_err(database)?
        {
            return Err(StartError::UnknownPatient(patient.to_string()));
        }
        let devices = self.devices(scope).await.map_err(database)?;
        if devices.is_empty() {
            return Err(StartError::NoDevice);
        }
        if !self.resumed {
            // It may not have answered when the service started.
            let stored = stored_time(&self.parts.records).await.map_err(database)?;
            self.resume_after(stored);
        }
        if let Some(kafka) = self.parts.kafka.clone() {
            self.connect(kafka).await.map_err(|error| {
                tracing::warn!(error = format!("{error:#}"), "the simulation was not started");
                let detail = "Kafka or the schema registry does not answer, so the devices would report to nobody. \
                    Start them, or start this service without KAFKA_BOOTSTRAP_SERVERS.";
                StartError::Unavailable(detail.to_owned())
            })?;
        }
        self.resumed = true;
        Ok(devices)
    }

    async fn connect(&mut self, kafka: Kafka) -> anyhow::Result<()> {
        kafka.admin.ping(PING_LIMIT).await?;
        if !self.resumed {
            // After a crash the topic knows better than the database where the story stands.
            self.resume_after(tail::last_reading(&kafka).await?);
        }
        self.sink = Some(Sink::new(kafka).await?);
        Ok(())
    }

    /// The story never goes back.
    fn resume_after(&mut self, time: Option<EpochMillis>) {
        if let Some(time) = time
            && time > self.story.time()
        {
            self.story = StoryClock::resume(time, self.parts.settings.pace);
        }
    }

    fn stopped(&self) {
        self.status.send_modify(|status| {
            status.running = false;
            status.started_at = None;
            status.speed = 0.0;
            status.last_error = None;
        });
        tracing::info!("simulation stopped");
    }

    /// Sends what is due.
    async fn step(&mut self, run: &mut Run) {
        if run.round.is_empty() {
            self.begin_round(run).await;
        }
        if run.round.is_empty() {
            run.due = Instant::now() + PAUSE;
            return;
        }
        // What a slow answer of Kafka held up is sent with what is due now.
        let late = run.due.elapsed().max(TICK).as_secs_f64();
        let wanted = (self.parts.settings.records_per_second * late) as usize;
        let count = wanted.clamp(1, run.round.len());
        let batch: Vec<_> = run.round.drain(..count).collect();
        let refused = self.send(batch).await;
        if refused.is_empty() {
            let period = self.duration(count);
            // A long interruption is not made up for by a burst.
            run.due = (run.due + period).max(Instant::now() - PAUSE);
        } else {
            // Nothing is lost: the same readings are sent again.
            for reading in refused.into_iter().rev() {
                run.round.push_front(reading);
            }
            run.due = Instant::now() + PAUSE;
        }
        if run.round.is_empty() {
            self.end_round().await;
        }
    }

    /// Devices and settings may have changed since the last round.
    async fn begin_round(&mut self, run: &mut Run) {
        match self.devices(&run.scope).await {
            Ok(devices) => run.devices = devices,
            Err(error) => self.failed(format!("the devices could not be read: {error}")),
        }
        if run.devices.is_empty() {
            return;
        }
        let now = self.parts.clock.now_millis();
        let ts = self.story.advance(now);
        let simulator = &self.parts.settings.simulator;
        run.round = run
            .devices
            .iter()
            .flat_map(|device| simulator.readings(device, ts, &[]))
            .map(Arc::new)
            .collect();
        let speed = self.story.speed(now, self.duration(run.round.len()));
        self.status.send_modify(|status| {
            status.story_time = ts;
            status.speed = speed;
        });
    }

    /// Sends to Kafka, and what Kafka has taken to the screen. Returns what Kafka has not taken.
    async fn send(&self, batch: Vec<Arc<Reading>>) -> Vec<Arc<Reading>> {
        let answers = match &self.sink {
            Some(sink) => sink.deliver(&batch).await,
            None => batch.iter().map(|_| Ok(())).collect(),
        };
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
        }
        refused
    }

    /// Remembers where the story stands.
    async fn end_round(&self) {
        let Some(pool) = self.parts.records.pool() else {
            return;
        };
        let time = self.story.time();
        let stored = async { store::story_clock::advance(&mut *pool.acquire().await?, time).await };
        if let Err(error) = stored.await {
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

    async fn devices(&self, scope: &Scope) -> sqlx::Result<Vec<Device>> {
        let patient = match scope {
            Scope::All => None,
            Scope::Single(patient) => Some(patient),
        };
        match &self.parts.records {
            Records::Postgres(pool) => {
                let patient = patient.map(PatientId::as_str);
                store::devices::list_worn(&mut *pool.acquire().await?, patient).await
            }
            Records::Demo(demo) => Ok(demo.worn_devices(patient)),
        }
    }

    async fn patient_exists(&self, patient: &PatientId) -> sqlx::Result<bool> {
        Ok(match &self.parts.records {
            Records::Postgres(pool) => {
                let mut db = pool.acquire().await?;
                store::patients::get(&mut db, patient.as_str())
                    .await?
                    .is_some()
            }
            Records::Demo(demo) => demo.patient(patient.as_str()).is_some(),
        })
    }

    fn duration(&self, readings: usize) -> Duration {
        Duration::from_secs_f64(readings as f64 / self.parts.settings.records_per_second)
    }

    fn round_duration(&self, devices: usize) -> Duration {
        self.duration(devices * hc_domain::Metric::ALL.len())
    }
}

async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn stored_time(records: &Records) -> sqlx::Result<Option<EpochMillis>> {
    match records.pool() {
        Some(pool) => store::story_clock::get(&mut *pool.acquire().await?).await,
        None => Ok(None),
    }
}
