//! Client of a schema registry, by Confluent's REST contract and nothing else.
//!
//! Ids of schemas are schema_registry_converter's business; listing and deleting subjects, which that crate does
//! not know, is plain REST.
//!
//! Subjects are given without the environment's prefix; the client adds it to every name it sends and removes
//! it from those it returns.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use apache_avro::Schema;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use schema_registry_converter::{
    async_impl::schema_registry::{SrSettings, get_schema_by_id, post_schema},
    error::SRCError,
    schema_registry_common::{RawError, SchemaType, SuppliedSchema},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::config::{ConfigError, RegistryConfig};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Confluent's error code for a schema id that does not exist.
const SCHEMA_NOT_FOUND: u32 = 40403;

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the schema registry cannot be reached: {0}")]
    Unreachable(String),
    /// The registry's own words, e.g. about an incompatible schema (409) or an invalid one (422).
    #[error("the schema registry refused {what} ({status}): {message}")]
    Refused {
        what: String,
        status: u16,
        message: String,
    },
    #[error("the schema registry has no schema with id {id}")]
    UnknownId { id: u32 },
    #[error("schema id {id} is not a usable Avro schema: {message}")]
    Unusable { id: u32, message: String },
}

impl RegistryError {
    /// Asking again can help: the registry has not given its answer.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::Config(_) | Self::UnknownId { .. } | Self::Unusable { .. } => false,
        }
    }
}

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// Without the prefix.
    pub subject: String,
    pub version: i32,
    pub id: u32,
    /// The schema as JSON text.
    pub schema: String,
}

