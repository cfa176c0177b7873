//! Flink's statements, by the statements API, and their jobs, by Flink's own REST interface.
//!
//! The detail that the gateway gives for an INSERT is the message of the job's exception, which can quote the record that
//! it failed at, so that it is not passed on: the cause in words of our own takes its place. The detail of a statement
//! that never has a job, such as CREATE TABLE, speaks of SQL only.

use std::collections::HashMap;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{
    INNER_LIMIT, Part, Pipeline, SEARCH_LIMIT, counted,
    flink::{self, Job},
    service::{Failure, Service},
};

/// In a page; the most that the gateway gives, and Confluent's.
const PAGE_SIZE: &str = "100";
/// Pages that are asked for; a demonstration has one.
const PAGES: usize = 10;
/// Age of a checkpoint that is worth a warning, in milliseconds: one is made every five seconds.
const OLD_CHECKPOINT: i64 = 300_000;

/// A statement of Flink.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PipelineStatement)]
pub struct Statement {
    name: String,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `DEGRADED`, `FAILED`, `STOPPING`, `STOPPED` or `DELETING`
    #[schema(examples("RUNNING"))]
    phase: String,
    /// What is wrong; null when all is well
    #[schema(required)]
    detail: Option<String>,
    /// The job that runs it; null when there is none, or when Flink does not answer
    #[schema(required)]
    job: Option<Job>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: Vec<Remote>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Remote {
    name: String,
    #[serde(default)]
    spec: Spec,
    status: RemoteStatus,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    statement: String,
}

#[derive(Deserialize)]
struct RemoteStatus {
    phase: String,
    #[serde(default)]
    detail: String,
}

/// Segments of the path of the collection of statements.
pub(super) fn path(organization: &str, environment: &str) -> Vec<String> {
    [
        "sql",
        "v1",
        "organizations",
        organization,
        "environments",
        environment,
        "statements",
    ]
    .map(str::to_owned)
    .to_vec()
}

impl Pipeline {
    pub(super) async fn statements(&self) -> Part<Vec<Statement>> {
        let Some(gateway) = &self.gateway else {
            return Part::not_set("STATEMENTS_GATEWAY_URL");
        };
        let deadline = Instant::now() + INNER_LIMIT;
        let search_until = Instant::now() + SEARCH_LIMIT;
        let path: Vec<&str> = self.statements_path.iter().map(String::as_str).collect();
        let jobs = async {
            match &self.flink {
                None => Ok(None),
                Some(flink) => timeout_at(deadline, flink::jobs(flink))
                    .await
                    .unwrap_or_else(|_| Err(Failure::Unreachable("no answer in time".to_owned())))
                    .map(Some),
            }
        };
        let (listed, jobs) = tokio::join!(list(gateway, &path), jobs);
        let listed = match listed {
            Ok(Some(listed)) => listed,
            Ok(None) => {
                return Part::unavailable(
                    "The statements gateway does not know this organization or environment; see ORG_ID and SL_FLINK_ENV_ID.",
                );
            }
            Err(failure) => return Part::unavailable(format!("The statements gateway {failure}.")),
        };
        let (jobs, note) = match jobs {
            Ok(Some(jobs)) => (jobs, None),
            Ok(None) => (
                HashMap::new(),
                Some("FLINK_REST_URL is not set: jobs are not shown.".to_owned()),
            ),
            Err(failure) => (
                HashMap::new(),
                Some(format!("Flink {failure}; its jobs are not shown.")),
            ),
        };
        let looked_up = listed.into_iter().map(|remote| {
            let job = jobs.get(&remote.name).cloned();
            async move {
                let job = match (&self.flink, job) {
                    (Some(flink), Some(job)) => {
                        timeout_at(deadline, flink::inspect(flink, &job)).await.ok()
                    }
                    _ => None,
                };
                (remote, job)
            }
        });
        let mut looked_up = join_all(looked_up).await;
        let jobs = looked_up.iter_mut().filter_map(|(_, job)| job.as_mut());
        self.find_unreadable(jobs, search_until).await;
        let mut statements: Vec<Statement> = looked_up
            .into_iter()
            .map(|(remote, job)| statement(remote, job))
            .collect();
        statements.sort_by(|a, b| a.name.cmp(&b.name));
        let wrong = wrong(&statements).or(note);
        Part::found(statements, wrong)
    }
}

/// `None`: there is no such collection.
async fn list(gateway: &Service, path: &[&str]) -> Result<Option<Vec<Remote>>, Failure> {
    let mut all = Vec::new();
    let mut token = String::new();
    for _ in 0..PAGES {
        let query = [("page_size", PAGE_SIZE), ("page_token", token.as_str())];
        let query = if token.is_empty() {
            &query[..1]
        } else {
            &query[..]
        };
        let Some(page) = gateway.get::<Page>(path, query).await? else {
            return Ok(None);
        };
        all.extend(page.data);
        match page_token(&page.metadata.next) {
            Some(next) => token = next,
            None => break,
        }
    }
    Ok(Some(all))
}

/// Only the token is taken from the address: it names the host that the gateway believes to have.
fn page_token(next: &str) -> Option<String> {
    let (_, query) = next.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "page_token")
        .map(|(_, token)| token.into_owned())
}

