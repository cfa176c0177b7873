//! One assignment of all partitions of a topic, read in batches.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    client::DefaultClientContext,
    consumer::{Consumer, ConsumerContext, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{Batch, ConsumerError, ConsumerSettings, Topic};
use crate::{config::KafkaConfig, record::Record};

/// A client of its own for each assignment: nothing that it remembers of a deleted topic outlives it.
pub(crate) struct Reader {
    consumer: StreamConsumer<Context>,
    topic: Topic,
    max_batch: usize,
    /// Partitions that have been read to their end at least once.
    ended: BTreeSet<i32>,
    /// An error met after records that are to be handled first.
    held_back: Option<KafkaError>,
}

impl Reader {
    pub(crate) fn assign(
        config: &KafkaConfig,
        settings: &ConsumerSettings,
        topic: Topic,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<Self, ConsumerError> {
        let consumer: StreamConsumer<Context> = config
            .client(&settings.client_id)
            .set("group.id", &settings.client_id)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            // An offset that does not exist is reported: what it means is decided by the loop.
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            // A new record must not wait behind an idle fetch.
            .set("fetch.wait.max.ms", "100")
            .create_with_context(Context)
            .map_err(ConsumerError::Client)?;
        let mut partitions = TopicPartitionList::with_capacity(offsets.len());
        let assigned = offsets
            .iter()
            .try_for_each(|(partition, offset)| {
                partitions.add_partition_offset(&topic.name, *partition, Offset::Offset(*offset))
            })
            .and_then(|()| consumer.assign(&partitions));
        assigned.map_err(|cause| read_error(&topic, cause))?;
        Ok(Self {
            consumer,
            topic,
            max_batch: settings.max_batch.max(1),
            ended: BTreeSet::new(),
            held_back: None,
        })
    }

    pub(crate) fn caught_up(&self) -> bool {
        usize::try_from(self.topic.partitions).is_ok_and(|all| self.ended.len() >= all)
    }

    /// Whether a partition has been read to its end at least once.
    pub(crate) fn has_ended(&self, partition: i32) -> bool {
        self.ended.contains(&partition)
    }

    /// Waits for a record and takes what has arrived with it. `None`: partitions ended, no record came.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, ConsumerError> {
        let mut batch = Batch {
            topic: self.topic.clone(),
            records: Vec::new(),
            next_offsets: BTreeMap::new(),
        };
        let first = match self.held_back.take() {
            Some(error) => Err(error),
            None => self.consumer.recv().await.map(|m| Record::copy(&m)),
        };
        let mut arrived = Some(first);
        while let Some(result) = arrived {
            match result {
                Ok(record) => {
                    batch
                        .next_offsets
                        .insert(record.partition, record.offset + 1);
                    batch.records.push(record);
                }
                Err(KafkaError::PartitionEOF(partition)) => {
                    self.ended.insert(partition);
                }
                Err(error) if !batch.records.is_empty() => {
                    self.held_back = Some(error);
                    break;
                }
                Err(error) => self.judge(error)?,
            }
            if batch.records.len() >= self.max_batch {
                break;
            }
            arrived = self
                .consumer
                .recv()
                .now_or_never()
                .map(|result| result.map(|m| Record::copy(&m)));
        }
        Ok((!batch.records.is_empty()).then_some(batch))
    }

    /// Librdkafka mends lost connections by itself; everything else needs a new assignment.
    fn judge(&self, error: KafkaError) -> Result<(), ConsumerError> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(
                Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::Resolve
                | Code::RequestTimedOut
                | Code::OperationTimedOut
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable,
            ) => {
                tracing::warn!(topic = self.topic.name, %error, "reading is interrupted");
                Ok(())
            }
            _ => Err(read_error(&self.topic, error)),
        }
    }

    /// Closing waits for the client's threads, which must not hold up the async runtime.
    pub(crate) async fn close(self) {
        let _stopping = tokio::task::spawn_blocking(move || drop(self.consumer)).await;
    }
}

/// Logs what the client tells besides records.
struct Context;

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        // Every partition ends now and then, and the reader asked to be told.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            DefaultClientContext.error(error, reason);
        }
    }
}

impl ConsumerContext for Context {}

fn read_error(topic: &Topic, cause: KafkaError) -> ConsumerError {
    ConsumerError::Read {
        topic: topic.name.clone(),
        cause,
    }
}
