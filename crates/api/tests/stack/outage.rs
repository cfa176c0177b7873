//! Kafka is killed while devices report.

use std::time::Duration;

use hc_api::simulation::Status;
use hc_platform::{Server, Stack};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{
    kafka,
    simulation::{assert_complete, readings},
    support::TestApp,
};

/// Longer than any of the client's own limits, so that all of them have been through.
const OUTAGE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_is_there_once_and_in_order_after_kafka_was_away() {
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
    assert_eq!(app.post("/simulation/start", json!({})).await.status, 200);
    until_status(&app, |status| status.records > 300).await;

    stack.kill(Server::Kafka).await.unwrap();
    let killed = Instant::now();
    until_status(&app, |status| status.errors > 0).await;
    let status = app.get("/simulation/status").await.json();
    assert_eq!(
        (&status["running"], &status["kafka"]),
        (&json!(true), &json!("unavailable"))
    );
    assert_eq!(
        status["lastError"],
        "Kafka has not acknowledged readings for 5 s; they wait"
    );
    let refused = app
        .post("/device/DEV-P001/events/button-press", json!({}))
        .await;
    assert_eq!(refused.status, 503, "{refused}");
    sleep_until(killed + OUTAGE).await;
    // Neither a stop nor a start waits for the broker.
    assert!(app.simulation.stop().await);
    assert_eq!(app.post("/simulation/start", json!({})).await.status, 503);

    stack.restart(Server::Kafka).await.unwrap();
    let start = async { while app.post("/simulation/start", json!({})).await.status != 200 {} };
    timeout(Duration::from_secs(60), start)
        .await
        .expect("Kafka is back");
    until_status(&app, |status| status.records > 300).await;
    assert_eq!(app.simulation.status().last_error, None);
    assert!(app.simulation.stop().await);
    assert_complete(&readings(&kafka).await, 5);
    app.stop().await;
}

async fn until_status(app: &TestApp, condition: impl Fn(&Status) -> bool) {
    let mut status = app.simulation.watch();
    let waited = timeout(
        Duration::from_secs(60),
        status.wait_for(|now| condition(now)),
    );
    waited
        .await
        .expect("the condition holds within a minute")
        .unwrap();
}

pub(crate) async fn until(condition: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(60), async {
        while !condition() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    waited.await.expect("the condition holds within a minute");
}
