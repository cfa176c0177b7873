//! Topics as they should be, as they are, and what was done about the difference.

use std::{collections::BTreeMap, fmt};

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

/// Why an administrative request failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("no Kafka client could be made: {0}")]
    Client(#[source] KafkaError),
    #[error("{what}: {cause}")]
    Request { what: String, cause: KafkaError },
    #[error("{what}: {code}")]
    Refused {
        what: String,
        code: RDKafkaErrorCode,
    },
    #[error(
        "topic {topic} has {actual} partitions, but should have {wanted}: delete it, or change the description"
    )]
    Partitions {
        topic: String,
        actual: i32,
        wanted: i32,
    },
    #[error("topic {topic} did not take the setting {name}={value}: see the broker's log")]
    SettingRefused {
        topic: String,
        name: String,
        value: String,
    },
    #[error("Kafka deletes no records of {topic}, because it is only compacted")]
    OnlyCompacted { topic: String },
    #[error("a request to Kafka was abandoned, since the process is stopping")]
    Stopping,
}

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    pub partitions: i32,
    /// `None`: the cluster's default.
    pub replication: Option<i32>,
    /// Settings by their Kafka names; the others keep their value.
    pub configs: BTreeMap<String, String>,
}

impl TopicSpec {
    pub fn new(name: impl Into<String>, partitions: i32) -> Self {
        Self {
            name: name.into(),
            partitions,
            replication: None,
            configs: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.insert(name.into(), value.into());
        self
    }
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    pub name: String,
    /// Differs from every other topic's, including an earlier one of the same name.
    pub id: String,
    pub partitions: i32,
}

/// What [`Admin::apply`] did to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicChange {
    Created {
        topic: String,
    },
    /// Settings that had another value, by name.
    Altered {
        topic: String,
        configs: BTreeMap<String, String>,
    },
    Unchanged {
        topic: String,
    },
}

impl fmt::Display for TopicChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { topic } => write!(f, "{topic}: created"),
            Self::Altered { topic, configs } => {
                write!(f, "{topic}: altered")?;
                configs
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
            Self::Unchanged { topic } => write!(f, "{topic}: unchanged"),
        }
    }
}

/// First offset that exists, and the offset that the next record gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    pub low: i64,
    pub high: i64,
}

/// What a health check learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterInfo {
    pub brokers: usize,
    pub topics: usize,
}