fn statement(remote: Remote, job: Option<Job>) -> Statement {
    Statement {
        detail: detail(&remote, job.as_ref()),
        name: remote.name,
        phase: remote.status.phase,
        job,
    }
}

fn detail(remote: &Remote, job: Option<&Job>) -> Option<String> {
    let RemoteStatus { phase, detail } = &remote.status;
    if let Some(failing) = job.and_then(failing) {
        return Some(failing);
    }
    if detail.is_empty() {
        return None;
    }
    let kind = remote.spec.statement.split_whitespace().next();
    let kind = kind.unwrap_or_default().to_uppercase();
    if matches!(kind.as_str(), "CREATE" | "ALTER" | "DROP" | "SHOW") {
        return Some(detail.clone());
    }
    Some(
        match phase.as_str() {
            "FAILED" => {
                "It failed. The statements gateway has the reason, which is withheld here: it can quote a record."
            }
            "DEGRADED" => {
                "Its job fails and Flink starts it again. The statements gateway has the reason, which is withheld here: it \
                 can quote a record."
            }
            _ => "It waits. The statements gateway has the reason.",
        }
        .to_owned(),
    )
}

/// What is wrong with a job that fails, and how to mend it.
fn failing(job: &Job) -> Option<String> {
    let cause = job.cause.as_deref()?;
    let help = match (job.unreadable.first(), &job.unread) {
        (Some(place), _) => format!(
            " `hc-platform topics skip {} {} {}` passes it and deletes it, with everything before it in its partition.",
            place.topic, place.partition, place.offset
        ),
        (None, Some(unread)) => format!(
            " `hc-platform topics unreadable {}` finds it.",
            unread.topic
        ),
        (None, None) => String::new(),
    };
    Some(format!("{cause}. Flink starts the job again.{help}"))
}

fn wrong(statements: &[Statement]) -> Option<String> {
    if statements.is_empty() {
        return Some("No statement is deployed: hc-flink-gateway deploy pipelines/.".to_owned());
    }
    let named = |matches: &dyn Fn(&Statement) -> bool| -> Vec<&str> {
        let found = statements.iter().filter(|statement| matches(statement));
        found.map(|statement| statement.name.as_str()).collect()
    };
    let job =
        |statement: &Statement, is: &dyn Fn(&Job) -> bool| statement.job.as_ref().is_some_and(is);
    // Between two failures a job runs for a moment.
    let sick = named(&|one| {
        !matches!(one.phase.as_str(), "RUNNING" | "COMPLETED" | "STOPPED")
            || job(one, &|job| job.cause.is_some())
    });
    let late = named(&|one| job(one, &|job| job.late_records_dropped.is_some_and(|n| n > 0)));
    let old = named(&|one| {
        one.phase == "RUNNING"
            && job(one, &|job| {
                job.checkpoint_age_ms
                    .is_some_and(|age| age > OLD_CHECKPOINT)
            })
    });
    let sentences = [
        (sick, "not running"),
        (late, "dropping late records, so that facts are missing"),
        (old, "without a checkpoint for five minutes"),
    ];
    let mut unreadable: Vec<String> = statements
        .iter()
        .filter_map(|one| one.job.as_ref())
        .flat_map(|job| &job.unreadable)
        .map(|place| format!("{} {} {}", place.topic, place.partition, place.offset))
        .collect();
    unreadable.sort();
    unreadable.dedup();
    let count = counted(unreadable.len(), "record");
    let places = unreadable.join(", ");
    let unreadable = (!unreadable.is_empty())
        .then(|| format!("{count} that cannot be read (topic, partition, offset): {places}."));
    let sentences: Vec<String> = sentences
        .into_iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, what)| {
            let count = counted(names.len(), "statement");
            format!("{count} {what}: {}.", names.join(", "))
        })
        .chain(unreadable)
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_detail_of_a_job_is_withheld() {
        let of = |sql: &str, phase: &str, detail: &str| {
            let remote = json!({
                "name": "s", "spec": {"statement": sql}, "status": {"phase": phase, "detail": detail}
            });
            super::detail(&serde_json::from_value(remote).unwrap(), None)
        };
        let insert = "INSERT INTO a SELECT * FROM b";
        assert_eq!(of(insert, "RUNNING", ""), None);
        for phase in ["FAILED", "DEGRADED", "PENDING"] {
            let detail = of(insert, phase, "For input string: Marker Name").unwrap();
            assert!(!detail.contains("Marker"), "{detail}");
        }
        assert_eq!(
            of("create table a (b INT)", "FAILED", "Unsupported options").as_deref(),
            Some("Unsupported options")
        );
    }

    #[test]
    fn the_next_page_is_asked_of_the_same_server() {
        assert_eq!(
            page_token("https://elsewhere/x?page_size=1&page_token=a%2Fb").as_deref(),
            Some("a/b")
        );
        assert_eq!(page_token(""), None);
    }
}
