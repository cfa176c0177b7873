//! Copies of pipelines on one Flink: production SQL with renamed tables, whose inputs are filled and whose outputs are
//! read as topics.

use std::fs;

use anyhow::{Context, Result};
use hc_kafka::{Admin, KafkaConfig, Producer, ProducerSettings, Registry, RegistryConfig};

use crate::flink::Flink;
use crate::gateway::Gateway;
use crate::pipelines::{Definition, Pipelines};
use crate::rename::Names;
use crate::{repository, tuning};

/// The shared servers, with a statements gateway on them.
pub struct Bench {
    pub(crate) pipelines: Pipelines,
    pub(crate) gateway: Gateway,
    pub(crate) flink: Flink,
    pub(crate) kafka: String,
    pub(crate) admin: Admin,
    pub(crate) producer: Producer,
    pub(crate) registry: Registry,
}

/// What is copied: the statements that fill these tables, under names that end with the suffix.
#[derive(Debug, Clone)]
pub struct Copy {
    pub tables: Vec<String>,
    pub suffix: String,
}

impl Bench {
    /// Starts a gateway with the production tuning, which holds for these copies as well. The servers are those of the
    /// environment.
    pub async fn start(pipelines: Pipelines, copies: &[Copy]) -> Result<Self> {
        let production = fs::read_to_string(repository().join("platform/flink/statements.toml"))?;
        let names = copies
            .iter()
            .map(|copy| copy.names(&pipelines))
            .collect::<Result<Vec<_>>>()?;
        let tuning = tuning::renamed(&production, names.iter())?;
        let kafka = variable("KAFKA_BOOTSTRAP_SERVERS")?;
        let config = KafkaConfig::plaintext(&kafka);
        Ok(Self {
            gateway: Gateway::start(&tuning).await?,
            flink: Flink::new(&variable("FLINK_REST_URL")?)?,
            admin: Admin::new(&config)?,
            producer: Producer::new(&config, &ProducerSettings::default())?,
            registry: Registry::new(&RegistryConfig::plain(variable("SCHEMA_REGISTRY_URL")?))?,
            pipelines,
            kafka,
        })
    }
}

impl Copy {
    pub(crate) fn definitions<'a>(&self, pipelines: &'a Pipelines) -> Result<Vec<&'a Definition>> {
        self.tables
            .iter()
            .map(|table| pipelines.definition(table))
            .collect()
    }

    /// New names of everything that the statements touch.
    pub(crate) fn names(&self, pipelines: &Pipelines) -> Result<Names> {
        let definitions = self.definitions(pipelines)?;
        let touched = definitions
            .iter()
            .flat_map(|definition| definition.inputs.iter().chain(&definition.outputs));
        Ok(touched
            .map(|table| (table.clone(), format!("{table}_{}", self.suffix)))
            .collect())
    }
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .with_context(|| {
            format!("{name} is not set: run through ./run_tests.sh or hc-platform exec")
        })
}
