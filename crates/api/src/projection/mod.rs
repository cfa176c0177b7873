//! Tables of schema `read`, kept as copies of Kafka topics.

mod drift;

use std::sync::Arc;

use hc_contracts::topics;
use hc_kafka::{ConsumerLoop, ConsumerSettings, ConsumerState, Progress};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{database::Pool, kafka::Kafka, stream::Hub};

pub use drift::DriftProjection;

/// A projection that was started.
#[derive(Debug, Clone)]
pub struct Projection {
    /// Its name in `read.consumer_offsets` and in metrics.
    pub name: &'static str,
    /// The topic that it reads.
    pub topic: String,
    pub state: watch::Receiver<ConsumerState>,
    pub progress: watch::Receiver<Progress>,
}

/// The states of a consumer in one word, for metrics and the pipeline's status.
pub(crate) const STATES: [&str; 6] = [
    "starting",
    "waiting_for_topic",
    "catching_up",
    "caught_up",
    "backing_off",
    "stopped",
];

/// The word of a state.
pub(crate) fn word(state: &ConsumerState) -> &'static str {
    match state {
        ConsumerState::Starting => "starting",
        ConsumerState::WaitingForTopic => "waiting_for_topic",
        ConsumerState::Reading { caught_up: false } => "catching_up",
        ConsumerState::Reading { caught_up: true } => "caught_up",
        ConsumerState::BackingOff { .. } => "backing_off",
        ConsumerState::Stopped => "stopped",
    }
}

/// Starts the projection of drift verdicts; it can be followed.
pub fn start(
    kafka: &Kafka,
    pool: Pool,
    hub: Arc<Hub>,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> Projection {
    let topic = kafka.name(topics::DRIFT);
    let consumer = ConsumerLoop::new(
        &kafka.config,
        ConsumerSettings::new(&topic, "hc-api-drift"),
        kafka.admin.clone(),
        kafka.dead_letters(),
    );
    let started = Projection {
        name: drift::CONSUMER,
        topic,
        state: consumer.state(),
        progress: consumer.progress(),
    };
    let projection = DriftProjection::new(pool, hub, kafka.registry.clone());
    tasks.spawn(async move {
        if let Err(error) = consumer.run(projection, shutdown).await {
            tracing::error!(%error, "the drift projection has stopped");
        }
    });
    started
}
