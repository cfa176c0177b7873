//! The cluster of the test run, under a prefix of its own for each test.

use std::{
    env,
    sync::{Arc, Mutex},
    time::Duration,
};

use hc_api::kafka::Kafka;
use hc_kafka::{
    Batch, ConsumerLoop, ConsumerSettings, Handler, HandlerError, KafkaArgs, Outcome, Position,
    Record, RegistryArgs, ResetReason, Topic,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

fn address(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run through ./run_tests.sh or hc-platform exec")
    })
}

/// Clients of the shared cluster; topics begin with the prefix and the number of this process.
pub(crate) fn shared(prefix: &str) -> Kafka {
    let prefix = format!("{prefix}-{}-", std::process::id());
    clients(
        &address("KAFKA_BOOTSTRAP_SERVERS"),
        &address("SCHEMA_REGISTRY_URL"),
        prefix,
    )
}

pub(crate) fn clients(brokers: &str, registry: &str, prefix: String) -> Kafka {
    let kafka = KafkaArgs {
        kafka_bootstrap_servers: brokers.to_owned(),
        ..KafkaArgs::default()
    };
    let registry = RegistryArgs {
        schema_registry_url: registry.to_owned(),
        ..RegistryArgs::default()
    };
    let kafka = Kafka::new(&kafka, &registry).unwrap().unwrap();
    Kafka { prefix, ..kafka }
}

/// Everything in a topic, in the order of its partitions. The topic must not be written to.
pub(crate) async fn read_all(kafka: &Kafka, topic: &str) -> Vec<Record> {
    let marks = kafka
        .admin
        .watermarks(topic)
        .await
        .unwrap()
        .expect("the topic exists");
    let wanted = marks
        .values()
        .map(|mark| usize::try_from(mark.high - mark.low).unwrap())
        .sum();
    read(kafka, topic, wanted).await
}

/// The first records of a topic, as soon as there are so many.
pub(crate) async fn read(kafka: &Kafka, topic: &str, wanted: usize) -> Vec<Record> {
    if wanted == 0 {
        return Vec::new();
    }
    let collector = Collector {
        records: Arc::default(),
        wanted,
        done: CancellationToken::new(),
    };
    let (records, done) = (collector.records.clone(), collector.done.clone());
    let settings = ConsumerSettings::new(topic, "test");
    let consumer = ConsumerLoop::new(
        &kafka.config,
        settings,
        kafka.admin.clone(),
        kafka.dead_letters(),
    );
    let finished = timeout(Duration::from_secs(30), consumer.run(collector, done)).await;
    let mut records = std::mem::take(&mut *records.lock().unwrap());
    assert!(
        finished.is_ok(),
        "{topic}: {} records instead of {wanted}",
        records.len()
    );
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

struct Collector {
    records: Arc<Mutex<Vec<Record>>>,
    wanted: usize,
    done: CancellationToken,
}

impl Handler for Collector {
    async fn position(&mut self, _: &Topic) -> Result<Option<Position>, HandlerError> {
        Ok(None)
    }

    async fn reset(&mut self, _: &Topic, _: &ResetReason) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn handle(&mut self, batch: &Batch) -> Outcome {
        let mut records = self.records.lock().unwrap();
        records.extend_from_slice(&batch.records);
        if records.len() >= self.wanted {
            self.done.cancel();
        }
        Outcome::Done
    }
}
