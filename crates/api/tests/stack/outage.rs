//! Kafka is killed while devices report.

use std::time::Duration;

use hc_platform::{Server, Stack};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    kafka,
    simulation::{readings, series},
    support::TestApp,
};

#[tokio::test(flavor = "multi_thread")]
async fn no_reading_is_lost_while_kafka_is_away() {
    let stack = Stack::builder()
        .servers([Server::Kafka, Server::Registry])
        .start()
        .await
        .unwrap();
    let env = stack.env();
    let kafka = kafka::clients(
        &env["KAFKA_BOOTSTRAP_SERVERS"],
        &env["SCHEMA_REGISTRY_URL"],
        String::new(),
    );
    let app = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    let mut events = app.events("/telemetry/stream", None).await;
    assert_eq!(app.post("/simulation/start", json!({})).await.status, 200);
    events.take(30).await;

    stack.kill(Server::Kafka).await.unwrap();
    until(|| app.simulation.status().errors > 0).await;
    let status = app.get("/simulation/status").await.json();
    assert_eq!(
        (&status["running"], &status["kafka"]),
        (&json!(true), &json!("unavailable"))
    );
    assert!(
        status["lastError"]
            .as_str()
            .unwrap()
            .contains("not delivered"),
        "{status}"
    );

    stack.restart(Server::Kafka).await.unwrap();
    let before = app.simulation.status().records;
    until(|| app.simulation.status().records > before + 60).await;
    assert_eq!(app.simulation.status().last_error, None);
    assert!(app.simulation.stop().await);

    for (of, mut times) in series(&readings(&kafka).await) {
        // A reading whose acknowledgement was lost is sent again; the same reading twice is one reading.
        times.dedup();
        let gaps: Vec<_> = times
            .windows(2)
            .filter(|pair| pair[1] - pair[0] != 300_000)
            .collect();
        assert!(gaps.is_empty(), "{of:?}: {gaps:?}");
    }
    app.stop().await;
}

pub(crate) async fn until(condition: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(60), async {
        while !condition() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    waited.await.expect("the condition holds within a minute");
}
