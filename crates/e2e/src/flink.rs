//! What the JobManager knows of a job.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::Value;

/// Client of one JobManager.
pub(crate) struct Flink {
    url: String,
    http: Client,
}

impl Flink {
    pub(crate) fn new(url: &str) -> Result<Self> {
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            http: Client::builder().no_proxy().build()?,
        })
    }

    /// Id of the newest job of that name.
    pub(crate) async fn job(&self, name: &str) -> Result<String> {
        let overview = self.get("/jobs/overview").await?;
        let jobs = overview["jobs"].as_array().into_iter().flatten();
        let newest = jobs
            .filter(|job| job["name"] == name)
            .max_by_key(|job| job["start-time"].as_i64());
        let id = newest.and_then(|job| job["jid"].as_str());
        Ok(id.with_context(|| format!("no job {name}"))?.to_owned())
    }

    /// Completed checkpoints of a job.
    pub(crate) async fn checkpoints(&self, job: &str) -> Result<i64> {
        let body = self.get(&format!("/jobs/{job}/checkpoints")).await?;
        body.pointer("/counts/completed")
            .and_then(Value::as_i64)
            .context("no count of checkpoints")
    }

    /// Why a job failed last, in a line; `None` when it never did.
    pub(crate) async fn failure(&self, job: &str) -> Result<Option<String>> {
        let path = format!("/jobs/{job}/exceptions");
        let body = self.query(&path, &[("maxExceptions", "1")]).await?;
        let trace = body
            .pointer("/exceptionHistory/entries/0/stacktrace")
            .and_then(Value::as_str);
        let line = trace.and_then(|trace| trace.lines().next());
        Ok(line.map(str::to_owned))
    }

    /// Offset of the last record that a job's sources have handed on, by partition of a topic.
    ///
    /// The offsets in Kafka would do, but an idle source commits them ten seconds late.
    pub(crate) async fn offsets(&self, job: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
        // A dot separates the parts of a metric's name.
        let prefix = format!(
            "KafkaSourceReader.topic.{}.partition.",
            topic.replace('.', "_")
        );
        let partition = |id: &str| -> Option<i32> {
            let (_, rest) = id.split_once(&prefix)?;
            rest.strip_suffix(".currentOffset")?.parse().ok()
        };
        let mut offsets = BTreeMap::new();
        for (id, offset) in self.metrics(job, |id| partition(id).is_some()).await? {
            if let Some(partition) = partition(&id) {
                // A topic that is read twice has come as far as the slower reader.
                let known = offsets.entry(partition).or_insert(offset);
                *known = offset.min(*known);
            }
        }
        Ok(offsets)
    }

    /// Rows that came after the watermark had passed their window, in all operators of a job.
    pub(crate) async fn late_records(&self, job: &str) -> Result<i64> {
        let late = self.metrics(job, |id| id.ends_with(".numLateRecordsDropped"));
        Ok(late.await?.into_iter().map(|(_, count)| count).sum())
    }

    /// Name and value of the metrics of a job's operators, one of each for all subtasks: the tests run with one.
    async fn metrics(
        &self,
        job: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, i64)>> {
        let body = self.get(&format!("/jobs/{job}")).await?;
        let vertices = body["vertices"].as_array().into_iter().flatten();
        let mut found = Vec::new();
        for vertex in vertices.filter_map(|vertex| vertex["id"].as_str()) {
            let path = format!("/jobs/{job}/vertices/{vertex}/subtasks/metrics");
            let all = self.get(&path).await?;
            for id in names(&all).filter(|id| wanted(id)) {
                let answer = self.query(&path, &[("get", id), ("agg", "max")]).await?;
                let value = answer.pointer("/0/max").and_then(whole);
                found.extend(value.map(|value| (id.to_owned(), value)));
            }
        }
        Ok(found)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.query(path, &[]).await
    }

    async fn query(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        Ok(self
            .http
            .get(format!("{}{path}", self.url))
            .query(query)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }
}

fn names(metrics: &Value) -> impl Iterator<Item = &str> {
    let metrics = metrics.as_array().into_iter().flatten();
    metrics.filter_map(|metric| metric["id"].as_str())
}

/// Metrics are doubles, and offsets whole numbers.
#[expect(
    clippy::cast_possible_truncation,
    reason = "offsets are far below 2^53"
)]
fn whole(value: &Value) -> Option<i64> {
    value.as_f64().map(|number| number as i64)
}
