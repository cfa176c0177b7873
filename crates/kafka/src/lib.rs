//! Kafka and the schema registry, for every crate that talks to them: configuration, administration, the
//! Confluent wire format, a producer that never drops, a consumer loop whose offsets live with the effect,
//! and dead letters. It knows no topic.

pub mod admin;
pub mod codec;
pub mod config;
pub mod consumer;
pub mod dead_letters;
pub mod inspect;
pub mod producer;
pub mod record;
pub mod registry;
mod topic_id;

pub use admin::{Admin, AdminError, ClusterInfo, TopicChange, TopicInfo, TopicSpec, Watermarks};
pub use codec::{CodecError, Decoder, Encoder};
pub use config::{ConfigError, KafkaArgs, KafkaConfig, RegistryArgs, RegistryConfig};
pub use consumer::{
    Batch, ConsumerError, ConsumerLoop, ConsumerSettings, ConsumerState, Handler, HandlerError,
    Outcome, PartitionProgress, Position, Progress, Rejected, ResetReason, Topic,
};
pub use dead_letters::DeadLetters;
pub use inspect::{Flaw, InspectError, Inspector, Part, Readers, Unreadable};
pub use producer::{DeliveryFailure, Producer, ProducerSettings, ProducerStats, SendError};
pub use record::{Header, Outgoing, Record};
pub use registry::{Registered, Registry, RegistryError};
