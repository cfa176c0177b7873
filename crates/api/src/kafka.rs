//! Everything of Kafka that the service uses, made from one configuration.

use std::time::Duration;

use anyhow::{Context as _, bail};
use hc_contracts::{subject::Subject, topics};
use hc_kafka::{
    Admin, DeadLetters, Inspector, KafkaArgs, KafkaConfig, Producer, ProducerSettings, Readers,
    Registry, RegistryArgs, RegistryError, TopicSpec,
};

/// Somebody waits for the answer, who is told by then that Kafka does not take a record.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Clients of one Kafka cluster and its schema registry; cheap to clone.
#[derive(Clone)]
pub struct Kafka {
    pub config: KafkaConfig,
    pub admin: Admin,
    /// Never gives a record up while the process lives: readings, which must be on the topic once and in order.
    pub producer: Producer,
    /// Gives a record up after a few seconds: what somebody waits for, or tries again by itself.
    pub prompt: Producer,
    pub registry: Registry,
    /// Before the names of all topics and subjects: empty, but for tests that share a cluster.
    pub prefix: String,
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kafka").finish_non_exhaustive()
    }
}

impl Kafka {
    /// The clients, or `None` when no broker is configured. Nothing connects yet.
    ///
    /// # Errors
    /// When the configuration contradicts itself.
    pub fn new(kafka: &KafkaArgs, registry: &RegistryArgs) -> anyhow::Result<Option<Self>> {
        let Some(config) = kafka.config()? else {
            return Ok(None);
        };
        let Some(registry) = registry.config()? else {
            bail!("KAFKA_BOOTSTRAP_SERVERS is set, so SCHEMA_REGISTRY_URL must be set as well");
        };
        let producer = |client_id: &str, delivery_timeout| {
            let settings = ProducerSettings {
                client_id: client_id.to_owned(),
                delivery_timeout,
                ..ProducerSettings::default()
            };
            Producer::new(&config, &settings).context("making a Kafka producer")
        };
        Ok(Some(Self {
            admin: Admin::new(&config)?,
            producer: producer("hc-api", Duration::ZERO)?,
            prompt: producer("hc-api-prompt", PROMPT_TIMEOUT)?,
            registry: Registry::new(&registry)?,
            prefix: String::new(),
            config,
        }))
    }

    /// Where records go that cannot be understood.
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.admin.clone(), self.prompt.clone())
    }

    /// Finds records that nobody can read.
    pub fn inspector(&self) -> Inspector {
        Inspector::new(&self.config, self.admin.clone(), self.registry.clone())
    }

    /// How the readers of a topic read it. A record without a value means nothing in the topics of raw data.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn readers(&self, topic: &str) -> Result<Readers, RegistryError> {
        let is_raw = topics::OWNED.iter().any(|raw| self.name(raw.name) == topic);
        self.inspector().readers(topic, !is_raw).await
    }

    /// The name that a topic or subject has here.
    pub fn name(&self, catalogued: &str) -> String {
        format!("{}{catalogued}", self.prefix)
    }

    /// Creates the topics that the service writes, and registers their schemas. One line for each says what was done;
    /// repeating it changes nothing.
    ///
    /// # Errors
    /// When Kafka or the registry does not answer or refuses.
    pub async fn ensure_topics(&self) -> anyhow::Result<Vec<String>> {
        let specs: Vec<TopicSpec> = topics::OWNED.iter().map(|topic| self.spec(topic)).collect();
        let changes = self.admin.apply(&specs).await?;
        let mut lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        for topic in &topics::OWNED {
            for subject in [topic.key, topic.value] {
                let id = self.register(subject).await?;
                lines.push(format!("{}: schema {id}", subject.name));
            }
        }
        Ok(lines)
    }

    /// Registers a schema and returns its id.
    ///
    /// # Errors
    /// When the registry does not answer or refuses.
    pub async fn register(&self, subject: &Subject) -> anyhow::Result<u32> {
        let name = self.name(subject.name);
        let id = self.registry.register(&name, subject.text).await;
        id.with_context(|| format!("registering {name}"))
    }

    fn spec(&self, topic: &topics::Topic) -> TopicSpec {
        let spec = TopicSpec::new(self.name(topic.name), topic.partitions);
        let configs = topic.configs.iter();
        configs.fold(spec, |spec, (name, value)| spec.config(*name, *value))
    }
}
