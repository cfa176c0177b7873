//! `hc-bench telemetry`

use hc_kafka::{Admin, KafkaConfig};
use hc_platform::{Server, Stack};
use tokio::process::Command;

use crate::report;

#[tokio::test]
async fn counts_what_the_broker_has_and_deletes_it() {
    let stack = Stack::builder()
        .servers([Server::Kafka])
        .start()
        .await
        .unwrap();
    let brokers = &stack.env()["KAFKA_BOOTSTRAP_SERVERS"];
    let output = Command::new(env!("CARGO_BIN_EXE_hc-bench"))
        .args([
            "telemetry",
            "--devices",
            "3,50",
            "--alone",
            "500",
            "--seconds",
            "2",
            "--warm-up",
            "0.1",
            "--json",
        ])
        .env("KAFKA_BOOTSTRAP_SERVERS", brokers)
        .output()
        .await
        .unwrap();
    let report = report(&output);
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(result["acknowledged"].as_u64().unwrap() > 0, "{result}");
        assert!(result["enqueuedPerSecond"].as_f64() > Some(0.0), "{result}");
    }
    let admin = Admin::new(&KafkaConfig::plaintext(brokers)).unwrap();
    let topics = admin.list_topics().await.unwrap();
    assert!(
        !topics.iter().any(|topic| topic.starts_with("hc_bench")),
        "{topics:?}"
    );
}
