//! `hc-bench sse`

use std::{path::Path, time::Duration};

use serde_json::Value;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::report;

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

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

#[tokio::test]
async fn a_bench_that_is_stopped_takes_its_server_along() {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_hc-bench"))
        .args(["sse", "--seconds", "60"])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = bench.id().unwrap();
    let server = timeout(PATIENCE, async {
        loop {
            let started = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            match started.unwrap().split_whitespace().next() {
                Some(pid) => return pid.to_owned(),
                None => sleep(LOOK).await,
            }
        }
    });
    let server = format!("/proc/{}", server.await.expect("a server"));
    let asked = Command::new("kill").arg(pid.to_string()).status().await;
    assert!(asked.unwrap().success());
    assert_eq!(bench.wait().await.unwrap().code(), Some(1));
    let gone = timeout(PATIENCE, async {
        while Path::new(&server).exists() {
            sleep(LOOK).await;
        }
    });
    gone.await.expect("the server is gone");
}
