use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Event, Events, STORY_START, TestApp};

/// The next readings of one device and metric, in which others may come between.
async fn values(events: &mut Events, device: &str, metric: &str, count: usize) -> Vec<f64> {
    let mut values = Vec::new();
    while values.len() < count {
        let Event { data, .. } = events.next().await.expect("the stream goes on");
        if data["deviceId"] == device && data["metricName"] == metric {
            values.push(data["metricValue"].as_f64().unwrap());
        }
    }
    values
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Looks at a defect until it is in the state.
async fn until(app: &TestApp, id: &str, state: &str) -> Value {
    loop {
        let defect = app.get(&format!("/simulation/defects/{id}")).await.json();
        if defect["state"] == state {
            return defect;
        }
        tokio::task::yield_now().await;
    }
}

async fn begin(app: &TestApp, device: &str, kind: &str) -> String {
    let begun = app
        .post(&format!("/device/{device}/simulator/{kind}"), json!({}))
        .await;
    assert_eq!(begun.status, 202, "{begun}");
    begun.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stopped_simulation_runs_the_rounds_of_a_one_shot_for_its_device_alone() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    let begun = app
        .post("/device/DEV-P001/simulator/flow_level_down", json!({}))
        .await;
    assert_snapshot!(begun, @r#"
    202 Accepted
    content-type: application/json
    location: /simulation/defects/54743dc5-e24d-4a41-bb15-9584c1226df6
    {
      "deviceId": "DEV-P001",
      "endedAt": null,
      "id": "54743dc5-e24d-4a41-bb15-9584c1226df6",
      "roundsDone": 0,
      "roundsTotal": 8,
      "since": null,
      "startedAt": 1780272000000,
      "state": "waiting",
      "type": "flow_level_down"
    }
    "#);
    let readings = events.take(24).await;
    for (round, readings) in readings.chunks(3).enumerate() {
        let ts = STORY_START + i64::try_from(round).unwrap() * 300_000;
        let seen: Vec<_> = readings
            .iter()
            .map(|event| {
                (
                    &event.data["deviceId"],
                    &event.data["ts"],
                    &event.data["metricName"],
                )
            })
            .collect();
        let expected = ["Pressure", "FlowRate", "FlowLevel"].map(|metric| json!(metric));
        let (device, ts) = (json!("DEV-P001"), json!(ts));
        assert_eq!(
            seen,
            expected
                .iter()
                .map(|metric| (&device, &ts, metric))
                .collect::<Vec<_>>()
        );
    }
    let levels: Vec<f64> = readings
        .iter()
        .filter(|event| event.data["metricName"] == "FlowLevel")
        .map(|event| event.data["metricValue"].as_f64().unwrap())
        .collect();
    assert_eq!(levels, [60.0, 50.0, 40.0, 30.0, 20.0, 15.0, 10.0, 0.0]);

    let id = begun.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        begun.headers["location"],
        format!("/simulation/defects/{id}")
    );
    let done = until(&app, &id, "done").await;
    assert_eq!(
        (&done["roundsDone"], &done["roundsTotal"], &done["since"]),
        (&json!(8), &json!(8), &json!(STORY_START))
    );
    assert_eq!(app.get("/simulation/defects").await.json(), json!([]));
    let status = app.get("/simulation/status").await.json();
    assert_eq!(
        (&status["running"], &status["speed"], &status["storyTime"]),
        (
            &json!(false),
            &json!(0.0),
            &json!(STORY_START + 7 * 300_000)
        )
    );
    app.stop().await;
}

#[tokio::test]
async fn a_step_replaces_the_next_round_of_its_device_and_only_that() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    app.post("/simulation/start", json!({})).await;
    events.take(15).await;
    let id = begin(&app, "DEV-P002", "flow_rate_down").await;
    let done = until(&app, &id, "done").await;
    let since = done["since"].as_i64().unwrap();
    let mut of_device = Vec::new();
    let mut of_others = Vec::new();
    loop {
        let Event { data, .. } = events.next().await.unwrap();
        let ts = data["ts"].as_i64().unwrap();
        if ts >= since + 13 * 300_000 {
            break;
        }
        if ts >= since && data["metricName"] == "FlowRate" {
            let is_mine = data["deviceId"] == "DEV-P002";
            let values = if is_mine {
                &mut of_device
            } else {
                &mut of_others
            };
            values.push(data["metricValue"].as_f64().unwrap());
        }
    }
    assert_eq!(
        of_device,
        [
            2.5, 2.0, 1.0, 0.5, 0.0, 0.7, 1.4, 2.1, 1.3, 1.0, 0.7, 0.4, 0.1
        ]
    );
    assert_eq!(of_others.len(), 4 * 13);
    assert!(of_others.iter().all(|value| *value > 2.0), "{of_others:?}");
    app.stop().await;
}

