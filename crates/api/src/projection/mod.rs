//! Tables of schema `read`, kept as copies of Kafka topics.

mod drift;

use std::sync::Arc;

use hc_contracts::topics;
use hc_kafka::{ConsumerLoop, ConsumerSettings, ConsumerState};
use sqlx::PgPool;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{kafka::Kafka, stream::Hub};

pub use drift::DriftProjection;

/// Starts the projection of drift verdicts; its state can be followed.
pub fn start(
    kafka: &Kafka,
    pool: PgPool,
    hub: Arc<Hub>,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> watch::Receiver<ConsumerState> {
    let consumer = ConsumerLoop::new(
        &kafka.config,
        ConsumerSettings::new(kafka.name(topics::DRIFT), "hc-api-drift"),
        kafka.admin.clone(),
        kafka.dead_letters(),
    );
    let state = consumer.state();
    let projection = DriftProjection::new(pool, hub, kafka.registry.clone());
    tasks.spawn(async move {
        if let Err(error) = consumer.run(projection, shutdown).await {
            tracing::error!(%error, "the drift projection has stopped");
        }
    });
    state
}
