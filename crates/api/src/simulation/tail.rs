//! Where the story stands according to the topic of readings.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use hc_contracts::{DeviceMetricValue, subject, topics};
use hc_domain::EpochMillis;
use hc_kafka::{
    Batch, ConsumerLoop, ConsumerSettings, Decoder, Handler, HandlerError, Outcome, Position,
    ResetReason, Topic,
};
use hc_simulator::story_time;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::kafka::Kafka;

/// Longest time for reading one record of each partition.
const LIMIT: Duration = Duration::from_secs(5);

/// The largest event time among the last readings of all partitions; `None` when there is no reading.
///
/// Rounds are written in order, so no reading of a partition is later than its last one.
///
/// # Errors
/// When Kafka or the registry does not answer.
pub(super) async fn last_reading(kafka: &Kafka) -> anyhow::Result<Option<EpochMillis>> {
    let name = kafka.name(topics::RAW_METRICS);
    let Some(topic) = kafka.admin.topic(&name).await? else {
        return Ok(None);
    };
    let Some(watermarks) = kafka.admin.watermarks(&name).await? else {
        return Ok(None);
    };
    let ends: BTreeMap<i32, i64> = watermarks
        .iter()
        .filter(|(_, marks)| marks.low < marks.high)
        .map(|(&partition, marks)| (partition, marks.high))
        .collect();
    if ends.is_empty() {
        return Ok(None);
    }
    let starts = watermarks
        .iter()
        .map(|(&partition, marks)| (partition, (marks.high - 1).max(marks.low)))
        .collect();

    let latest = Arc::new(Mutex::new(None));
    let done = CancellationToken::new();
    let tail = Tail {
        position: Position {
            topic_id: topic.id,
            offsets: starts,
        },
        ends,
        values: Decoder::new(kafka.registry.clone(), subject::RAW_METRICS_VALUE.schema()),
        latest: latest.clone(),
        done: done.clone(),
    };
    let settings = ConsumerSettings::new(name, "hc-api-tail");
    let consumer = ConsumerLoop::new(
        &kafka.config,
        settings,
        kafka.admin.clone(),
        kafka.dead_letters(),
    );
    let finished = timeout(LIMIT, consumer.run(tail, done.clone())).await;
    done.cancel();
    match finished {
        Ok(result) => result.context("reading the last readings")?,
        Err(_) => bail!(
            "the last readings could not be read within {} s",
            LIMIT.as_secs()
        ),
    }
    let latest = *latest.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(latest)
}

/// Reads from the last record of each partition to its end.
struct Tail {
    position: Position,
    /// The end of each partition that is still to be reached.
    ends: BTreeMap<i32, i64>,
    values: Decoder,
    latest: Arc<Mutex<Option<EpochMillis>>>,
    done: CancellationToken,
}

impl Handler for Tail {
    async fn position(&mut self, _: &Topic) -> Result<Option<Position>, HandlerError> {
        Ok(Some(self.position.clone()))
    }

    async fn reset(&mut self, _: &Topic, reason: &ResetReason) -> Result<(), HandlerError> {
        Err(format!("the topic changed while its end was read: {reason:?}").into())
    }

    async fn handle(&mut self, batch: &Batch) -> Outcome {
        for value in batch
            .records
            .iter()
            .filter_map(|record| record.value.as_ref())
        {
            match self.values.decode::<DeviceMetricValue>(value).await {
                Ok(value) => {
                    let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
                    *latest = (*latest).max(Some(story_time(value.ts)));
                }
                Err(error) if error.is_transient() => {
                    return Outcome::Retry {
                        reason: error.to_string(),
                    };
                }
                // Not a reading, so it says nothing about the story.
                Err(error) => {
                    tracing::warn!(%error, "the last record of a partition is no reading")
                }
            }
        }
        self.ends.retain(|partition, end| {
            batch
                .next_offsets
                .get(partition)
                .is_none_or(|next| next < end)
        });
        if self.ends.is_empty() {
            self.done.cancel();
        }
        Outcome::Done
    }
}
