//! The Debezium connector. RUNNING is only what Connect believes: a task that hangs is RUNNING for ever. A connector that
//! works also writes a heartbeat, every five seconds, into the database that it captures.

use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{INNER_LIMIT, Part, Pipeline, counted, redact};
use crate::store;

/// `slot.name` of `connect/debezium-postgres-healthcare.json`.
pub(super) const SLOT: &str = "debezium_healthcare_slot";
/// Several times `heartbeat.interval.ms` of the connector, in milliseconds.
const STALE: i64 = 30_000;

/// The connector that brings tables to Kafka.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PipelineConnector)]
pub struct Connector {
    #[schema(examples("debezium-postgres-healthcare"))]
    name: String,
    verdict: Verdict,
    /// The verdict's reason
    explanation: String,
    /// Connect's word: `RUNNING`, `PAUSED`, `STOPPED`, `FAILED`, `RESTARTING` or `UNASSIGNED`
    #[schema(examples("RUNNING"))]
    state: String,
    /// Why it failed, as class names of exceptions, outermost first. Their messages are withheld: they can contain rows
    exceptions: Vec<String>,
    tasks: Vec<Task>,
    /// Since the connector last wrote its heartbeat; null when it never did or Postgres does not answer
    #[schema(required)]
    heartbeat_age_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PipelineConnectorVerdict)]
pub enum Verdict {
    /// It runs and its heart beats
    Healthy,
    /// It may run
    Degraded,
    /// Nothing is captured
    Down,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PipelineConnectorTask)]
pub struct Task {
    id: i32,
    #[schema(examples("RUNNING"))]
    state: String,
    /// As of the connector
    exceptions: Vec<String>,
}

#[derive(Deserialize)]
struct Status {
    connector: Unit,
    #[serde(default)]
    tasks: Vec<Unit>,
}

#[derive(Deserialize)]
struct Unit {
    #[serde(default)]
    id: i32,
    state: String,
    /// Holds rows; goes nowhere but to [`redact::exceptions`].
    #[serde(default)]
    trace: String,
}

/// What is known about the heart.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heartbeat {
    /// In milliseconds.
    Age(i64),
    Never,
    /// Postgres was not asked, or did not answer.
    Unknown(&'static str),
}

impl Pipeline {
    pub(super) async fn connector(&self) -> Part<Connector> {
        let Some(connect) = &self.connect else {
            return Part::not_set("CONNECT_URL");
        };
        let name = &self.connector;
        let path = ["connectors", name, "status"];
        let (status, heartbeat) = tokio::join!(connect.get(&path, &[]), self.heartbeat());
        let status: Status = match status {
            Ok(Some(status)) => status,
            Ok(None) => {
                return Part::unavailable(format!(
                    "Kafka Connect has no connector {name}; register it with connect/register-connector.sh."
                ));
            }
            Err(failure) => return Part::unavailable(format!("Kafka Connect {failure}.")),
        };
        let connector = connector(name, status, &heartbeat);
        let wrong = (connector.verdict != Verdict::Healthy).then(|| connector.explanation.clone());
        Part::found(connector, wrong)
    }

    async fn heartbeat(&self) -> Heartbeat {
        let Some(pool) = &self.pool else {
            return Heartbeat::Unknown("DATABASE_URL is not set");
        };
        let look = async {
            let mut db = pool.acquire().await?;
            let age = store::capture::heartbeat_age(&mut db).await?;
            db.release();
            Ok::<_, sqlx::Error>(age)
        };
        match timeout(INNER_LIMIT, look).await {
            Ok(Ok(Some(age))) => Heartbeat::Age(age.max(0)),
            Ok(Ok(None)) => Heartbeat::Never,
            Ok(Err(_)) | Err(_) => Heartbeat::Unknown("Postgres does not answer"),
        }
    }
}

fn connector(name: &str, status: Status, heartbeat: &Heartbeat) -> Connector {
    let (verdict, explanation) = judge(name, &status, heartbeat);
    Connector {
        name: name.to_owned(),
        verdict,
        explanation,
        exceptions: redact::exceptions(&status.connector.trace),
        state: status.connector.state,
        tasks: status
            .tasks
            .into_iter()
            .map(|task| Task {
                id: task.id,
                exceptions: redact::exceptions(&task.trace),
                state: task.state,
            })
            .collect(),
        heartbeat_age_ms: match heartbeat {
            Heartbeat::Age(age) => Some(*age),
            Heartbeat::Never | Heartbeat::Unknown(_) => None,
        },
    }
}

