//! What Flink's JobManager says about a job.

use std::collections::HashMap;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    failure::{self, Failure},
    service::{self, Service},
};

const LATE: &str = "numLateRecordsDropped";

/// A job of Flink. A number that Flink does not tell, or not yet, is null.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PipelineJob)]
pub struct Job {
    id: String,
    #[schema(examples("RUNNING"))]
    state: String,
    /// Restarts of this job. One that the statements gateway has submitted again is another job
    #[schema(required)]
    restarts: Option<i64>,
    /// Since the last checkpoint was completed
    #[schema(required)]
    pub checkpoint_age_ms: Option<i64>,
    /// Records that came after their window was closed, of all operators
    #[schema(required)]
    pub late_records_dropped: Option<i64>,
    /// Why it fails, without words of a record; null when it has made a checkpoint since its last failure
    #[schema(required, examples("Its TaskManager was lost"))]
    pub cause: Option<String>,
    /// Class names of the exceptions of that failure, outermost first. Their messages are withheld: they can quote records
    exceptions: Vec<String>,
    /// Records that it cannot read, as far as they are found by now. Nothing behind one is read until
    /// `hc-platform topics skip` has passed it
    pub unreadable: Vec<Place>,
    /// The topic of these records, to be searched since a moment.
    #[serde(skip)]
    pub(super) unread: Option<Unread>,
}

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PipelineRecord)]
pub struct Place {
    #[schema(examples("hc_raw_device_metrics"))]
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// Where to search for what a job cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) topic: String,
    /// Everything written before was read, if the job was not behind; epoch milliseconds. `None`: it never got anywhere.
    pub(super) since: Option<i64>,
}

/// A job as the overview lists it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Listed {
    jid: String,
    name: String,
    state: String,
    #[serde(rename = "start-time")]
    start_time: i64,
}

impl Listed {
    fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "FAILED" | "CANCELED" | "FINISHED")
    }
}

#[derive(Deserialize)]
struct Overview {
    jobs: Vec<Listed>,
}

#[derive(Deserialize)]
struct Details {
    /// The JobManager's clock, so that ours does not matter.
    now: i64,
    #[serde(default)]
    vertices: Vec<Vertex>,
}

#[derive(Deserialize)]
struct Vertex {
    id: String,
}

#[derive(Deserialize)]
struct Metric {
    id: String,
    /// As text.
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    sum: Option<f64>,
}

/// The newest job of each name; one that runs is preferred to one that has ended.
pub(super) async fn jobs(flink: &Service) -> Result<HashMap<String, Listed>, service::Failure> {
    let overview: Option<Overview> = flink.get(&["jobs", "overview"], &[]).await?;
    let mut jobs = overview.map_or_else(Vec::new, |overview| overview.jobs);
    jobs.sort_by_key(|job| (!job.has_ended(), job.start_time));
    // The last one of a name stays.
    Ok(jobs
        .into_iter()
        .map(|job| (job.name.clone(), job))
        .collect())
}

/// Everything about a job; what cannot be read is left out.
pub(super) async fn inspect(flink: &Service, listed: &Listed) -> Job {
    let id = listed.jid.as_str();
    let job = ["jobs", id];
    let [checkpoints, metrics] = ["checkpoints", "metrics"].map(|what| ["jobs", id, what]);
    let numbers = [("get", "numRestarts")];
    let (details, checkpoints, restarts, failure) = tokio::join!(
        flink.get::<Details>(&job, &[]),
        flink.get::<Value>(&checkpoints, &[]),
        flink.get::<Vec<Metric>>(&metrics, &numbers),
        failure(flink, id),
    );
    let details = details.ok().flatten();
    let checkpoints = checkpoints.ok().flatten().unwrap_or_default();
    let latest = |what| checkpoints["latest"]["completed"][what].as_i64();
    let completed = latest("latest_ack_timestamp");
    let runs = listed.state == "RUNNING";
    let failure = failure.filter(|failure| !runs || completed.is_none_or(|at| at < failure.at));
    let (cause, exceptions, unread) = match failure {
        Some(failure) => (Some(failure.cause), failure.exceptions, failure.unread),
        None => (None, Vec::new(), None),
    };
    let late_records_dropped = match &details {
        Some(details) => late(flink, id, &details.vertices).await,
        None => None,
    };
    let restarts = restarts.ok().flatten().unwrap_or_default();
    Job {
        id: id.to_owned(),
        state: listed.state.clone(),
        restarts: restarts
            .first()
            .and_then(|metric| metric.value.as_ref()?.parse().ok()),
        checkpoint_age_ms: details
            .zip(completed)
            .map(|(details, completed)| (details.now - completed).max(0)),
        late_records_dropped,
        cause,
        exceptions,
        unreadable: Vec::new(),
        unread: unread.map(|topic| Unread {
            topic,
            since: latest("trigger_timestamp"),
        }),
    }
}

async fn failure(flink: &Service, job: &str) -> Option<Failure> {
    let path = ["jobs", job, "exceptions"];
    let answer = flink.get::<Value>(&path, &[("maxExceptions", "1")]).await;
    failure::last(&answer.ok()??)
}

/// The sum over all operators; an operator without a window has no such number. `None` while Flink has not collected the
/// numbers of every vertex.
async fn late(flink: &Service, job: &str, vertices: &[Vertex]) -> Option<i64> {
    let all = vertices.iter().map(|vertex| async move {
        let path = ["jobs", job, "vertices", &vertex.id, "subtasks", "metrics"];
        let known: Vec<Metric> = flink.get(&path, &[]).await.ok()??;
        if known.is_empty() {
            return None;
        }
        let names = known
            .iter()
            .map(|metric| metric.id.as_str())
            .filter(|id| id.rsplit('.').next() == Some(LATE));
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            return Some(0.0);
        }
        let query = [("get", names.join(",")), ("agg", "sum".to_owned())];
        let query = query
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let sums: Vec<Metric> = flink.get(&path, &query).await.ok()??;
        Some(sums.iter().filter_map(|metric| metric.sum).sum::<f64>())
    });
    let sums: Vec<Option<f64>> = join_all(all).await;
    let sums: Option<Vec<f64>> = sums.into_iter().collect();
    // Counters are whole numbers.
    sums.map(|sums| sums.iter().sum::<f64>() as i64)
}
