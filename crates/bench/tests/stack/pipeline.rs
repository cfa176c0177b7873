//! `hc-bench pipeline`

use std::path::Path;

use hc_platform::Stack;
use tokio::process::Command;

use crate::report;

#[tokio::test]
async fn times_verdicts_and_counts_what_the_drift_job_takes() {
    let stack = Stack::builder().start().await.unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hc-bench"))
        .args(["pipeline", "--json", "--repository"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .args(["--devices", "20", "--rate", "100", "--seconds", "3"])
        .args(["--warm-up", "1", "--cases", "drift,sustained"])
        .args(["--window", "5", "--steady", "3", "--backlog", "2000000"])
        .envs(stack.env())
        .output()
        .await
        .unwrap();
    let report = report(&output);
    let drift = &report["latency"][0];
    assert!(drift["verdicts"].as_u64().unwrap() > 20, "{drift}");
    assert!(drift["p50Ms"].as_f64().unwrap() > 0.0, "{drift}");
    assert!(
        drift["p50Ms"].as_f64() <= drift["p99Ms"].as_f64(),
        "{drift}"
    );
    let sustained = &report["sustained"];
    assert!(
        sustained["readingsPerSecond"].as_f64() > Some(100.0),
        "{sustained}"
    );
    assert!(
        sustained["slowestPerSecond"].as_f64() <= sustained["readingsPerSecond"].as_f64(),
        "{sustained}"
    );
}
