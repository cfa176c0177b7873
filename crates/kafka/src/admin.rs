//! Administration: topics as described are made so, and the cluster is asked about topics, ids and offsets.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use rdkafka::{
    admin::{
        AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, OwnedResourceSpecifier,
        ResourceSpecifier, TopicReplication,
    },
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::{config::KafkaConfig, topic_id};

/// How long a single request to the cluster may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a changed setting may take to show.
const ALTER_LIMIT: Duration = Duration::from_secs(2);
/// How often something that is about to change is looked at.
const POLL: Duration = Duration::from_millis(20);

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

/// An administrative client. Clones share one connection.
#[derive(Clone)]
pub struct Admin {
    client: Arc<AdminClient<DefaultClientContext>>,
    /// Watermarks of partitions are a consumer's question.
    consumer: Arc<BaseConsumer>,
}

impl Admin {
    /// Makes the client; it connects with the first request, so an absent broker is no error yet.
    pub fn new(config: &KafkaConfig) -> Result<Self, AdminError> {
        let client = config.client("hc-admin");
        Ok(Self {
            client: Arc::new(client.create().map_err(AdminError::Client)?),
            consumer: Arc::new(client.create().map_err(AdminError::Client)?),
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

    /// Creates what is missing and alters settings that differ. Repeating it changes nothing.
    pub async fn apply(&self, specs: &[TopicSpec]) -> Result<Vec<TopicChange>, AdminError> {
        let mut changes = Vec::with_capacity(specs.len());
        for spec in specs {
            changes.push(self.apply_one(spec).await?);
        }
        Ok(changes)
    }

    async fn apply_one(&self, spec: &TopicSpec) -> Result<TopicChange, AdminError> {
        let topic = spec.name.clone();
        if self.create_topic(spec).await? {
            return Ok(TopicChange::Created { topic });
        }
        if let Some(actual) = self.topic(&topic).await?
            && actual.partitions != spec.partitions
        {
            return Err(AdminError::Partitions {
                topic,
                actual: actual.partitions,
                wanted: spec.partitions,
            });
        }
        let actual = self.topic_configs(&topic).await?;
        let configs: BTreeMap<_, _> = spec
            .configs
            .iter()
            .filter(|(name, value)| actual.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if configs.is_empty() {
            return Ok(TopicChange::Unchanged { topic });
        }
        self.alter_configs(&topic, &configs).await?;
        Ok(TopicChange::Altered { topic, configs })
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

    /// Sets some settings of a topic; the others that were set on it stay.
    pub async fn alter_configs(
        &self,
        topic: &str,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), AdminError> {
        let what = || format!("altering topic {topic}");
        // This request replaces everything set on the topic, so what was set before goes along.
        let mut all = self.set_on_topic(topic).await?;
        all.extend(configs.clone());
        let request = all.iter().fold(
            AlterConfig::new(ResourceSpecifier::Topic(topic)),
            |request, (name, value)| request.set(name, value),
        );
        let results = self
            .client
            .alter_configs([&request], &options())
            .await
            .map_err(|cause| AdminError::Request {
                what: what(),
                cause,
            })?;
        match results.into_iter().next() {
            Some(Err((_, code))) => Err(AdminError::Refused { what: what(), code }),
            _ => self.until_settings(topic, configs).await,
        }
    }

    /// The client does not pass on that a broker refused a value, so the outcome is read back.
    async fn until_settings(
        &self,
        topic: &str,
        wanted: &BTreeMap<String, String>,
    ) -> Result<(), AdminError> {
        let deadline = tokio::time::Instant::now() + ALTER_LIMIT;
        loop {
            let actual = self.topic_configs(topic).await?;
            let Some((name, value)) = wanted
                .iter()
                .find(|(name, value)| actual.get(*name) != Some(value))
            else {
                return Ok(());
            };
            if tokio::time::Instant::now() >= deadline {
                return Err(AdminError::SettingRefused {
                    topic: topic.to_owned(),
                    name: name.clone(),
                    value: value.clone(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Every setting in force for a topic, defaults included.
    pub async fn topic_configs(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError> {
        self.configs(topic, |_| true).await
    }

    async fn set_on_topic(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError> {
        self.configs(topic, |source| matches!(source, ConfigSource::DynamicTopic))
            .await
    }

    async fn configs(
        &self,
        topic: &str,
        wanted: impl Fn(&ConfigSource) -> bool,
    ) -> Result<BTreeMap<String, String>, AdminError> {
        let what = || format!("reading the settings of topic {topic}");
        let results = self
            .client
            .describe_configs([&ResourceSpecifier::Topic(topic)], &options())
            .await
            .map_err(|cause| AdminError::Request {
                what: what(),
                cause,
            })?;
        let mut found = BTreeMap::new();
        for result in results {
            let resource = result.map_err(|code| AdminError::Refused { what: what(), code })?;
            debug_assert!(matches!(
                resource.specifier,
                OwnedResourceSpecifier::Topic(_)
            ));
            found.extend(
                resource
                    .entries
                    .into_iter()
                    .filter(|entry| wanted(&entry.source))
                    .filter_map(|entry| Some((entry.name, entry.value?))),
            );
        }
        Ok(found)
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
            let timeout = i32::try_from(REQUEST_TIMEOUT.as_millis()).unwrap_or(i32::MAX);
            topic_id::describe(admin.client.inner().native_ptr(), &owned, timeout)
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
                    let (low, high) =
                        admin
                            .consumer
                            .fetch_watermarks(&topic.name, partition, REQUEST_TIMEOUT)?;
                    Ok((partition, Watermarks { low, high }))
                })
                .collect::<Result<_, KafkaError>>()
                .map(Some)
        })
        .await
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
