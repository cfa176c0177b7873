//! Administration: topics as described are made so, and the cluster is asked about topics, ids and offsets.

mod settings;
mod types;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::KafkaError,
    types::RDKafkaErrorCode,
};

pub use types::{AdminError, ClusterInfo, TopicChange, TopicInfo, TopicSpec, Watermarks};

use crate::{config::KafkaConfig, topic_id};

/// How long a single request to the cluster may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How often something that is about to change is looked at.
const POLL: Duration = Duration::from_millis(20);

/// An administrative client. Clones share one connection.
#[derive(Clone)]
pub struct Admin {
    client: Arc<AdminClient<DefaultClientContext>>,
}

impl Admin {
    /// Makes the client; it connects with the first request, so an absent broker is no error yet.
    pub fn new(config: &KafkaConfig) -> Result<Self, AdminError> {
        let client = config.client("hc-admin").create();
        Ok(Self {
            client: Arc::new(client.map_err(AdminError::Client)?),
        })
    }

    /// Health check by metadata.
    pub async fn ping(&self, timeout: Duration) -> Result<ClusterInfo, AdminError> {
        self.blocking("reading cluster metadata", move |admin| {
            let metadata = admin.client.inner().fetch_metadata(None, timeout)?;
            Ok(ClusterInfo {
                brokers: metadata.brokers().len(),
                topics: metadata.topics().len(),
            })
        })
        .await
    }