/// A client with a cache of schemas by id. Clones share it.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    base: Url,
    config: RegistryConfig,
    http: reqwest::Client,
    settings: SrSettings,
    schemas: Mutex<HashMap<u32, &'static Schema>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("base", &self.shared.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Makes the client; it connects with the first request.
    pub fn new(config: &RegistryConfig) -> Result<Self, RegistryError> {
        let malformed = || ConfigError::MalformedRegistryUrl(config.url.clone());
        let base = Url::parse(config.url.trim_end_matches('/')).map_err(|_error| malformed())?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(malformed().into());
        }
        let mut http = reqwest::Client::builder().timeout(TIMEOUT);
        let mut settings = SrSettings::new_builder(base.as_str().trim_end_matches('/').to_owned());
        settings.set_timeout(TIMEOUT);
        if base.host_str().is_some_and(is_this_machine) {
            // The environment may name a proxy for the world outside.
            http = http.no_proxy();
            settings.no_proxy();
        }
        if let Some(auth) = &config.basic_auth {
            settings.set_basic_authorization(&auth.username, Some(&auth.password));
        }
        let http = http
            .build()
            .map_err(|error| RegistryError::Unreachable(error.to_string()))?;
        let settings = settings
            .build()
            .map_err(|error| RegistryError::Unreachable(error.to_string()))?;
        Ok(Self {
            shared: Arc::new(Shared {
                base,
                config: config.clone(),
                http,
                settings,
                schemas: Mutex::new(HashMap::new()),
            }),
        })
    }

    /// The name a subject has in the registry: `:<prefix>:<subject>`, or the subject itself without a prefix.
    pub fn full_name(&self, subject: &str) -> String {
        match self.shared.config.subject_prefix.as_str() {
            "" => subject.to_owned(),
            prefix => format!(":{prefix}:{subject}"),
        }
    }

    /// Registers a schema (JSON text) and returns its id. The same text again returns the same id.
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let supplied = SuppliedSchema::new(None, SchemaType::Avro, schema.to_owned());
        post_schema(&self.shared.settings, self.full_name(subject), supplied)
            .await
            .map(|registered| registered.id)
            .map_err(|error| failure(&error, &format!("schema of {subject}")))
    }

    /// All subjects with this prefix, sorted.
    pub async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        let request = self.request(Method::GET, &["subjects"]);
        let all: Vec<String> = required(request, "the list of subjects").await?;
        let prefix = self.full_name("");
        let mut own: Vec<_> = all
            .into_iter()
            .filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned))
            .collect();
        own.sort();
        Ok(own)
    }

    /// Newest version of a subject, or `None` when there is no such subject.
    pub async fn latest(&self, subject: &str) -> Result<Option<Registered>, RegistryError> {
        let request = self.request(
            Method::GET,
            &["subjects", &self.full_name(subject), "versions", "latest"],
        );
        let found: Option<Registered> = optional(request, subject).await?;
        Ok(found.map(|found| Registered {
            subject: subject.to_owned(),
            ..found
        }))
    }

    /// Deletes all versions for good; `false` when there was no such subject.
    pub async fn delete(&self, subject: &str) -> Result<bool, RegistryError> {
        let name = self.full_name(subject);
        let path = ["subjects", name.as_str()];
        let soft: Option<Vec<i32>> = optional(self.request(Method::DELETE, &path), subject).await?;
        let permanent = self
            .request(Method::DELETE, &path)
            .query(&[("permanent", "true")]);
        let hard: Option<Vec<i32>> = optional(permanent, subject).await?;
        Ok(soft.is_some() || hard.is_some())
    }

    /// Health check: the registry answers.
    pub async fn ping(&self) -> Result<(), RegistryError> {
        self.subjects().await.map(drop)
    }

    /// The writer's schema of a record, from the cache after the first time.
    pub async fn schema_by_id(&self, id: u32) -> Result<&'static Schema, RegistryError> {
        if let Some(known) = self.lock().get(&id) {
            return Ok(known);
        }
        let unusable = |message: String| RegistryError::Unusable { id, message };
        let found =
            get_schema_by_id(id, &self.shared.settings)
                .await
                .map_err(|error| match reply(&error) {
                    Some(raw) if raw.error_code == SCHEMA_NOT_FOUND => {
                        RegistryError::UnknownId { id }
                    }
                    _ => failure(&error, &format!("schema {id}")),
                })?;
        if found.schema_type != SchemaType::Avro {
            return Err(unusable(format!("it is of type {:?}", found.schema_type)));
        }
        let parsed = Schema::parse_str(&found.schema).map_err(|e| unusable(e.to_string()))?;
        // Readers borrow the schema for as long as the process lives; there are as many as schema versions.
        let schema: &'static Schema = self
            .lock()
            .entry(id)
            .or_insert_with(|| Box::leak(Box::new(parsed)));
        Ok(schema)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, &'static Schema>> {
        self.shared
            .schemas
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.shared.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // Prefixed subjects start with a colon, and topics may hold characters with a meaning in URLs.
            segments.pop_if_empty().extend(path);
        }
        let request = self.shared.http.request(method, url);
        match &self.shared.config.basic_auth {
            Some(auth) => request.basic_auth(&auth.username, Some(&auth.password)),
            None => request,
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// An answer is due: 404 is a refusal.
async fn required<T: DeserializeOwned>(
    request: RequestBuilder,
    what: &str,
) -> Result<T, RegistryError> {
    let response = send(request).await?;
    let status = response.status();
    if status.is_success() {
        return response.json().await.map_err(unreachable);
    }
    Err(refusal(what, status, response).await)
}

/// 404 is an answer too.
async fn optional<T: DeserializeOwned>(
    request: RequestBuilder,
    what: &str,
) -> Result<Option<T>, RegistryError> {
    let response = send(request).await?;
    let status = response.status();
    if status.is_success() {
        return response.json().await.map(Some).map_err(unreachable);
    }
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    Err(refusal(what, status, response).await)
}

async fn send(request: RequestBuilder) -> Result<reqwest::Response, RegistryError> {
    request.send().await.map_err(unreachable)
}

fn unreachable(error: reqwest::Error) -> RegistryError {
    RegistryError::Unreachable(causes(&error))
}

/// What the registry itself said, when it said something.
fn reply(error: &SRCError) -> Option<&RawError> {
    error.source()?.downcast_ref()
}

fn failure(error: &SRCError, what: &str) -> RegistryError {
    match reply(error) {
        Some(raw) => RegistryError::Refused {
            what: what.to_owned(),
            // The code is the HTTP status, followed by two digits where the registry has more to tell.
            status: u16::try_from(raw.error_code)
                .map_or(0, |code| if code < 1000 { code } else { code / 100 }),
            message: raw.message.clone(),
        },
        None => RegistryError::Unreachable(causes(error)),
    }
}

/// The whole chain: reqwest's own text stops at "error sending request".
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

async fn refusal(what: &str, status: StatusCode, response: reqwest::Response) -> RegistryError {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let text = response.text().await.unwrap_or_default();
    let message = serde_json::from_str::<Body>(&text).map_or(text, |body| body.message);
    RegistryError::Refused {
        what: what.to_owned(),
        status: status.as_u16(),
        message,
    }
}
