use std::env;
use std::time::Duration;

use serde_json::{Value, json};

/// How often an operation is looked at; the loop ends by the operation's own state.
const POLL: Duration = Duration::from_millis(10);

/// A session of the SQL gateway, with the settings that the translation asks for.
pub(crate) struct Session {
    client: reqwest::Client,
    url: String,
}

impl Session {
    pub(crate) async fn open() -> Self {
        let gateway = env::var("SQL_GATEWAY_URL").unwrap_or_else(|_| {
            panic!("SQL_GATEWAY_URL is not set: run through ./run_tests.sh or hc-platform exec --servers flink")
        });
        let client = reqwest::Client::new();
        let properties = json!({
            "table.local-time-zone": "UTC",
            "table.column-expansion-strategy": "EXCLUDE_ALIASED_VIRTUAL_METADATA_COLUMNS",
        });
        let opened: Value = client
            .post(format!("{gateway}/v3/sessions"))
            .json(&json!({ "properties": properties }))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let handle = opened["sessionHandle"]
            .as_str()
            .unwrap_or_else(|| panic!("{opened}"));
        Self {
            url: format!("{gateway}/v3/sessions/{handle}"),
            client,
        }
    }

    /// Runs a statement that ends by itself; the first field of its first row, or the gateway's error.
    pub(crate) async fn run(&self, sql: &str, config: &[(&str, &str)]) -> Result<String, String> {
        let config: Value = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let body = json!({"statement": sql, "executionConfig": config});
        let request = self
            .client
            .post(format!("{}/statements", self.url))
            .json(&body);
        let submitted: Value = request.send().await.unwrap().json().await.unwrap();
        let operation = submitted["operationHandle"]
            .as_str()
            .ok_or_else(|| submitted.to_string())?;
        let result_url = format!(
            "{}/operations/{operation}/result/0?rowFormat=JSON",
            self.url
        );
        loop {
            let page: Value = self
                .client
                .get(&result_url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            if let Some(errors) = page.get("errors") {
                let last = errors.as_array().and_then(|all| all.last());
                return Err(cause(last.and_then(Value::as_str).unwrap_or_default()));
            }
            if page["resultType"] != "NOT_READY" {
                return Ok(page["results"]["data"][0]["fields"][0]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// The deepest cause in a stack trace, without the places it passed through.
fn cause(trace: &str) -> String {
    let deepest = trace.rsplit("Caused by: ").next().unwrap_or(trace);
    let message = deepest.split("\n\tat ").next().unwrap_or(deepest);
    // The parser goes on with everything that it would have liked.
    message
        .split("\nWas expecting")
        .next()
        .unwrap_or(message)
        .to_owned()
}