fn judge(name: &str, status: &Status, heartbeat: &Heartbeat) -> (Verdict, String) {
    let units = || status.tasks.iter().chain([&status.connector]);
    let in_state = |state: &str| units().filter(|unit| unit.state == state).count();
    let is_down = |explanation: String| (Verdict::Down, explanation);
    let may_run = |explanation: String| (Verdict::Degraded, explanation);
    match in_state("FAILED") {
        0 => {}
        failed => {
            return is_down(format!(
                "{} of the connector failed and nothing is captured; the log of Kafka Connect has the reason.",
                counted(failed, "part")
            ));
        }
    }
    let state = status.connector.state.as_str();
    if matches!(state, "PAUSED" | "STOPPED") {
        let state = state.to_lowercase();
        return is_down(format!(
            "The connector is {state} and nothing is captured; resume it: PUT /connectors/{name}/resume."
        ));
    }
    if status.tasks.is_empty() {
        return is_down("The connector has no task and nothing is captured.".to_owned());
    }
    if units().any(|unit| unit.state != "RUNNING") {
        return may_run("The connector or its task is being started.".to_owned());
    }
    match heartbeat {
        Heartbeat::Age(age) if *age <= STALE => (
            Verdict::Healthy,
            format!("It runs; its last heartbeat is {} s old.", age / 1_000),
        ),
        Heartbeat::Age(age) => may_run(format!(
            "Kafka Connect says RUNNING, but the last heartbeat is {} s old: the task hangs, or cannot reach Postgres. \
             Restart it: POST /connectors/{name}/restart?includeTasks=true.",
            age / 1_000
        )),
        Heartbeat::Never => may_run(
            "Kafka Connect says RUNNING, but there was no heartbeat yet: the first snapshot is being taken, or the task hangs."
                .to_owned(),
        ),
        Heartbeat::Unknown(why) => may_run(format!(
            "Kafka Connect says RUNNING; whether the heart beats is not known: {why}."
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn verdict(status: Value, heartbeat: Heartbeat) -> (Verdict, String) {
        judge("c", &serde_json::from_value(status).unwrap(), &heartbeat)
    }

    #[test]
    fn running_alone_is_not_health() {
        let running =
            json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}]});
        let check = |heartbeat, expected: Verdict, words: &str| {
            let (verdict, explanation) = verdict(running.clone(), heartbeat);
            assert_eq!(verdict, expected, "{explanation}");
            assert!(explanation.contains(words), "{explanation}");
        };
        check(Heartbeat::Age(4_900), Verdict::Healthy, "is 4 s old");
        check(Heartbeat::Age(30_001), Verdict::Degraded, "is 30 s old");
        check(Heartbeat::Never, Verdict::Degraded, "no heartbeat yet");
        check(
            Heartbeat::Unknown("Postgres does not answer"),
            Verdict::Degraded,
            "not known: Postgres does not answer",
        );
    }

    #[test]
    fn a_connector_without_a_working_task_is_down() {
        for (status, words) in [
            (
                json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "FAILED", "trace": "x"}]}),
                "1 part of the connector failed",
            ),
            (
                json!({"connector": {"state": "FAILED"}, "tasks": [{"id": 0, "state": "FAILED"}]}),
                "2 parts of the connector failed",
            ),
            (
                json!({"connector": {"state": "PAUSED"}, "tasks": [{"id": 0, "state": "PAUSED"}]}),
                "/connectors/c/resume",
            ),
            (json!({"connector": {"state": "RUNNING"}}), "has no task"),
        ] {
            let (verdict, explanation) = verdict(status, Heartbeat::Age(0));
            assert_eq!(verdict, Verdict::Down, "{explanation}");
            assert!(explanation.contains(words), "{explanation}");
        }
        let starting =
            json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "UNASSIGNED"}]});
        assert_eq!(verdict(starting, Heartbeat::Age(0)).0, Verdict::Degraded);
    }

    #[test]
    fn the_slot_is_the_one_of_the_committed_connector() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../connect/debezium-postgres-healthcare.json");
        let config: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(config["slot.name"], SLOT);
        let interval: i64 = config["heartbeat.interval.ms"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(STALE > 3 * interval);
    }
}
