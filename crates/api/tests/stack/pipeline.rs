//! `/pipeline/status` and the lag in `/metrics` with the real servers, and without one of them.

use std::{path::Path, process::Command, time::Duration};

use hc_api::{config::PipelineArgs, database};
use hc_contracts::topics;
use hc_platform::{Server, Stack};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::{Instant, sleep};

use crate::{
    drift::{Pipeline, verdict},
    kafka,
    support::{TestApp, records},
};

/// Looks until it is as wanted; the last look is part of the failure.
async fn until(
    what: &str,
    look: impl AsyncFn() -> Value,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let found = look().await;
        if wanted(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "waited for {what}: {found:#}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether the projection is at this position and knows that this is the end; position, end and state are known one
/// after the other.
fn has_read(topics: &Value, position: i64) -> bool {
    let consumer = &content(topics, "hc_fct_drift_evts")["consumers"][0];
    consumer["state"] == "caught_up"
        && consumer["lag"] == 0
        && consumer["partitions"][0]["position"] == position
}

async fn part(app: &TestApp, name: &str) -> Value {
    app.get("/pipeline/status").await.json()[name].take()
}

fn content<'a>(part: &'a Value, name: &str) -> &'a Value {
    let all = part["content"].as_array().unwrap().iter();
    let mut found = all.filter(|one| one["name"].as_str().unwrap().ends_with(name));
    found.next().unwrap_or_else(|| panic!("{name} in {part:#}"))
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn topics_and_subjects_are_shown_with_the_lag(pool: PgPool) {
    let kafka = kafka::shared("status");
    kafka.ensure_topics().await.unwrap();
    let app = TestApp::with_kafka(records(&pool), Some(kafka.clone())).await;
    let topics = part(&app, "topics").await;
    let reason = topics["reason"].as_str().unwrap();
    let missing = topics::ALL.len() - topics::OWNED.len();
    let expected = format!("{missing} topics not made yet");
    assert!(reason.starts_with(&expected), "{reason}");
    let raw = content(&topics, "hc_raw_device_metrics");
    assert_eq!(raw["exists"], true);
    assert_eq!(
        raw["partitions"],
        json!([0, 1, 2].map(|partition| json!({"partition": partition, "begin": 0, "end": 0})))
    );
    let drift = content(&topics, "hc_fct_drift_evts");
    assert_eq!(
        (&drift["exists"], &drift["layer"]),
        (&json!(false), &json!("fact"))
    );
    assert_eq!(drift["consumers"][0]["lag"], Value::Null);

    let pipeline = Pipeline::new(&kafka).await;
    for ts in 1..=3 {
        pipeline.put(&verdict(ts, 14.5)).await;
    }
    let read = |topics: &Value| has_read(topics, 3);
    let topics = until(
        "the verdicts to be read",
        async || part(&app, "topics").await,
        read,
    )
    .await;
    let drift = content(&topics, "hc_fct_drift_evts");
    assert_eq!(drift["recordsAtMost"], 3);
    assert_eq!(
        drift["consumers"],
        json!([{
            "name": "drift", "state": "caught_up", "lag": 0,
            "partitions": [{"partition": 0, "position": 3, "lag": 0}],
        }])
    );
    let metrics = async || json!(app.get("/metrics").await.text);
    let has = |line: &'static str| {
        move |text: &Value| text.as_str().unwrap().lines().any(|found| found == line)
    };
    for line in [
        "consumer_position{consumer=\"drift\",partition=\"0\"} 3",
        "consumer_end_offset{consumer=\"drift\",partition=\"0\"} 3",
        "consumer_lag{consumer=\"drift\",partition=\"0\"} 0",
        "consumer_state{consumer=\"drift\",state=\"caught_up\"} 1",
        "kafka_producer_senders_waiting{producer=\"readings\"} 0",
        "kafka_producer_records_in_flight_max{producer=\"prompt\"} 10000",
        "kafka_producer_records_total{producer=\"readings\",outcome=\"acknowledged\"} 3",
        "kafka_producer_records_total{producer=\"prompt\",outcome=\"refused\"} 0",
        "kafka_producer_errors_total{producer=\"readings\"} 0",
    ] {
        until(line, metrics, has(line)).await;
    }

    let subjects = part(&app, "subjects").await;
    let value = content(&subjects, "hc_fct_drift_evts-value");
    assert_eq!(value["version"], 1);
    assert!(value["schemaId"].as_u64().is_some(), "{value}");
    assert_eq!(
        content(&subjects, "healthcare.public.patients-value")["version"],
        Value::Null
    );
    assert_eq!(subjects["state"], "degraded");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_and_the_registry_go_and_come_back() {
    let stack = Stack::builder()
        .servers([Server::Connect])
        .start()
        .await
        .unwrap();
    let env = stack.env();
    let pool = PgPoolOptions::new()
        .connect_lazy(&env["DATABASE_URL"])
        .unwrap();
    database::migrate(&mut pool.acquire().await.unwrap())
        .await
        .unwrap();
    let servers = PipelineArgs {
        connect_url: env["CONNECT_URL"].clone(),
        ..PipelineArgs::default()
    };
    let clients = || {
        kafka::clients(
            &env["KAFKA_BOOTSTRAP_SERVERS"],
            &env["SCHEMA_REGISTRY_URL"],
            String::new(),
        )
    };
    let pipeline = Pipeline::new(&clients()).await;
    pipeline.put(&verdict(1, 14.5)).await;

    // Started while the registry is down: the schema of the verdict cannot be had.
    stack.kill(Server::Registry).await.unwrap();
    let records = records(&pool);
    let app = TestApp::with_pipeline(records, Some(clients()), &servers, None).await;
    let ready = async || app.get("/ready").await.json();
    until("/ready to say so", ready, |ready| {
        ready["dependencies"][2]
            == json!({
                "name": "drift-projection", "status": "unavailable", "detail": "failed and is trying again",
            })
    })
    .await;
    let status = app.get("/pipeline/status").await.json();
    assert_eq!(
        status["subjects"]["reason"],
        "The schema registry does not answer; records of schemas that are not known yet wait until it does."
    );
    let reason = status["topics"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("The projection drift fails"), "{reason}");
    let drift = content(&status["topics"], "hc_fct_drift_evts");
    assert_eq!(drift["consumers"][0]["lag"], 1, "{drift}");
    let start = app.post("/simulation/start", json!({})).await;
    assert_eq!(start.status, 409, "nobody wears a device yet: {start}");
    assert_eq!(app.get("/patients").await.status, 200);

    stack.restart(Server::Registry).await.unwrap();
    let read = |topics: &Value| has_read(topics, 1);
    let topics = async || part(&app, "topics").await;
    until("the verdict to be read", topics, read).await;
    assert_eq!(app.get("/drift").await.column("deviceId"), ["DEV-P003"]);
    assert_eq!(app.get("/ready").await.status, 200);

    let connector = async || part(&app, "connector").await;
    let reason = connector().await["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("register it with"), "{reason}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connect/register-connector.sh");
    let registered = Command::new(script)
        .env("CONNECT_URL", &env["CONNECT_URL"])
        .output()
        .unwrap();
    assert!(registered.status.success(), "{registered:?}");
    let healthy = until("a healthy connector", connector, |part| {
        part["content"]["verdict"] == "healthy"
    })
    .await;
    assert_eq!(healthy["state"], "ok");
    assert_eq!(
        healthy["content"]["tasks"],
        json!([{"id": 0, "state": "RUNNING", "exceptions": []}])
    );
    let slot = async || part(&app, "replicationSlot").await;
    // The heart beats already while the snapshot is taken, before the slot is read.
    let active = until("the slot to be read", slot, |part| {
        part["content"]["active"] == true
    })
    .await;
    assert_eq!(active["state"], "ok", "{active}");
    assert!(active["content"]["lagBytes"].as_i64().unwrap() >= 0);

    stack.kill(Server::Connect).await.unwrap();
    let gone = connector().await["reason"].as_str().unwrap().to_owned();
    assert!(gone.starts_with("Kafka Connect does not answer"), "{gone}");
    let unread = until("the slot to be left", slot, |part| {
        part["content"]["active"] == false
    })
    .await;
    let warning = unread["content"]["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("Nobody reads"), "{warning}");

    stack.kill(Server::Kafka).await.unwrap();
    let status = until(
        "Kafka to be missed",
        async || app.get("/pipeline/status").await.json(),
        |status| status["topics"]["state"] == "unavailable",
    )
    .await;
    assert_eq!(status["replicationSlot"]["state"], "degraded");
    let subjects = status["subjects"]["content"].as_array().unwrap();
    assert_eq!(subjects.len(), 2 * topics::ALL.len());
    app.stop().await;
}
