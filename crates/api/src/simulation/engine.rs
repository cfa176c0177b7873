//! The task that owns the simulation: what it is asked to do. What it does round by round is in [`super::rounds`].

use std::{collections::VecDeque, sync::Arc, time::Duration};

use hc_domain::{DeviceId, EpochMillis, Reading};
use hc_simulator::{DefectKind, Mailbag, StoryClock};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    defects::{Defect, Defects},
    fleet::Fleet,
    handle::{Command, DefectError, Scope, SimulationHandle, StartError, Status},
    resume::note,
    rounds::{Participants, UnderWay},
    settings::Settings,
    sink::Sink,
    tail,
};
use crate::{
    clock::Clock, kafka::Kafka, readiness::KafkaState, state::Records, store, stream::TelemetryFeed,
};

/// Longest time until a client learns whether the simulation has started.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Longest time until a start fails because no broker answers.
const PING_LIMIT: Duration = Duration::from_secs(3);
/// Longest time that a stop waits for what Kafka has not acknowledged yet.
const STOP_LIMIT: Duration = Duration::from_secs(2);

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
    pub(super) parts: Parts,
    pub(super) story: StoryClock,
    pub(super) fleet: Fleet,
    pub(super) defects: Arc<Defects>,
    pub(super) bag: Mailbag,
    /// Made with each start, when Kafka is configured.
    pub(super) sink: Option<Arc<Sink>>,
    /// Kafka has lost something for good: the topic is asked what it has before anything else is sent.
    pub(super) is_in_doubt: bool,
    /// Whether database and topic have been asked where the story stands.
    resumed: bool,
    /// Which devices report while the simulation runs.
    pub(super) scope: Option<Scope>,
    /// What is left of the current round.
    pub(super) round: VecDeque<Arc<Reading>>,
    pub(super) participants: Participants,
    /// What Kafka has not acknowledged yet. Nothing else is sent meanwhile.
    pub(super) under_way: Option<UnderWay>,
    /// When the next readings are to be sent.
    pub(super) due: Instant,
    /// Who waits for the end of the current round, and how long.
    stopping: Option<(Instant, Vec<oneshot::Sender<bool>>)>,
    /// When to look whether a simulation is to go on that ran when the service was killed.
    pub(super) resume_at: Option<Instant>,
    commands: mpsc::Receiver<Command>,
    pub(super) status: watch::Sender<Status>,
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
        let defects = Arc::new(Defects::default());
        let handle = SimulationHandle {
            commands: sender,
            status: status.subscribe(),
            kafka: parts.kafka_state.clone(),
            defects: defects.clone(),
        };
        let engine = Self {
            parts,
            story,
            fleet: Fleet::default(),
            defects,
            bag: Mailbag::default(),
            sink: None,
            is_in_doubt: false,
            resumed: false,
            scope: None,
            round: VecDeque::new(),
            participants: Participants::default(),
            under_way: None,
            due: Instant::now(),
            stopping: None,
            resume_at: Some(Instant::now()),
            commands,
            status,
        };
        (handle, engine)
    }

    /// Works until cancelled. What was taken up is finished first, if Kafka takes it.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let step_at = self.has_work().then_some(self.due);
            let stop_at = self.stopping.as_ref().map(|(at, _)| *at);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                command = self.commands.recv() => match command {
                    None => break,
                    Some(command) => self.obey(command).await,
                },
                event = UnderWay::next(&mut self.under_way) => self.progress(event).await,
                () = wait(stop_at) => self.answer_stop(),
                () = wait(self.resume_at) => self.resume().await,
                () = wait(step_at) => self.step().await,
            }
            if self.is_quiet() {
                self.answer_stop();
            }
        }
        if let Some(under_way) = self.under_way.take() {
            let finished = timeout(STOP_LIMIT, under_way.finish()).await;
            if finished.is_err() {
                tracing::warn!(
                    "Kafka has not acknowledged the last readings; the next start completes them"
                );
            }
        }
        if self.scope.take().is_some() {
            self.stopped();
            note(&self.parts.records, None).await;
        }
    }

    fn has_work(&self) -> bool {
        let has_devices = self.scope.is_some() || !self.defects.one_shot_devices().is_empty();
        self.under_way.is_none() && (!self.round.is_empty() || has_devices)
    }

    /// Between two rounds.
    fn is_quiet(&self) -> bool {
        self.round.is_empty() && self.under_way.is_none()
    }

    /// Nothing waits for its time any more.
    pub(super) fn is_stopping(&self) -> bool {
        self.scope.is_none() && self.defects.one_shot_devices().is_empty()
    }

    async fn obey(&mut self, command: Command) {
        // Who asked may have gone; what was asked for is done all the same.
        match command {
            Command::Start(scope, answer) => {
                self.resume_at = None;
                let _ = answer.send(self.start(scope).await);
            }
            Command::Stop(answer) => {
                self.resume_at = None;
                self.stop(answer);
                note(&self.parts.records, None).await;
            }
            Command::Defect(id, device, kind, answer) => {
                let _ = answer.send(self.begin_defect(id, device, kind).await);
            }
        }
    }

    pub(super) async fn start(&mut self, scope: Scope) -> Result<(), StartError> {
        if self.scope.is_some() {
            return Err(StartError::Running);
        }
        let devices = match timeout(START_LIMIT, self.prepare(&scope)).await {
            Ok(prepared) => prepared?,
            Err(_) => return Err(StartError::Unavailable(SLOW.to_owned())),
        };
        let now = self.parts.clock.now_millis();
        self.status.send_replace(Status {
            running: true,
            scope: scope.clone(),
            story_time: self.story.time(),
            started_at: Some(now),
            records: 0,
            errors: 0,
            last_error: None,
            speed: self.story.speed(now, self.round_duration(devices)),
        });
        note(&self.parts.records, Some(&scope)).await;
        self.scope = Some(scope);
        self.due = Instant::now();
        tracing::info!(devices, "simulation started");
        Ok(())
    }

    /// Checks everything that a simulation needs, so that "started" means started. Returns how many devices report.
    async fn prepare(&mut self, scope: &Scope) -> Result<usize, StartError> {
        if let Scope::Single(patient) = scope
            && !self
                .parts
                .records
                .has_patient(patient)
                .await
                .map_err(database)?
        {
            return Err(StartError::UnknownPatient(patient.to_string()));
        }
        self.fleet.expire();
        self.fleet
            .refresh(&self.parts.records)
            .await
            .map_err(database)?;
        let nobody = Default::default();
        let devices = self.fleet.reporting(Some(scope), &nobody).count();
        if devices == 0 {
            return Err(StartError::NoDevice);
        }
        self.connect().await.map_err(StartError::Unavailable)?;
        Ok(devices)
    }

    /// Makes sure that readings can be sent, and that the story goes on where it stood. The error is for the client.
    async fn connect(&mut self) -> Result<(), String> {
        let stored = if self.resumed {
            None
        } else {
            // It may not have answered when the service started.
            let stored = stored_time(&self.parts.records).await;
            stored.map_err(|error| {
                tracing::warn!(%error, "the simulation was not started");
                DATABASE.to_owned()
            })?
        };
        self.resume_after(stored);
        if let Some(kafka) = self.parts.kafka.clone() {
            let connected = self.connect_kafka(kafka, stored).await;
            connected.map_err(|error| {
                tracing::warn!(error = format!("{error:#}"), "the simulation was not started");
                "Kafka or the schema registry does not answer, so the devices would report to nobody. \
                    Start them, or start this service without KAFKA_BOOTSTRAP_SERVERS."
                    .to_owned()
            })?;
        }
        self.resumed = true;
        Ok(())
    }

    async fn connect_kafka(
        &mut self,
        kafka: Kafka,
        begun: Option<EpochMillis>,
    ) -> anyhow::Result<()> {
        kafka.admin.ping(PING_LIMIT).await?;
        if !self.resumed {
            // After a crash the topic knows better than the database where the story stands, and the crash may have
            // cut the last round short.
            let tail = tail::read(&kafka, self.fleet.all().len()).await?;
            self.round = self.complete(&tail.lacking(begun));
            self.resume_after(tail.story_time());
        }
        self.sink = Some(Arc::new(Sink::new(kafka).await?));
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

    fn stop(&mut self, answer: oneshot::Sender<bool>) {
        if self.scope.take().is_none() {
            let _gone = answer.send(false);
            return;
        }
        self.stopped();
        // The rest of the round is sent at once, so that no device lacks it.
        self.due = Instant::now();
        let (_, waiting) = self
            .stopping
            .get_or_insert_with(|| (Instant::now() + STOP_LIMIT, Vec::new()));
        waiting.push(answer);
    }

    fn answer_stop(&mut self) {
        for answer in self.stopping.take().into_iter().flat_map(|(_, all)| all) {
            let _gone = answer.send(true);
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

    async fn begin_defect(
        &mut self,
        id: Uuid,
        device: DeviceId,
        kind: DefectKind,
    ) -> Result<Defect, DefectError> {
        // The device reports by itself, so there must be a way.
        if kind.steps().is_some() && self.scope.is_none() {
            self.fleet.expire();
            let refreshed = self.fleet.refresh(&self.parts.records).await;
            refreshed.map_err(|error| {
                tracing::warn!(%error, "a defect was not begun");
                DefectError::Unavailable(DATABASE.to_owned())
            })?;
            match timeout(START_LIMIT, self.connect()).await {
                Ok(connected) => connected.map_err(DefectError::Unavailable)?,
                Err(_) => return Err(DefectError::Unavailable(SLOW.to_owned())),
            }
            self.due = self.due.max(Instant::now());
        }
        let now = self.parts.clock.now_millis();
        let begun = self.defects.begin(id, device, kind, now);
        begun.map_err(DefectError::Exists)
    }
}

const DATABASE: &str = "The database does not answer; try again.";
const SLOW: &str =
    "Starting the simulation took too long; Kafka or the database is slow to answer.";

fn database(error: sqlx::Error) -> StartError {
    tracing::warn!(%error, "the simulation was not started");
    StartError::Unavailable(DATABASE.to_owned())
}

async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn stored_time(records: &Records) -> sqlx::Result<Option<EpochMillis>> {
    match records.pool() {
        Some(pool) => {
            let mut db = pool.acquire().await?;
            let time = store::story_clock::get(&mut db).await?;
            db.release();
            Ok(time)
        }
        None => Ok(None),
    }
}
