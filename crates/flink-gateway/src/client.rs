//! Client of the statements API, ours or Confluent's.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::model::{Phase, Spec};
use crate::serve::IdentityArgs;

/// Properties that say where names are looked up.
pub const CATALOG: &str = "sql.current-catalog";
pub const DATABASE: &str = "sql.current-database";

/// Pause between two looks at a statement.
const POLL: Duration = Duration::from_millis(150);
/// Longest wait for one answer; a POST may be held for 8 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Command line of everything that talks to the API.
#[derive(Clone, Debug, Args)]
pub struct ClientArgs {
    /// Address of the statements API
    #[arg(
        long,
        env = "STATEMENTS_GATEWAY_URL",
        default_value = "http://127.0.0.1:8094"
    )]
    pub url: String,
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// API key
    #[arg(long, env = "STATEMENTS_API_KEY", default_value = "local")]
    pub api_key: String,
    /// Secret of the API key
    #[arg(
        long,
        env = "STATEMENTS_API_SECRET",
        default_value = "local",
        hide_env_values = true
    )]
    pub api_secret: String,
    /// Seconds that one statement may take to run or complete
    #[arg(long, default_value_t = 120)]
    pub timeout: u64,
}

/// A statement as the API describes it; only what is used here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Remote {
    pub name: String,
    #[serde(default)]
    pub metadata: Metadata,
    pub spec: Spec,
    pub status: Status,
}

/// What tells a statement from a later one of its name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Metadata {
    pub uid: String,
}

/// Where a statement stands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Status {
    pub phase: Phase,
    #[serde(default)]
    pub detail: String,
}

/// Why a request had no useful answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the statements API at {url} does not answer ({error})")]
    Unreachable { url: String, error: String },
    #[error("the statements API answers {status}: {detail}")]
    Refused { status: u16, detail: String },
    #[error("statement {name} is still {phase} after {seconds} s{}", reason(.detail))]
    TimedOut {
        name: String,
        phase: String,
        detail: String,
        seconds: u64,
    },
}

/// Client for one environment.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    args: ClientArgs,
    statements: String,
}

impl Client {
    pub fn new(args: &ClientArgs) -> Self {
        let IdentityArgs {
            organization,
            environment,
            ..
        } = &args.identity;
        let base = args.url.trim_end_matches('/');
        Self {
            http: reqwest::Client::builder()
                .timeout(REQUEST_TIMEOUT)
                .build()
                .unwrap_or_default(),
            statements: format!(
                "{base}/sql/v1/organizations/{organization}/environments/{environment}/statements"
            ),
            args: args.clone(),
        }
    }

    /// The statement; `None` when there is none of that name.
    pub async fn get(&self, name: &str) -> Result<Option<Remote>, ClientError> {
        match self
            .send(self.http.get(format!("{}/{name}", self.statements)))
            .await
        {
            Ok(body) => read(body).map(Some),
            Err(ClientError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a statement. The answer comes when it is no longer PENDING, or after a few seconds.
    pub async fn post(
        &self,
        name: &str,
        sql: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Remote, ClientError> {
        let identity = &self.args.identity;
        let body = json!({
            "name": name,
            "organization_id": identity.organization,
            "environment_id": identity.environment,
            "spec": {
                "statement": sql,
                "properties": self.properties(properties),
                "compute_pool_id": identity.compute_pool,
                "stopped": false,
            },
        });
        let body = self
            .send(self.http.post(&self.statements).json(&body))
            .await?;
        read(body)
    }

    /// Asks the gateway to fill the lake.
    pub async fn start_lake<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        let url = format!("{}/lake", self.args.url.trim_end_matches('/'));
        let body = self.send(self.http.put(url)).await?;
        read(body)
    }

    /// Starts a stopped statement from where it was stopped.
    pub async fn resume(&self, name: &str) -> Result<Remote, ClientError> {
        let body = json!([{ "op": "replace", "path": "/spec/stopped", "value": false }]);
        let url = format!("{}/{name}", self.statements);
        let body = self.send(self.http.patch(url).json(&body)).await?;
        read(body)
    }

    /// Deletes a statement and waits until it is gone; one that is gone already is no error. Somebody may send another
    /// one of that name meanwhile, which is not waited for.
    pub async fn delete(&self, name: &str) -> Result<(), ClientError> {
        let deadline = self.deadline();
        let Some(before) = self.get(name).await? else {
            return Ok(());
        };
        match self
            .send(self.http.delete(format!("{}/{name}", self.statements)))
            .await
        {
            Ok(_) | Err(ClientError::Refused { status: 404, .. }) => {}
            Err(error) => return Err(error),
        }
        while let Some(statement) = self.get(name).await?
            && statement.metadata == before.metadata
        {
            self.check_deadline(deadline, &statement)?;
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits until a statement runs, has completed or has failed. DEGRADED is waited for: it may recover.
    pub async fn settle(&self, mut statement: Remote) -> Result<Remote, ClientError> {
        let deadline = self.deadline();
        while matches!(
            statement.status.phase,
            Phase::Pending | Phase::Degraded | Phase::Stopping
        ) {
            self.check_deadline(deadline, &statement)?;
            sleep(POLL).await;
            match self.get(&statement.name).await? {
                Some(now) => statement = now,
                None => {
                    return Err(refused(
                        404,
                        format!("statement {} was deleted", statement.name),
                    ));
                }
            }
        }
        Ok(statement)
    }

    /// What is sent as properties: where names are looked up, then the statement's own.
    pub fn properties(&self, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = BTreeMap::from([
            (CATALOG.to_owned(), self.args.identity.environment.clone()),
            (DATABASE.to_owned(), self.args.identity.database.clone()),
        ]);
        all.extend(own.clone());
        all
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.args.timeout)
    }

    fn check_deadline(&self, deadline: Instant, statement: &Remote) -> Result<(), ClientError> {
        if Instant::now() < deadline {
            return Ok(());
        }
        Err(ClientError::TimedOut {
            name: statement.name.clone(),
            phase: statement.status.phase.to_string(),
            detail: statement.status.detail.clone(),
            seconds: self.args.timeout,
        })
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, ClientError> {
        let unreachable = |error: reqwest::Error| ClientError::Unreachable {
            url: self.args.url.clone(),
            error: if error.is_timeout() {
                "no answer in time".into()
            } else {
                error.without_url().to_string()
            },
        };
        let request = request.basic_auth(&self.args.api_key, Some(&self.args.api_secret));
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let detail = body
            .pointer("/errors/0/detail")
            .and_then(Value::as_str)
            .unwrap_or(&text);
        Err(refused(status.as_u16(), detail.to_owned()))
    }
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, ClientError> {
    serde_json::from_value(body)
        .map_err(|error| refused(200, format!("an answer that is not understood ({error})")))
}

fn refused(status: u16, detail: String) -> ClientError {
    ClientError::Refused { status, detail }
}

fn reason(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}
