//! The consumer loop of a projection: offsets live with the effect, in the handler's own store.
//!
//! The loop assigns all partitions by itself (no group, no rebalance, no commits to Kafka), starts where the
//! handler says, and hands it batches that it applies in one transaction together with the new position.

mod backoff;
mod progress;
pub(crate) mod reader;
mod run;

use std::{collections::BTreeMap, future::Future, time::Duration};

use rdkafka::error::KafkaError;

pub use progress::{PartitionProgress, Progress};
pub use run::ConsumerLoop;

use crate::{admin::AdminError, record::Record};

/// What a handler's store says when it cannot do its part. The loop backs off and tries again.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// The topic being read: a name is not enough, since a topic can be deleted and made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub id: String,
    pub partitions: i32,
}

/// Where a projection stands, as its store remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The id of the topic that was read.
    pub topic_id: String,
    /// Next offset to read, by partition; a partition that is missing starts at its beginning.
    pub offsets: BTreeMap<i32, i64>,
}

/// Records of one poll, ordered within each partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub topic: Topic,
    /// May be empty after dead letters were taken out: the position is to be stored all the same.
    pub records: Vec<Record>,
    /// The position after this batch, for the partitions it touches: store it with the effect.
    pub next_offsets: BTreeMap<i32, i64>,
}

/// A record that will never be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Index in [`Batch::records`].
    pub index: usize,
    pub reason: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Effect and position are stored.
    Done,
    /// Nothing is stored; the same batch comes again after a back-off.
    Retry { reason: String },
    /// Nothing is stored; these records go to the dead letter topic, and the batch comes again without them.
    DeadLetter(Vec<Rejected>),
}

/// Why a projection has to start over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetReason {
    /// The topic was deleted and made again.
    TopicRecreated { old_id: String },
    /// The stored offset lies behind the topic's end: records that were read are gone.
    OffsetBeyondEnd { partition: i32, offset: i64 },
}

/// A projection. Offsets are stored by [`Handler::handle`] and read by [`Handler::position`].
pub trait Handler: Send {
    /// The stored position, or `None` before the first batch.
    fn position(
        &mut self,
        topic: &Topic,
    ) -> impl Future<Output = Result<Option<Position>, HandlerError>> + Send;

    /// Forget the effects of everything read so far, and the position. The topic is then read from its start.
    fn reset(
        &mut self,
        topic: &Topic,
        reason: &ResetReason,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send;

    /// Apply the batch and store `batch.next_offsets` with `batch.topic.id`, in one transaction.
    /// A record without a value is a tombstone.
    fn handle(&mut self, batch: &Batch) -> impl Future<Output = Outcome> + Send;
}

/// How the loop reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSettings {
    pub topic: String,
    /// Names the client, and the group that librdkafka asks for and that is never joined.
    pub client_id: String,
    /// Most records in a batch.
    pub max_batch: usize,
    /// First wait after a retry; doubled with each further one.
    pub backoff: Duration,
    /// Longest wait between retries.
    pub max_backoff: Duration,
    /// How often an absent topic is looked for, and a present one checked for its ends and for having been made again.
    pub topic_check: Duration,
}

impl ConsumerSettings {
    pub fn new(topic: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            client_id: client_id.into(),
            max_batch: 500,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            topic_check: Duration::from_secs(1),
        }
    }
}

/// What the loop is doing, for `/ready` and for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerState {
    Starting,
    /// There is no such topic yet.
    WaitingForTopic,
    /// `caught_up`: every partition has been read to its end at least once since the loop took it up.
    Reading {
        caught_up: bool,
    },
    /// Something failed and is tried again.
    BackingOff {
        reason: String,
    },
    Stopped,
}

/// What goes wrong between the loop and its surroundings. The loop reports these and goes on.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    #[error("no Kafka client could be made: {0}")]
    Client(#[source] KafkaError),
    #[error("reading topic {topic}: {cause}")]
    Read { topic: String, cause: KafkaError },
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("the handler of topic {topic} failed: {cause}")]
    Handler { topic: String, cause: HandlerError },
    #[error("topic {topic} was deleted while it was being taken up")]
    Vanished { topic: String },
}
