//! Client of Flink's SQL Gateway REST interface, version 3: sessions, statements, their results.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cause;
use super::rows::{self, Page};
use super::{FlinkError, http_client};

/// First pause between two looks at an operation; it doubles up to [`POLL_MAX`].
const POLL_MIN: Duration = Duration::from_millis(10);
const POLL_MAX: Duration = Duration::from_millis(100);

/// Longest time of a statement at the SQL Gateway; submitting a job to an absent JobManager takes it a minute.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(180);

/// Options of Flink by name.
pub type Config = BTreeMap<String, String>;

/// Client of one SQL Gateway.
#[derive(Clone, Debug)]
pub struct SqlGateway {
    url: String,
    http: reqwest::Client,
}

/// What an operation answered.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The job an INSERT started.
    pub job_id: Option<String>,
    /// Rows of the first page, fields in column order.
    pub rows: Vec<Vec<Value>>,
}

impl SqlGateway {
    /// `url` such as `http://127.0.0.1:8093`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            http: http_client(),
        }
    }

    /// Opens a session with options that hold for all its statements, and gives its handle.
    pub async fn open_session(
        &self,
        name: &str,
        properties: &Config,
    ) -> Result<String, FlinkError> {
        let body = json!({ "sessionName": name, "properties": properties });
        let reply = self
            .call(
                self.http
                    .post(format!("{}/v3/sessions", self.url))
                    .json(&body),
            )
            .await?;
        text_field(&reply, "sessionHandle")
    }

    /// Tells the gateway that a session is in use; it drops sessions that are silent for ten minutes.
    pub async fn heartbeat(&self, session: &str) -> Result<(), FlinkError> {
        let url = format!("{}/v3/sessions/{session}/heartbeat", self.url);
        self.call(self.http.post(url)).await.map(drop)
    }

    /// Closes a session; one that is gone is no error.
    pub async fn close_session(&self, session: &str) {
        let url = format!("{}/v3/sessions/{session}", self.url);
        if let Err(error) = self.call(self.http.delete(url)).await {
            tracing::debug!(%error, "session was not closed");
        }
    }

    /// Submits a statement; nothing has been executed when this fails with [`FlinkError::SessionLost`].
    pub async fn submit(
        &self,
        session: &str,
        sql: &str,
        config: &Config,
    ) -> Result<String, FlinkError> {
        let body = json!({ "statement": sql, "executionConfig": config });
        let url = format!("{}/v3/sessions/{session}/statements", self.url);
        let reply = self.call(self.http.post(url).json(&body)).await?;
        text_field(&reply, "operationHandle")
    }

    /// Waits for the first page of an operation's result, then closes the operation.
    pub async fn finish(&self, session: &str, operation: &str) -> Result<Outcome, FlinkError> {
        let result = self.first_page(session, operation).await;
        self.close_operation(session, operation).await;
        result
    }

    /// Forgets an operation; one that is gone is no error. The job of a query ends with it.
    pub async fn close_operation(&self, session: &str, operation: &str) {
        let url = format!(
            "{}/v3/sessions/{session}/operations/{operation}/close",
            self.url
        );
        if let Err(error) = self.call(self.http.delete(url)).await {
            tracing::debug!(%error, "operation was not closed");
        }
    }

    /// A page of a query's rows. The SQL Gateway keeps a page until the next one is asked for, and stops the query
    /// while nobody asks.
    pub async fn page(
        &self,
        session: &str,
        operation: &str,
        token: u64,
    ) -> Result<Page, FlinkError> {
        let url = format!(
            "{}/v3/sessions/{session}/operations/{operation}/result/{token}?rowFormat=JSON",
            self.url
        );
        let text = self.text(self.http.get(url)).await?;
        rows::page(&text).map_err(|error| {
            FlinkError::Refused(format!(
                "the SQL Gateway's rows are not understood: {error}"
            ))
        })
    }

    async fn first_page(&self, session: &str, operation: &str) -> Result<Outcome, FlinkError> {
        let url = format!(
            "{}/v3/sessions/{session}/operations/{operation}/result/0?rowFormat=JSON",
            self.url
        );
        let mut pause = POLL_MIN;
        let deadline = Instant::now() + OPERATION_TIMEOUT;
        loop {
            let page = self.call(self.http.get(&url)).await?;
            if page.get("resultType").and_then(Value::as_str) != Some("NOT_READY") {
                return Ok(outcome(&page));
            }
            if Instant::now() >= deadline {
                return Err(FlinkError::Unreachable(format!(
                    "the SQL Gateway at {} (a statement for {} s)",
                    self.url,
                    OPERATION_TIMEOUT.as_secs()
                )));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL_MAX);
        }
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Result<Value, FlinkError> {
        let text = self.text(request).await?;
        serde_json::from_str(&text).map_err(|error| {
            FlinkError::Refused(format!("the SQL Gateway's answer is no JSON: {error}"))
        })
    }

    async fn text(&self, request: reqwest::RequestBuilder) -> Result<String, FlinkError> {
        let unreachable = |error: reqwest::Error| {
            tracing::debug!(%error, "SQL Gateway call failed");
            FlinkError::Unreachable(format!("the SQL Gateway at {}", self.url))
        };
        let response = request.send().await.map_err(unreachable)?;
        let ok = response.status().is_success();
        let text = response.text().await.map_err(unreachable)?;
        if ok {
            return Ok(text);
        }
        let lost = (text.contains("Session '") && text.contains("does not exist"))
            || text.contains("Can not find the submitted operation");
        if lost {
            return Err(FlinkError::SessionLost);
        }
        let body = serde_json::from_str(&text).unwrap_or_default();
        Err(FlinkError::Refused(error_text(&body)))
    }
}

/// The deepest cause in Flink's `{"errors": [title, trace]}`.
pub(super) fn error_text(body: &Value) -> String {
    let errors = body.get("errors").and_then(Value::as_array);
    let last = errors
        .and_then(|errors| errors.last())
        .and_then(Value::as_str);
    cause::deepest(last.unwrap_or("Flink refused the request without a reason"))
}

fn text_field(body: &Value, field: &str) -> Result<String, FlinkError> {
    body.get(field)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| FlinkError::Refused(format!("the SQL Gateway's answer has no {field}")))
}

fn outcome(page: &Value) -> Outcome {
    let rows = page.pointer("/results/data").and_then(Value::as_array);
    Outcome {
        job_id: page.get("jobID").and_then(Value::as_str).map(str::to_owned),
        rows: rows
            .into_iter()
            .flatten()
            .filter_map(|row| row.get("fields").and_then(Value::as_array).cloned())
            .collect(),
    }
}
