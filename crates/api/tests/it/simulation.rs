use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use hc_api::{clock::Clock, demo::Demo, kafka::Kafka, state::Records};
use hc_kafka::{KafkaArgs, RegistryArgs};
use insta::assert_snapshot;
use serde_json::{Value, json};
use sqlx::PgPool;

use tokio::time::timeout;

use crate::support::{Event, NOW, STORY_START, TestApp};

#[tokio::test]
async fn readings_reach_the_screen_without_kafka_and_database() {
    let app = TestApp::demo().await;
    assert_snapshot!(app.get("/simulation/status").await, @r#"
    200 OK
    content-type: application/json
    {
      "errors": 0,
      "kafka": "disabled",
      "lastError": null,
      "patientId": null,
      "records": 0,
      "running": false,
      "simulationType": "all",
      "speed": 0.0,
      "startedAt": null,
      "storyTime": 1764719700000
    }
    "#);
    let mut events = app.events("/telemetry/stream", None).await;
    assert_snapshot!(app.post("/simulation/start", json!({})).await, @r#"
    200 OK
    content-type: application/json
    {
      "message": "Device simulation is running.",
      "status": "started"
    }
    "#);
    assert_snapshot!(app.post("/simulation/start", json!({})).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "The simulation is already running.",
      "requestId": "eccfc4ca-a8cd-4b63-87cb-56ff66cd60b5",
      "status": 409,
      "title": "Conflict",
      "type": "about:blank"
    }
    "#);

    // Two rounds of five devices with three metrics.
    let readings = events.take(30).await;
    let ts: Vec<i64> = readings
        .iter()
        .map(|event| event.data["ts"].as_i64().unwrap())
        .collect();
    assert!(ts[..15].iter().all(|&t| t == STORY_START), "{ts:?}");
    assert!(
        ts[15..].iter().all(|&t| t == STORY_START + 300_000),
        "{ts:?}"
    );
    let id = readings[0].id.as_deref().unwrap();
    assert!(id.starts_with("b00t-"), "{id}");
    assert_eq!(readings[0].name, "telemetry");
    assert_eq!(
        readings[0]
            .data
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        [
            "deviceId",
            "metricName",
            "metricValue",
            "patientId",
            "softwareVersion",
            "ts"
        ]
    );
    let running = app.get("/simulation/status").await.json();
    assert_eq!(
        (&running["running"], &running["kafka"]),
        (&json!(true), &json!("disabled"))
    );
    assert_eq!(running["startedAt"], crate::support::NOW);
    assert_eq!(
        running["speed"], 60_000.0,
        "300 s in a round of 15 readings at 3000 a second"
    );

    assert_snapshot!(app.post("/simulation/stop", json!({})).await, @r#"
    200 OK
    content-type: application/json
    {
      "message": "Device simulation stopped.",
      "status": "stopped"
    }
    "#);
    assert_snapshot!(app.post("/simulation/stop", json!({})).await, @r#"
    200 OK
    content-type: application/json
    {
      "message": "Simulation was already stopped.",
      "status": "stopped"
    }
    "#);
    let stopped = app.get("/simulation/status").await.json();
    assert_eq!(
        (&stopped["running"], &stopped["speed"]),
        (&json!(false), &json!(0.0))
    );
    assert!(stopped["records"].as_u64().unwrap() >= 30);
    app.stop().await;
}

#[tokio::test]
async fn one_device_is_out_of_range_and_the_others_are_not() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    app.post("/simulation/start", json!({})).await;
    let readings = events.take(15 * 60).await;
    let mut prescribed = BTreeMap::new();
    for prescription in app.get("/prescriptions").await.json().as_array().unwrap() {
        for parameter in prescription["parameters"].as_array().unwrap() {
            let key = (
                prescription["deviceId"].clone().to_string(),
                parameter["parameterName"].to_string(),
            );
            let number = |field: &str| parameter[field].as_f64().unwrap();
            prescribed.insert(
                key,
                (number("parameterValue"), number("parameterTolerance")),
            );
        }
    }
    // The devices report as fast as they can; a busy machine may miss some of it.
    let readings = readings.iter().filter(|event| event.name == "telemetry");
    for Event { data, .. } in readings {
        let (target, tolerance) =
            prescribed[&(data["deviceId"].to_string(), data["metricName"].to_string())];
        let distance = (data["metricValue"].as_f64().unwrap() - target).abs();
        let biased = data["deviceId"] == "DEV-P003" && data["metricName"] == "Pressure";
        assert_eq!(distance > tolerance, biased, "{data}");
    }
    app.stop().await;
}

#[tokio::test]
async fn one_patient_can_be_simulated() {
    let app = TestApp::demo().await;
    let single = |patient: &str| json!({"simulation_type": "single", "patient_id": patient});
    assert_snapshot!(app.post("/simulation/start", single("P999")).await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "There is no patient P999.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
    let mut events = app.events("/telemetry/stream", None).await;
    assert_eq!(
        app.post("/simulation/start", single("P002")).await.status,
        200
    );
    for event in events.take(9).await {
        assert_eq!(event.data["deviceId"], "DEV-P002");
    }
    let status = app.get("/simulation/status").await.json();
    assert_eq!(
        (&status["simulationType"], &status["patientId"]),
        (&json!("single"), &json!("P002"))
    );
    app.stop().await;
}

#[tokio::test]
async fn recent_readings_are_kept_by_device_and_metric() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    app.post("/simulation/start", json!({})).await;
    events.take(45).await;
    app.post("/simulation/stop", json!({})).await;
    let pressure = app
        .get("/telemetry/metrics?deviceId=DEV-P001&metric=Pressure&limit=2")
        .await
        .json();
    let pressure = pressure.as_array().unwrap();
    assert_eq!(pressure.len(), 2);
    assert_eq!(
        pressure[1]["ts"].as_i64().unwrap() - pressure[0]["ts"].as_i64().unwrap(),
        300_000,
        "oldest first"
    );
    let all = app.get("/telemetry/metrics").await.json();
    assert!(all.as_array().unwrap().len() >= 45);
    assert_eq!(app.get("/telemetry/metrics?metric=Speed").await.status, 400);
    app.stop().await;
}

fn mean(events: &[Event], device: &str, metric: &str) -> f64 {
    let values: Vec<f64> = events
        .iter()
        .filter(|event| event.data["deviceId"] == device && event.data["metricName"] == metric)
        .map(|event| event.data["metricValue"].as_f64().unwrap())
        .collect();
    assert!(!values.is_empty());
    values.iter().sum::<f64>() / values.len() as f64
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_running_simulation_follows_the_settings_and_the_list_of_devices(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let mut events = app.events("/telemetry/stream", None).await;
    app.post("/simulation/start", json!({})).await;
    let before = events.take(15 * 20).await;
    assert!((mean(&before, "DEV-P001", "Pressure") - 10.0).abs() < 0.8);

    let changed = app
        .patch("/devices/DEV-P001", json!({"pressureSetting": 20}))
        .await;
    assert_eq!(changed.status, 200);
    // The event after which every reading is of a later round is not known, so wait for the first.
    let is_new = |data: &Value| {
        data["deviceId"] == "DEV-P001"
            && data["metricName"] == "Pressure"
            && data["metricValue"].as_f64() > Some(15.0)
    };
    while !is_new(&events.next().await.unwrap().data) {}
    let after = events.take(15 * 20).await;
    assert!((mean(&after, "DEV-P001", "Pressure") - 20.0).abs() < 0.8);

    assert_eq!(
        app.patch("/devices/DEV-P002", json!({"patientId": null}))
            .await
            .status,
        200
    );
    let mut rounds_without = 0;
    while rounds_without < 3 {
        let round = events.take(12).await;
        let absent = round
            .iter()
            .all(|event| event.data["deviceId"] != "DEV-P002");
        rounds_without = if absent { rounds_without + 1 } else { 0 };
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_story_goes_on_where_it_stopped(pool: PgPool) {
    let first = TestApp::seeded(pool.clone()).await;
    let mut events = first.events("/telemetry/stream", None).await;
    first.post("/simulation/start", json!({})).await;
    events.take(60).await;
    first.post("/simulation/stop", json!({})).await;
    let stopped_at = first.simulation.story_time();
    assert!(stopped_at >= STORY_START + 3 * 300_000);
    first.stop().await;

    let second = TestApp::empty(pool).await;
    let resumed_at = second.simulation.story_time();
    assert_eq!(resumed_at, stopped_at);
    let mut events = second.events("/telemetry/stream", None).await;
    second.post("/simulation/start", json!({})).await;
    let next = events.next().await.unwrap();
    assert_eq!(next.data["ts"], resumed_at + 300_000);
    second.stop().await;
}

#[tokio::test]
async fn a_thousand_devices_report() {
    let demo = Demo::new(1_000, Clock::fixed(NOW).now(), 180).unwrap();
    assert_eq!(demo.prescriptions.len(), 1_000);
    let app = TestApp::new(Records::Demo(Arc::new(demo))).await;
    assert_eq!(app.post("/simulation/start", json!({})).await.status, 200);
    let mut status = app.simulation.watch();
    let two_rounds = status.wait_for(|status| status.records >= 6_000);
    timeout(Duration::from_secs(60), two_rounds)
        .await
        .unwrap()
        .unwrap();
    let readings = app.state.telemetry.recent(None, None, usize::MAX);
    let of_round = |ts| -> BTreeSet<_> {
        let of = readings.iter().filter(|reading| reading.ts == ts);
        of.map(|reading| (reading.device_id.clone(), reading.metric))
            .collect()
    };
    assert_eq!(of_round(STORY_START).len(), 3_000);
    assert_eq!(of_round(STORY_START + 300_000).len(), 3_000);
    app.stop().await;
}

#[tokio::test]
async fn a_stop_completes_the_round() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    app.post("/simulation/start", json!({})).await;
    events.take(20).await;
    assert!(app.simulation.stop().await);
    let stopped = app.simulation.status();
    assert_eq!(stopped.records % 15, 0, "{stopped:?}");
    let rounds = i64::try_from(stopped.records / 15).unwrap();
    assert_eq!(stopped.story_time, STORY_START + (rounds - 1) * 300_000);
    app.stop().await;
}

#[tokio::test]
async fn a_start_without_its_kafka_is_refused_soon() {
    let kafka = KafkaArgs {
        // Nobody listens on port 1.
        kafka_bootstrap_servers: "127.0.0.1:1".to_owned(),
        ..KafkaArgs::default()
    };
    let registry = RegistryArgs {
        schema_registry_url: "http://127.0.0.1:1".to_owned(),
        ..RegistryArgs::default()
    };
    let kafka = Kafka::new(&kafka, &registry).unwrap();
    let app = TestApp::with_kafka(TestApp::demo_records(), kafka).await;
    let started = Instant::now();
    assert_snapshot!(app.post("/simulation/start", json!({})).await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    retry-after: 2
    {
      "detail": "Kafka or the schema registry does not answer, so the devices would report to nobody. Start them, or start this service without KAFKA_BOOTSTRAP_SERVERS.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
    assert!(
        started.elapsed() < Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
    let status = app.get("/simulation/status").await.json();
    assert_eq!(
        (&status["running"], &status["kafka"]),
        (&json!(false), &json!("unavailable"))
    );
    assert_eq!(app.get("/ready").await.status, 503);
    app.stop().await;
}
