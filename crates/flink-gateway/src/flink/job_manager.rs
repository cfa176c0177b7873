//! The JobManager's REST interface: which jobs run, why one fails, cancel.

use serde::Deserialize;
use serde_json::{Value, json};

use super::cause;
use super::{FlinkError, http_client};

/// Client of one JobManager.
#[derive(Clone, Debug)]
pub struct JobManager {
    url: String,
    http: reqwest::Client,
}

/// A job as the overview lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Job {
    #[serde(rename = "jid")]
    pub id: String,
    pub name: String,
    pub state: JobState,
    pub tasks: Tasks,
}

/// Flink's `JobStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobState {
    Initializing,
    Created,
    Running,
    Failing,
    Failed,
    Cancelling,
    Canceled,
    Finished,
    Restarting,
    Suspended,
    Reconciling,
    #[serde(other)]
    Unknown,
}

impl JobState {
    /// True when the job will never run again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Failed | Self::Canceled | Self::Finished)
    }
}

/// How many subtasks of a job are in which state; only what the phases need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Tasks {
    #[serde(default)]
    pub total: u32,
    #[serde(default)]
    pub running: u32,
    #[serde(default)]
    pub finished: u32,
}

impl Tasks {
    /// True when every subtask processes records, or has processed its last one.
    pub fn all_started(self) -> bool {
        self.total > 0 && self.running + self.finished == self.total
    }
}

#[derive(Deserialize)]
struct Overview {
    jobs: Vec<Job>,
}

impl JobManager {
    /// `url` such as `http://127.0.0.1:8091`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            http: http_client(),
        }
    }

    /// Every job the JobManager remembers, also the ended ones.
    pub async fn jobs(&self) -> Result<Vec<Job>, FlinkError> {
        let body = self
            .read(self.http.get(format!("{}/jobs/overview", self.url)))
            .await?;
        serde_json::from_value::<Overview>(body)
            .map(|overview| overview.jobs)
            .map_err(|error| {
                FlinkError::Refused(format!(
                    "the JobManager's overview is not understood: {error}"
                ))
            })
    }

    /// The newest failure of a job as its deepest cause; `None` when it never failed.
    pub async fn failure(&self, id: &str) -> Result<Option<String>, FlinkError> {
        let url = format!("{}/jobs/{id}/exceptions?maxExceptions=1", self.url);
        let body = self.read(self.http.get(url)).await?;
        let entry = body.pointer("/exceptionHistory/entries/0");
        let task = entry.and_then(|entry| entry["taskName"].as_str());
        let trace = entry
            .and_then(|entry| entry["stacktrace"].as_str())
            .or_else(|| body.get("root-exception").and_then(Value::as_str));
        Ok(trace.map(|trace| cause::of_task(task.unwrap_or_default(), trace)))
    }

    /// Asks the JobManager to cancel a job; a job it does not know, or that has ended, is no error.
    pub async fn cancel(&self, id: &str) -> Result<(), FlinkError> {
        let url = format!("{}/jobs/{id}?mode=cancel", self.url);
        let response = self
            .http
            .patch(url)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        match response.status().as_u16() {
            200..=299 | 404 | 409 => Ok(()),
            _ => Err(FlinkError::Refused(refusal(response).await)),
        }
    }

    /// Begins to stop a running job with a savepoint below `folder` (a URI), and gives the request to ask about.
    pub async fn stop(&self, id: &str, folder: &str) -> Result<String, FlinkError> {
        let body = json!({ "targetDirectory": folder, "drain": false });
        let url = format!("{}/jobs/{id}/stop", self.url);
        let reply = self.read(self.http.post(url).json(&body)).await?;
        reply
            .get("request-id")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| FlinkError::Refused("the JobManager's answer has no request-id".into()))
    }

    /// Why a stop failed; `None` while it goes on and when it succeeded.
    pub async fn stop_failure(
        &self,
        id: &str,
        request: &str,
    ) -> Result<Option<String>, FlinkError> {
        let url = format!("{}/jobs/{id}/savepoints/{request}", self.url);
        let body = self.read(self.http.get(url)).await?;
        let trace = body
            .pointer("/operation/failure-cause/stack-trace")
            .and_then(Value::as_str);
        Ok(trace.map(cause::deepest))
    }

    /// What the JobManager answers below `/jobs/`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, FlinkError> {
        self.read(self.http.get(format!("{}/jobs/{path}", self.url)))
            .await
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<Value, FlinkError> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return response
                .json()
                .await
                .map_err(|error| self.unreachable(&error));
        }
        // While it starts, the JobManager answers 503 "leader not elected": as good as absent.
        if response.status().is_server_error() {
            return Err(FlinkError::Unreachable(format!(
                "the JobManager at {}",
                self.url
            )));
        }
        Err(FlinkError::Refused(refusal(response).await))
    }

    fn unreachable(&self, error: &reqwest::Error) -> FlinkError {
        tracing::debug!(%error, "JobManager call failed");
        FlinkError::Unreachable(format!("the JobManager at {}", self.url))
    }
}

async fn refusal(response: reqwest::Response) -> String {
    let body: Value = response.json().await.unwrap_or_default();
    super::sql_gateway::error_text(&body)
}
