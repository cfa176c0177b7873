//! The product's topics, and how far our projections have read them.

use std::collections::BTreeMap;

use hc_contracts::topics::{self, Layer};
use hc_kafka::Watermarks;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{INNER_LIMIT, Part, Pipeline, counted};
use crate::{
    kafka::Kafka,
    projection::{Projection, word},
};

/// A topic of the product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PipelineTopic)]
pub struct Topic {
    #[schema(examples("hc_fct_drift_evts"))]
    name: String,
    layer: TopicLayer,
    /// False before its writer has made it
    exists: bool,
    /// Offsets between begin and end: there are at most so many records, fewer after compaction and with transactions
    records_at_most: i64,
    partitions: Vec<Partition>,
    /// Projections of this service that read it
    consumers: Vec<Consumer>,
}

/// How far the records have come: from devices, from tables of Postgres, cleaned, rearranged, joined or concluded by Flink
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TopicLayer {
    Raw,
    Cdc,
    Source,
    Intermediate,
    Dimension,
    Fact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PipelineTopicPartition)]
pub struct Partition {
    partition: i32,
    /// Offset of the first record that exists
    begin: i64,
    /// Offset that the next record gets
    end: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PipelineConsumer)]
pub struct Consumer {
    #[schema(examples("drift"))]
    name: &'static str,
    /// `starting`, `waiting_for_topic`, `catching_up`, `caught_up`, `backing_off` or `stopped`
    state: &'static str,
    /// Records still to be applied, of all partitions; null while its position is not known
    #[schema(required)]
    lag: Option<i64>,
    partitions: Vec<Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PipelineConsumerPartition)]
pub struct Position {
    partition: i32,
    /// Offset of the next record to apply
    position: i64,
    lag: i64,
}

type Offsets = BTreeMap<i32, Watermarks>;

impl Pipeline {
    pub(super) async fn topics(&self) -> Part<Vec<Topic>> {
        let Some(kafka) = &self.kafka else {
            return Part::not_set("KAFKA_BOOTSTRAP_SERVERS");
        };
        let names = topics::ALL.map(|(name, _)| kafka.name(name)).to_vec();
        let (offsets, read_id) = tokio::join!(
            kafka.admin.offsets(names, INNER_LIMIT),
            topic_id(kafka, self.projection.as_ref()),
        );
        let mut offsets = match offsets {
            Ok(offsets) => offsets,
            Err(error) => return Part::unavailable(format!("Kafka does not answer ({error}).")),
        };
        let topics: Vec<Topic> = topics::ALL
            .into_iter()
            .map(|(name, layer)| {
                let name = kafka.name(name);
                let marks = offsets.remove(&name);
                let reads = |projection: &&Projection| projection.topic == name;
                let consumers = self.projection.iter().filter(reads);
                let consumers = consumers
                    .map(|projection| consumer(projection, marks.as_ref(), read_id.as_deref()))
                    .collect();
                topic(name, layer, marks, consumers)
            })
            .collect();
        let wrong = wrong(&topics);
        Part::found(topics, wrong)
    }
}

/// The identity that the topic of the projection has now.
async fn topic_id(kafka: &Kafka, projection: Option<&Projection>) -> Option<String> {
    let look = kafka.admin.topic(&projection?.topic);
    Some(timeout(INNER_LIMIT, look).await.ok()?.ok()??.id)
}

fn topic(name: String, layer: Layer, marks: Option<Offsets>, consumers: Vec<Consumer>) -> Topic {
    let exists = marks.is_some();
    let partitions: Vec<Partition> = marks
        .into_iter()
        .flatten()
        .map(|(partition, Watermarks { low, high })| Partition {
            partition,
            begin: low,
            end: high,
        })
        .collect();
    Topic {
        name,
        layer: match layer {
            Layer::Raw => TopicLayer::Raw,
            Layer::Cdc => TopicLayer::Cdc,
            Layer::Source => TopicLayer::Source,
            Layer::Intermediate => TopicLayer::Intermediate,
            Layer::Dimension => TopicLayer::Dimension,
            Layer::Fact => TopicLayer::Fact,
        },
        exists,
        records_at_most: partitions.iter().map(|one| one.end - one.begin).sum(),
        partitions,
        consumers,
    }
}

/// A position is one in this very topic, not in an earlier one of the same name.
fn consumer(projection: &Projection, marks: Option<&Offsets>, id: Option<&str>) -> Consumer {
    let progress = projection.progress.borrow().clone();
    let marks = marks.filter(|_| id == Some(&progress.topic_id));
    let partitions: Vec<Position> = marks
        .into_iter()
        .flatten()
        .filter_map(|(partition, marks)| {
            let position = progress.partitions.get(partition)?.position;
            Some(Position {
                partition: *partition,
                position,
                lag: (marks.high - position).max(0),
            })
        })
        .collect();
    let known = marks.is_some_and(|marks| marks.len() == partitions.len());
    Consumer {
        name: projection.name,
        state: word(&projection.state.borrow()),
        lag: known.then(|| partitions.iter().map(|one| one.lag).sum()),
        partitions,
    }
}

fn wrong(topics: &[Topic]) -> Option<String> {
    let missing: Vec<&str> = topics
        .iter()
        .filter(|topic| !topic.exists)
        .map(|topic| topic.name.as_str())
        .collect();
    let failing: Vec<&str> = topics
        .iter()
        .flat_map(|topic| &topic.consumers)
        .filter(|consumer| matches!(consumer.state, "backing_off" | "stopped"))
        .map(|consumer| consumer.name)
        .collect();
    if !failing.is_empty() {
        return Some(format!(
            "The projection {} fails and is tried again; see the log of this service.",
            failing.join(", ")
        ));
    }
    (!missing.is_empty()).then(|| {
        let count = counted(missing.len(), "topic");
        format!(
            "{count} not made yet by the writer: {}.",
            missing.join(", ")
        )
    })
}
