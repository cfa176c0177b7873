//! Settings of topics: made as described, and read.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::admin::{AlterConfig, ConfigSource, ResourceSpecifier};

use super::{Admin, AdminError, POLL, TopicChange, TopicSpec, options};

/// How long a changed setting may take to show.
const ALTER_LIMIT: Duration = Duration::from_secs(2);

impl Admin {
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
}
