//! How the rest of the service talks to the simulation.

use hc_domain::{EpochMillis, PatientId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::readiness::KafkaState;

/// Which devices report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every device that somebody wears.
    All,
    /// The devices of one patient.
    Single(PatientId),
}

/// What the simulation does.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub running: bool,
    pub scope: Scope,
    pub story_time: EpochMillis,
    pub started_at: Option<EpochMillis>,
    /// Readings since the start.
    pub records: u64,
    /// Failures since the start.
    pub errors: u64,
    /// The failure that still lasts.
    pub last_error: Option<String>,
    /// Story seconds per wall second; 0 while stopped.
    pub speed: f64,
}

/// Why a simulation was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    Running,
    UnknownPatient(String),
    /// Nobody wears a device.
    NoDevice,
    /// Something that the simulation needs does not answer; the text is for the client.
    Unavailable(String),
}

/// A request to the task.
#[derive(Debug)]
pub(super) enum Command {
    Start(Scope, oneshot::Sender<Result<(), StartError>>),
    /// Answers whether the simulation was running.
    Stop(oneshot::Sender<bool>),
}

/// Talks to the simulation; cheap to clone.
#[derive(Debug, Clone)]
pub struct SimulationHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) status: watch::Receiver<Status>,
    pub(super) kafka: watch::Receiver<KafkaState>,
}

impl SimulationHandle {
    /// Starts the devices.
    ///
    /// # Errors
    /// When they run already, or cannot run.
    pub async fn start(&self, scope: Scope) -> Result<(), StartError> {
        let stopping = || StartError::Unavailable("The service is stopping.".to_owned());
        let (answer, answered) = oneshot::channel();
        let command = Command::Start(scope, answer);
        self.commands.send(command).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// Stops the devices after what they have sent is safe. Whether they were running.
    pub async fn stop(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Stop(answer)).await;
        sent.is_ok() && answered.await.unwrap_or(false)
    }

    /// What the simulation does now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Whether Kafka can be reached.
    pub fn kafka(&self) -> KafkaState {
        *self.kafka.borrow()
    }

    /// The simulated time.
    pub fn story_time(&self) -> EpochMillis {
        self.status.borrow().story_time
    }
}