    /// Creates a topic and waits until the brokers know it; `false` when it already exists, whatever its
    /// settings.
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<bool, AdminError> {
        let what = || format!("creating topic {}", spec.name);
        // -1 asks for the cluster's default.
        let replication = TopicReplication::Fixed(spec.replication.unwrap_or(-1));
        let topic = spec.configs.iter().fold(
            NewTopic::new(&spec.name, spec.partitions, replication),
            |topic, (name, value)| topic.set(name, value),
        );
        let results = self
            .client
            .create_topics([&topic], &options())
            .await
            .map_err(|cause| AdminError::Request {
                what: what(),
                cause,
            })?;
        match results.into_iter().next() {
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, code))) => Err(AdminError::Refused { what: what(), code }),
            _ => {
                self.until_topic(&spec.name, true).await?;
                Ok(true)
            }
        }
    }

    /// Deletes a topic and waits until the brokers have forgotten it; `false` when there was none.
    pub async fn delete_topic(&self, name: &str) -> Result<bool, AdminError> {
        let what = || format!("deleting topic {name}");
        let results = self
            .client
            .delete_topics(&[name], &options())
            .await
            .map_err(|cause| AdminError::Request {
                what: what(),
                cause,
            })?;
        match results.into_iter().next() {
            Some(Err((_, RDKafkaErrorCode::UnknownTopicOrPartition))) => Ok(false),
            Some(Err((_, code))) => Err(AdminError::Refused { what: what(), code }),
            _ => {
                self.until_topic(name, false).await?;
                Ok(true)
            }
        }
    }

    /// The controller answers before every broker has heard of it.
    async fn until_topic(&self, name: &str, present: bool) -> Result<(), AdminError> {
        let deadline = tokio::time::Instant::now() + REQUEST_TIMEOUT;
        while self.topic(name).await?.is_some() != present {
            if tokio::time::Instant::now() >= deadline {
                return Err(AdminError::Refused {
                    what: format!("waiting for the brokers to learn about topic {name}"),
                    code: RDKafkaErrorCode::OperationTimedOut,
                });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Names of all topics, internal ones left out.
    pub async fn list_topics(&self) -> Result<Vec<String>, AdminError> {
        self.blocking("listing topics", |admin| {
            let metadata = admin.client.inner().fetch_metadata(None, REQUEST_TIMEOUT)?;
            let mut names: Vec<_> = metadata
                .topics()
                .iter()
                .map(|topic| topic.name().to_owned())
                .filter(|name| !name.starts_with("__"))
                .collect();
            names.sort();
            Ok(names)
        })
        .await
    }

    /// Id and partitions of a topic, or `None` when there is no such topic.
    pub async fn topic(&self, name: &str) -> Result<Option<TopicInfo>, AdminError> {
        let owned = name.to_owned();
        self.blocking(&format!("describing topic {name}"), move |admin| {
            let client = admin.client.inner();
            // Librdkafka knocks at a controller that is gone thousands of times a second, but waits here.
            client.fetch_metadata(None, REQUEST_TIMEOUT)?;
            let timeout = i32::try_from(REQUEST_TIMEOUT.as_millis()).unwrap_or(i32::MAX);
            topic_id::describe(client.native_ptr(), &owned, timeout)
                .map(|found| {
                    found.map(|found| TopicInfo {
                        name: owned,
                        id: found.id,
                        partitions: found.partitions,
                    })
                })
                .map_err(KafkaError::AdminOp)
        })
        .await
    }

    /// First and next offset of every partition, or `None` when there is no such topic.
    pub async fn watermarks(
        &self,
        name: &str,
    ) -> Result<Option<BTreeMap<i32, Watermarks>>, AdminError> {
        let Some(topic) = self.topic(name).await? else {
            return Ok(None);
        };
        self.blocking(&format!("reading the offsets of {name}"), move |admin| {
            (0..topic.partitions)
                .map(|partition| {
                    let (low, high) = admin.client.inner().fetch_watermarks(
                        &topic.name,
                        partition,
                        REQUEST_TIMEOUT,
                    )?;
                    Ok((partition, Watermarks { low, high }))
                })
                .collect::<Result<_, KafkaError>>()
                .map(Some)
        })
        .await
    }

    /// First and next offset of every partition of those of `topics` that exist, all within `limit`: for a look at the
    /// cluster that must not wait longer.
    pub async fn offsets(
        &self,
        topics: Vec<String>,
        limit: Duration,
    ) -> Result<BTreeMap<String, BTreeMap<i32, Watermarks>>, AdminError> {
        let deadline = Instant::now() + limit;
        self.blocking("reading the offsets of topics", move |admin| {
            let client = admin.client.inner();
            let left = || deadline.saturating_duration_since(Instant::now());
            let metadata = client.fetch_metadata(None, left())?;
            let mut found = BTreeMap::new();
            for topic in metadata.topics() {
                if !topics.iter().any(|name| name == topic.name()) {
                    continue;
                }
                let mut partitions = BTreeMap::new();
                for partition in topic.partitions() {
                    let (low, high) =
                        client.fetch_watermarks(topic.name(), partition.id(), left())?;
                    partitions.insert(partition.id(), Watermarks { low, high });
                }
                found.insert(topic.name().to_owned(), partitions);
            }
            Ok(found)
        })
        .await
    }

    /// Deletes every record of a partition before an offset, and answers the first offset that is left. A topic that is
    /// only compacted refuses it.
    pub async fn delete_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<i64, AdminError> {
        let what = || format!("deleting the records of {topic} before offset {offset}");
        let failed = |cause| AdminError::Request {
            what: what(),
            cause,
        };
        let mut before = TopicPartitionList::new();
        before
            .add_partition_offset(topic, partition, Offset::Offset(offset))
            .map_err(failed)?;
        let deleted = self.client.delete_records(&before, &options()).await;
        let deleted = deleted.map_err(failed)?;
        let partition = deleted.find_partition(topic, partition);
        let partition = partition.ok_or(AdminError::Stopping)?;
        match partition.error() {
            Ok(()) => Ok(partition.offset().to_raw().unwrap_or(offset)),
            Err(cause) => Err(match cause.rdkafka_error_code() {
                Some(RDKafkaErrorCode::PolicyViolation) => AdminError::OnlyCompacted {
                    topic: topic.to_owned(),
                },
                code => AdminError::Refused {
                    what: what(),
                    code: code.unwrap_or(RDKafkaErrorCode::Unknown),
                },
            }),
        }
    }

    /// Librdkafka's synchronous calls must not hold up the async runtime.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &str,
        ask: impl FnOnce(&Self) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let admin = self.clone();
        tokio::task::spawn_blocking(move || ask(&admin))
            .await
            .map_err(|_cancelled| AdminError::Stopping)?
            .map_err(|cause| AdminError::Request {
                what: what.to_owned(),
                cause,
            })
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(REQUEST_TIMEOUT))
        .operation_timeout(Some(REQUEST_TIMEOUT))
}
