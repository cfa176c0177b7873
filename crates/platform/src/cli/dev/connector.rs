//! Watches the connector's tasks: Connect reports a failed one and leaves it so.

use std::time::Duration;

use serde_json::Value;

use crate::report::{Report, seconds};

const LOOK: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(3);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Starts failed tasks again, less and less often while they keep failing. Never returns.
pub(crate) async fn keep_running(client: &reqwest::Client, connector: &str, report: &Report) {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(LOOK).await;
        let status = match client.get(format!("{connector}/status")).send().await {
            Ok(answer) => answer.json::<Value>().await.unwrap_or_default(),
            // The worker itself is down, which its supervisor sees.
            Err(_) => continue,
        };
        match failed(&status) {
            0 => pause = FIRST_PAUSE,
            count => {
                // Without the trace, which can hold rows of the tables.
                report.about(
                    "connector",
                    format!(
                        "{count} of its parts failed (hc-platform logs connect); starting them again, next look in {}",
                        seconds(pause)
                    ),
                );
                let restart = format!("{connector}/restart?includeTasks=true&onlyFailed=true");
                if let Err(error) = client.post(restart).send().await {
                    tracing::warn!(%error, "restarting the connector's tasks");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// How many of the connector and its tasks have failed.
fn failed(status: &Value) -> usize {
    let tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
    tasks
        .iter()
        .chain([&status["connector"]])
        .filter(|part| part["state"] == "FAILED")
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_parts_are_counted() {
        let status = serde_json::json!({
            "connector": { "state": "RUNNING" },
            "tasks": [{ "id": 0, "state": "FAILED" }, { "id": 1, "state": "RUNNING" }]
        });
        assert_eq!(failed(&status), 1);
        assert_eq!(failed(&Value::Null), 0);
    }
}