#[tokio::test]
async fn lasting_defects_act_together_until_they_are_cancelled() {
    let app = TestApp::demo().await;
    let leak = begin(&app, "DEV-P001", "mask_leak").await;
    let waiting = app.get(&format!("/simulation/defects/{leak}")).await.json();
    assert_eq!(
        (&waiting["state"], &waiting["roundsTotal"]),
        (&json!("waiting"), &Value::Null)
    );

    let mut events = app.events("/telemetry/stream", None).await;
    app.post("/simulation/start", json!({})).await;
    let leaking = values(&mut events, "DEV-P001", "FlowRate", 20).await;
    assert!((mean(&leaking) - 2.5 * 1.5).abs() < 0.2, "{leaking:?}");
    let stuck = begin(&app, "DEV-P001", "stuck_sensor").await;
    until(&app, &stuck, "active").await;
    let listed = app.get("/simulation/defects?deviceId=DEV-P001").await;
    assert_eq!(listed.column("type"), ["mask_leak", "stuck_sensor"]);
    assert_eq!(
        app.get("/simulation/defects?deviceId=DEV-P002").await.text,
        "[]"
    );
    let since = app
        .get(&format!("/simulation/defects/{stuck}"))
        .await
        .json()["since"]
        .clone();
    while events.next().await.unwrap().data["ts"] != since {}
    let pressures = values(&mut events, "DEV-P001", "Pressure", 5).await;
    assert!(
        pressures.iter().all(|value| *value == pressures[0]),
        "{pressures:?}"
    );

    for id in [&leak, &stuck] {
        let path = format!("/simulation/defects/{id}");
        assert_eq!(app.delete(&path, "*").await.status, 204);
        assert_eq!(app.delete(&path, "*").await.status, 204, "again");
        assert_eq!(app.get(&path).await.json()["state"], "cancelled");
    }
    let before = app.simulation.story_time();
    while events.next().await.unwrap().data["ts"].as_i64() <= Some(before) {}
    let healed = values(&mut events, "DEV-P001", "FlowRate", 20).await;
    assert!((mean(&healed) - 2.5).abs() < 0.2, "{healed:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_silent_device_has_rounds_without_readings() {
    let app = TestApp::demo().await;
    let silence = begin(&app, "DEV-P002", "silence").await;
    let mut events = app.events("/telemetry/stream", None).await;
    let single = json!({"simulationType": "single", "patientId": "P002"});
    assert_eq!(app.post("/simulation/start", single).await.status, 200);
    let path = format!("/simulation/defects/{silence}");
    while app.get(&path).await.json()["roundsDone"].as_u64() < Some(3) {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.simulation.status().records, 0);
    app.delete(&path, "*").await;
    let first = events.next().await.unwrap().data["ts"].as_i64().unwrap();
    assert!(first >= STORY_START + 3 * 300_000);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_begun_is_refused() {
    let app = TestApp::demo().await;
    assert_snapshot!(app.post("/device/DEV-P001/simulator/leak", json!({})).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "\"leak\" is not a defect; expected flow_level_down, pressure_oscillate, flow_rate_down, mask_leak, patient_condition, mechanical_wear, clogged_filter, stuck_sensor, spike, clock_skew, duplicate_delivery, late_delivery, silence.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
    let absent = app
        .post("/device/DEV-P999/simulator/spike", json!({}))
        .await;
    assert_eq!(absent.status, 404);
    assert_eq!(absent.json()["detail"], "There is no device DEV-P999.");
    let leak = begin(&app, "DEV-P001", "mask_leak").await;
    let again = app
        .post("/device/DEV-P001/simulator/mask_leak", json!({}))
        .await;
    assert_eq!(again.status, 409);
    let detail = format!("mask_leak acts on device DEV-P001 already; its id is {leak}.");
    assert_eq!(again.json()["detail"], detail);
    for path in [
        "/simulation/defects/1",
        "/simulation/defects/00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(app.get(path).await.status, 404);
        assert_eq!(app.delete(path, "*").await.status, 404);
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_device_that_nobody_wears_has_no_defects(pool: sqlx::PgPool) {
    let app = TestApp::seeded(pool).await;
    let unworn = json!({"patientId": null});
    assert_eq!(app.patch("/devices/DEV-P001", unworn).await.status, 200);
    let refused = app
        .post("/device/DEV-P001/simulator/spike", json!({}))
        .await;
    assert_eq!(refused.status, 409, "{refused}");
    let refused = app
        .post("/device/DEV-P001/events/button-press", json!({}))
        .await;
    assert_eq!(refused.status, 409, "{refused}");
    app.stop().await;
}
