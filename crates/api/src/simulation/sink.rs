//! Where readings go.

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::join_all;
use hc_contracts::{DeviceMetricKey, DeviceMetricValue, subject, topics};
use hc_domain::Reading;
use hc_kafka::{Encoder, Outgoing};

use crate::kafka::Kafka;

/// Writes readings to Kafka.
pub(super) struct Sink {
    kafka: Kafka,
    topic: String,
    key: Encoder,
    value: Encoder,
}

impl Sink {
    /// Creates the topic and registers the schemas if need be.
    pub(super) async fn new(kafka: Kafka) -> anyhow::Result<Self> {
        kafka.ensure_topics().await?;
        let (key, value) = (&subject::RAW_METRICS_KEY, &subject::RAW_METRICS_VALUE);
        Ok(Self {
            key: Encoder::new(kafka.register(key).await?, key.schema())?,
            value: Encoder::new(kafka.register(value).await?, value.schema())?,
            topic: kafka.name(topics::RAW_METRICS),
            kafka,
        })
    }

    /// Sends the readings and waits until Kafka has taken each of them, however long that takes, or the client has
    /// failed for good. The answers are in the order of the readings.
    pub(super) async fn deliver(&self, readings: &[Arc<Reading>]) -> Vec<anyhow::Result<()>> {
        join_all(readings.iter().map(|reading| self.deliver_one(reading))).await
    }

    async fn deliver_one(&self, reading: &Reading) -> anyhow::Result<()> {
        let key = self.key.encode(&DeviceMetricKey::from(reading))?;
        let value = self.value.encode(&DeviceMetricValue::from(reading))?;
        let record = Outgoing::new(&self.topic, key, value);
        let delivered = self.kafka.producer.deliver(record).await;
        delivered.map(drop).context("a reading was not delivered")
    }
}
