//! How the rest of the service talks to the simulation.

use std::sync::Arc;

use hc_domain::{Device, DeviceId, EpochMillis, PatientId};
use hc_simulator::DefectKind;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::defects::{Defect, Defects};
use crate::readiness::KafkaState;

/// Which devices report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every device that somebody wears.
    All,
    /// The devices of one patient.
    Single(PatientId),
}

impl Scope {
    pub(super) fn includes(&self, device: &Device) -> bool {
        match self {
            Self::All => true,
            Self::Single(patient) => device.patient_id.as_ref() == Some(patient),
        }
    }
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

/// Why a defect was not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefectError {
    /// The device has one of this kind already.
    Exists(Uuid),
    /// Something that the device needs to report does not answer; the text is for the client.
    Unavailable(String),
}

/// A request to the task.
#[derive(Debug)]
pub(super) enum Command {
    Start(Scope, oneshot::Sender<Result<(), StartError>>),
    /// Answers whether the simulation was running.
    Stop(oneshot::Sender<bool>),
    Defect(
        Uuid,
        DeviceId,
        DefectKind,
        oneshot::Sender<Result<Defect, DefectError>>,
    ),
}

/// Talks to the simulation; cheap to clone.
#[derive(Debug, Clone)]
pub struct SimulationHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) status: watch::Receiver<Status>,
    pub(super) kafka: watch::Receiver<KafkaState>,
    pub(super) defects: Arc<Defects>,
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

    /// Stops the devices when their round is complete and safe, or soon when Kafka does not answer; the rest of the
    /// round then follows when it does. Whether they were running.
    pub async fn stop(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Stop(answer)).await;
        sent.is_ok() && answered.await.unwrap_or(false)
    }

    /// Gives a device a defect, which acts from its next round on.
    ///
    /// # Errors
    /// When the device has it already, or could not report it.
    pub async fn begin_defect(
        &self,
        id: Uuid,
        device: DeviceId,
        kind: DefectKind,
    ) -> Result<Defect, DefectError> {
        let stopping = || DefectError::Unavailable("The service is stopping.".to_owned());
        let (answer, answered) = oneshot::channel();
        let command = Command::Defect(id, device, kind, answer);
        self.commands.send(command).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// The defects, to look at and to cancel.
    pub fn defects(&self) -> &Defects {
        &self.defects
    }

    /// Follows what the simulation does.
    pub fn changes(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// What the simulation does now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// What the simulation does, as it changes.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
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
