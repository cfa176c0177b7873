//! Topics read from their beginning to the end they have now, and decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hc_contracts::subject::{DRIFT_KEY, DRIFT_VALUE, RAW_METRICS_KEY, RAW_METRICS_VALUE};
use hc_contracts::{DeviceMetricKey, DeviceMetricValue, DriftKey, DriftValue};
use hc_e2e::oracle::Reading;
use hc_e2e::oracle::drift::Verdicts;
use hc_kafka::{Decoder, Registry, RegistryConfig};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

pub(crate) use hc_contracts::topics::{DRIFT, RAW_METRICS as RAW};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A record as it lies in its topic.
pub(crate) struct Bytes {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// The verdict topic, compacted: what stands, and what was cleared by a tombstone and does not stand.
pub(crate) struct DriftTopic {
    pub(crate) standing: Verdicts,
    pub(crate) cleared: BTreeSet<DriftKey>,
}

pub(crate) async fn verdicts(kafka: &str, registry: &str) -> Result<DriftTopic> {
    let registry = Registry::new(&RegistryConfig::plain(registry))?;
    let keys = Decoder::new(registry.clone(), DRIFT_KEY.schema());
    let values = Decoder::new(registry, DRIFT_VALUE.schema());
    let mut topic = DriftTopic {
        standing: Verdicts::new(),
        cleared: BTreeSet::new(),
    };
    for record in records(kafka, DRIFT).await? {
        let key: DriftKey = keys.decode(&record.key).await?;
        match record.value {
            Some(bytes) => {
                let value: DriftValue = values.decode(&bytes).await?;
                topic.cleared.remove(&key);
                topic.standing.insert(key, value.into());
            }
            None => {
                topic.standing.remove(&key);
                topic.cleared.insert(key);
            }
        }
    }
    Ok(topic)
}

/// The distinct readings, in the order of their identity.
pub(crate) async fn readings(kafka: &str, registry: &str) -> Result<Vec<Reading>> {
    let registry = Registry::new(&RegistryConfig::plain(registry))?;
    let keys = Decoder::new(registry.clone(), RAW_METRICS_KEY.schema());
    let values = Decoder::new(registry, RAW_METRICS_VALUE.schema());
    let mut distinct = BTreeMap::new();
    for record in records(kafka, RAW).await? {
        let key: DeviceMetricKey = keys.decode(&record.key).await?;
        let value: DeviceMetricValue = values
            .decode(&record.value.context("a reading without a value")?)
            .await?;
        let reading = Reading {
            device_id: key.device_id,
            patient_id: value.patient_id,
            metric_name: value.metric_name,
            ts: value.ts,
            value: value.metric_value,
        };
        let identity = (
            reading.device_id.clone(),
            reading.metric_name.clone(),
            reading.ts,
        );
        if let Some(other) = distinct.insert(identity, reading.clone())
            && other != reading
        {
            bail!("two different readings with one identity: {other:?} and {reading:?}");
        }
    }
    Ok(distinct.into_values().collect())
}

/// Writes one record with the same bytes as its key and its value, and waits until it is acknowledged. Its partition and
/// offset.
pub(crate) async fn send(kafka: &str, topic: &str, bytes: &[u8]) -> Result<(i32, i64)> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .create()?;
    let record = FutureRecord::to(topic).key(bytes).payload(bytes);
    let sent = producer.send(record, TIMEOUT).await;
    let place = sent.map_err(|(error, _)| error)?;
    Ok((place.partition, place.offset))
}

/// End offset of each partition.
pub(crate) fn end_offsets(kafka: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
    let consumer = consumer(kafka)?;
    let mut ends = BTreeMap::new();
    for partition in partitions(&consumer, topic)? {
        ends.insert(
            partition,
            consumer.fetch_watermarks(topic, partition, TIMEOUT)?.1,
        );
    }
    Ok(ends)
}

fn consumer(kafka: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", "hc-e2e")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?)
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
    let topic = metadata.topics().first().context("no such topic")?;
    Ok(topic
        .partitions()
        .iter()
        .map(|partition| partition.id())
        .collect())
}

pub(crate) async fn records(kafka: &str, topic: &str) -> Result<Vec<Bytes>> {
    let (kafka, topic) = (kafka.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_to_end(&kafka, &topic)).await?
}

fn read_to_end(kafka: &str, topic: &str) -> Result<Vec<Bytes>> {
    let consumer = consumer(kafka)?;
    let mut assignment = TopicPartitionList::new();
    let mut open = BTreeSet::new();
    for partition in partitions(&consumer, topic)? {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
        open.insert(partition);
    }
    consumer.assign(&assignment)?;
    let mut records = Vec::new();
    while !open.is_empty() {
        match consumer.poll(TIMEOUT) {
            Some(Ok(message)) => records.push(Bytes {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().context("a record without a key")?.to_owned(),
                value: message.payload().map(<[u8]>::to_owned),
            }),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => return Err(error.into()),
            None => bail!("{topic} could not be read to its end within {TIMEOUT:?}"),
        }
    }
    Ok(records)
}
