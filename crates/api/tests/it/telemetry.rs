use std::sync::Arc;

use hc_domain::{Metric, Reading};
use insta::assert_snapshot;

use crate::support::TestApp;

fn take(app: &TestApp, device: &str, metric: Metric, ts: i64) {
    app.state.telemetry.publish(Arc::new(Reading {
        device_id: device.parse().unwrap(),
        patient_id: "P001".parse().unwrap(),
        ts,
        metric,
        value: 12.5,
        software_version: None,
    }));
}

#[tokio::test]
async fn the_newest_readings_are_kept_for_each_device_and_metric() {
    let app = TestApp::demo().await;
    // One more than is kept.
    for ts in 0..=200 {
        take(&app, "DEV-P001", Metric::Pressure, ts);
    }
    take(&app, "DEV-P001", Metric::FlowRate, 50);
    take(&app, "DEV-P002", Metric::Pressure, 60);
    let ts = async |query: &str| -> Vec<i64> {
        let rows = app.get(&format!("/telemetry/metrics{query}")).await.json();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["ts"].as_i64().unwrap()).collect()
    };
    assert_eq!(ts("").await.len(), 202);
    let series = ts("?device_id=DEV-P001&metric=Pressure").await;
    assert_eq!(series, (1..=200).collect::<Vec<_>>(), "oldest first");
    assert_eq!(
        ts("?deviceId=DEV-P001&metric=Pressure&limit=2").await,
        [199, 200]
    );
    assert_eq!(ts("?metric=FlowRate&limit=1000").await, [50]);
    assert_eq!(ts("?deviceId=DEV-P002").await, [60]);
    assert_eq!(ts("?limit=1").await, [200]);
    assert_eq!(ts("?deviceId=DEV-P009").await, [0; 0]);
    assert_snapshot!(app.get("/telemetry/metrics?deviceId=DEV-P002&limit=1").await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "deviceId": "DEV-P002",
        "metricName": "Pressure",
        "metricValue": 12.5,
        "patientId": "P001",
        "softwareVersion": null,
        "ts": 60
      }
    ]
    "#);
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("metric=Speed", "metric"),
        ("device_id=DEV/1", "deviceId"),
        ("device=DEV-P001", "device"),
        ("limit=1&limit=2", "limit"),
    ] {
        let bad = app.get(&format!("/telemetry/metrics?{query}")).await;
        assert_eq!(bad.status, 400, "{query}");
        assert_eq!(bad.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    let twice = app.get("/telemetry/metrics?deviceId=A&device_id=A").await;
    assert_eq!(twice.status, 400, "{twice}");
    app.stop().await;
}
