//! Topics read from their beginning to the end they have now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::codec::Bytes;

const TIMEOUT: Duration = Duration::from_secs(20);

/// All records of a topic; those of one key in order.
pub(crate) async fn read(kafka: &str, topic: &str) -> Result<Vec<Bytes>> {
    let (kafka, topic) = (kafka.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_to_end(&kafka, &topic)).await?
}

/// Offset of the last record of each partition that has any.
pub(crate) async fn last_offsets(kafka: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
    let (kafka, topic) = (kafka.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || ends(&kafka, &topic)).await?
}

fn ends(kafka: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
    let consumer = consumer(kafka)?;
    let mut last = BTreeMap::new();
    for partition in partitions(&consumer, topic)? {
        let (_, end) = consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
        if end > 0 {
            last.insert(partition, end - 1);
        }
    }
    Ok(last)
}

fn consumer(kafka: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", "hc-e2e")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        // An end is told with the next answer, for which an idle broker takes its time.
        .set("fetch.wait.max.ms", "10")
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
            Some(Ok(message)) => records.push((
                message.key().context("a record without a key")?.to_owned(),
                message.payload().map(<[u8]>::to_owned),
            )),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => return Err(error.into()),
            None => bail!("{topic} could not be read to its end within {TIMEOUT:?}"),
        }
    }
    Ok(records)
}
