//! Dead letters: records that a handler will never accept, kept as they were, with the reason.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Mutex;

use crate::{
    admin::{Admin, AdminError, TopicSpec},
    producer::{Producer, SendError},
    record::{Header, Outgoing, Record},
};

/// Header with the topic that the record was read from.
pub const TOPIC: &str = "dead-letter-topic";
/// Header with the partition, in decimal.
pub const PARTITION: &str = "dead-letter-partition";
/// Header with the offset, in decimal.
pub const OFFSET: &str = "dead-letter-offset";
/// Header with the reason, a sentence.
pub const REASON: &str = "dead-letter-reason";

/// 14 days: long enough to come back from a holiday and look.
const RETENTION_MS: &str = "1209600000";

/// Why a dead letter was not written. The record it is about is then not passed over.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Writes to `<topic>.dlq`, which it creates when first needed. Clones share the knowledge of what exists.
#[derive(Clone)]
pub struct DeadLetters {
    admin: Admin,
    producer: Producer,
    known: Arc<Mutex<BTreeSet<String>>>,
}

impl DeadLetters {
    pub fn new(admin: Admin, producer: Producer) -> Self {
        Self {
            admin,
            producer,
            known: Arc::default(),
        }
    }

    /// The topic of dead letters of `topic`.
    pub fn topic(topic: &str) -> String {
        format!("{topic}.dlq")
    }

    /// Writes the record with its own key, value and headers, and waits for the acknowledgement.
    /// A crash before the position is stored writes it twice; topic, partition and offset tell.
    pub async fn write(&self, record: &Record, reason: &str) -> Result<(), DeadLetterError> {
        let topic = Self::topic(&record.topic);
        self.ensure(&topic).await?;
        let mut headers = record.headers.clone();
        headers.extend([
            Header::new(TOPIC, record.topic.clone()),
            Header::new(PARTITION, record.partition.to_string()),
            Header::new(OFFSET, record.offset.to_string()),
            Header::new(REASON, reason),
        ]);
        self.producer
            .deliver(Outgoing {
                topic,
                partition: None,
                key: record.key.clone(),
                value: record.value.clone(),
                headers,
                timestamp: None,
            })
            .await?;
        Ok(())
    }

    async fn ensure(&self, topic: &str) -> Result<(), AdminError> {
        let mut known = self.known.lock().await;
        if !known.contains(topic) {
            let spec = TopicSpec::new(topic, 1).config("retention.ms", RETENTION_MS);
            self.admin.create_topic(&spec).await?;
            known.insert(topic.to_owned());
        }
        Ok(())
    }
}
