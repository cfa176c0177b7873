//! `hc-bench sse`

use serde_json::Value;
use tokio::process::Command;

use crate::report;

#[tokio::test]
async fn counts_what_each_subscriber_gets() {
    let output = Command::new(env!("CARGO_BIN_EXE_hc-bench"))
        .args([
            "sse",
            "--subscribers",
            "0,3",
            "--rates",
            "200",
            "--seconds",
            "1",
            "--warm-up",
            "0.3",
            "--json",
        ])
        .env_remove("KAFKA_BOOTSTRAP_SERVERS")
        .env_remove("SCHEMA_REGISTRY_URL")
        .output()
        .await
        .unwrap();
    let report = report(&output);
    let (alone, watched) = (&report["results"][0], &report["results"][1]);
    assert!(
        alone["producedPerSecond"].as_f64().unwrap() > 0.0,
        "{alone}"
    );
    assert_eq!(alone["deliveredPerSecond"], 0.0);
    assert!(
        watched["deliveredPerSecond"].as_f64() > watched["producedPerSecond"].as_f64(),
        "{watched}"
    );
    assert_eq!(
        (&watched["missedPercent"], &watched["astray"]),
        (&Value::from(0.0), &Value::from(0))
    );
}
