//! How to reach Kafka and the schema registry: explicit structs, and the clap arguments (with the
//! environment names of `.env.example`) that fill them.

use std::fmt;

use clap::Args;
use rdkafka::ClientConfig;

/// What is wrong with the configuration, and what to set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    #[error(
        "KAFKA_SECURITY_PROTOCOL={protocol} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD \
         (or KAFKA_API_KEY and KAFKA_API_SECRET)"
    )]
    MissingCredentials { protocol: String },
    #[error(
        "KAFKA_SECURITY_PROTOCOL={0} is unknown: use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )]
    UnknownProtocol(String),
    #[error("SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO must look like user:password")]
    MalformedBasicAuth,
    #[error("SCHEMA_REGISTRY_URL={0} is not an http or https URL")]
    MalformedRegistryUrl(String),
}

/// User name and password of SASL or of HTTP basic authentication. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// How to reach a Kafka cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `host:port`, comma separated.
    pub bootstrap_servers: String,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub security_protocol: String,
    /// `PLAIN`, `SCRAM-SHA-256`, ...; used with `SASL_*` only.
    pub sasl_mechanism: String,
    pub sasl: Option<Credentials>,
}

impl KafkaConfig {
    /// An unprotected cluster, as the local one is.
    pub fn plaintext(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            security_protocol: "PLAINTEXT".to_owned(),
            sasl_mechanism: "PLAIN".to_owned(),
            sasl: None,
        }
    }

    pub(crate) fn client(&self, client_id: &str) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", client_id)
            .set("security.protocol", self.security_protocol.to_lowercase())
            // A broker that restarts is found again within a second, not after ten.
            .set("reconnect.backoff.max.ms", "1000");
        if let Some(sasl) = &self.sasl {
            client
                .set("sasl.mechanisms", &self.sasl_mechanism)
                .set("sasl.username", &sasl.username)
                .set("sasl.password", &sasl.password);
        }
        client
    }
}

/// How to reach a schema registry that speaks Confluent's REST contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Base URL; subjects are at `<url>/subjects`.
    pub url: String,
    pub basic_auth: Option<Credentials>,
    /// `.flink-dev` makes `:.flink-dev:<topic>-value` of `<topic>-value`; empty leaves names alone.
    pub subject_prefix: String,
}

impl RegistryConfig {
    /// An unprotected registry without a subject prefix, as the local one is.
    pub fn plain(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            basic_auth: None,
            subject_prefix: String::new(),
        }
    }
}

/// Command line and environment of a Kafka client. Flatten it into a binary's arguments.
#[derive(Debug, Clone, Default, Args)]
pub struct KafkaArgs {
    /// Kafka brokers, host:port, comma separated; empty runs without Kafka
    #[arg(long, env = "KAFKA_BOOTSTRAP_SERVERS", default_value = "")]
    pub kafka_bootstrap_servers: String,
    /// PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; default: SASL_SSL with a user name, else PLAINTEXT
    #[arg(long, env = "KAFKA_SECURITY_PROTOCOL", default_value = "")]
    pub kafka_security_protocol: String,
    /// SASL mechanism
    #[arg(long, env = "KAFKA_SASL_MECHANISM", default_value = "PLAIN")]
    pub kafka_sasl_mechanism: String,
    /// SASL user name (fallback: KAFKA_API_KEY)
    #[arg(
        long,
        env = "KAFKA_SASL_USERNAME",
        default_value = "",
        hide_env_values = true
    )]
    pub kafka_sasl_username: String,
    /// SASL password (fallback: KAFKA_API_SECRET)
    #[arg(
        long,
        env = "KAFKA_SASL_PASSWORD",
        default_value = "",
        hide_env_values = true
    )]
    pub kafka_sasl_password: String,
    #[arg(long, env = "KAFKA_API_KEY", default_value = "", hide = true)]
    pub kafka_api_key: String,
    #[arg(long, env = "KAFKA_API_SECRET", default_value = "", hide = true)]
    pub kafka_api_secret: String,
}

impl KafkaArgs {
    /// The configuration, or `None` when no broker is given.
    pub fn config(&self) -> Result<Option<KafkaConfig>, ConfigError> {
        if self.kafka_bootstrap_servers.is_empty() {
            return Ok(None);
        }
        let sasl = self.credentials();
        let protocol = match self.kafka_security_protocol.to_uppercase() {
            given if !given.is_empty() => given,
            _ if sasl.is_some() => "SASL_SSL".to_owned(),
            _ => "PLAINTEXT".to_owned(),
        };
        if !["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"].contains(&protocol.as_str()) {
            return Err(ConfigError::UnknownProtocol(protocol));
        }
        let uses_sasl = protocol.starts_with("SASL_");
        if uses_sasl && sasl.is_none() {
            return Err(ConfigError::MissingCredentials { protocol });
        }
        Ok(Some(KafkaConfig {
            bootstrap_servers: self.kafka_bootstrap_servers.clone(),
            security_protocol: protocol,
            sasl_mechanism: self.kafka_sasl_mechanism.clone(),
            sasl: sasl.filter(|_| uses_sasl),
        }))
    }

    fn credentials(&self) -> Option<Credentials> {
        let pairs = [
            (&self.kafka_sasl_username, &self.kafka_sasl_password),
            (&self.kafka_api_key, &self.kafka_api_secret),
        ];
        pairs
            .into_iter()
            .find(|(username, _)| !username.is_empty())
            .map(|(username, password)| Credentials {
                username: username.clone(),
                password: password.clone(),
            })
    }
}

/// Command line and environment of a schema registry client.
#[derive(Debug, Clone, Default, Args)]
pub struct RegistryArgs {
    /// Schema registry (Confluent REST contract); locally http://localhost:8081/apis/ccompat/v7
    #[arg(long, env = "SCHEMA_REGISTRY_URL", default_value = "")]
    pub schema_registry_url: String,
    /// user:password of the schema registry
    #[arg(
        long,
        env = "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO",
        default_value = "",
        hide_env_values = true
    )]
    pub schema_registry_basic_auth_user_info: String,
    /// Subject prefix: `.flink-dev` names subjects `:.flink-dev:<topic>-value`
    #[arg(long, env = "SCHEMA_SUBJECT_PREFIX", default_value = "")]
    pub schema_subject_prefix: String,
}

impl RegistryArgs {
    /// The configuration, or `None` when no registry is given.
    pub fn config(&self) -> Result<Option<RegistryConfig>, ConfigError> {
        if self.schema_registry_url.is_empty() {
            return Ok(None);
        }
        let basic_auth = match self.schema_registry_basic_auth_user_info.as_str() {
            "" => None,
            info => {
                let (username, password) = info
                    .split_once(':')
                    .ok_or(ConfigError::MalformedBasicAuth)?;
                Some(Credentials {
                    username: username.to_owned(),
                    password: password.to_owned(),
                })
            }
        };
        Ok(Some(RegistryConfig {
            url: self.schema_registry_url.clone(),
            basic_auth,
            subject_prefix: self.schema_subject_prefix.clone(),
        }))
    }
}
