//! What is refused before Kafka is asked; what is sent is tested with a broker.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn events_need_kafka() {
    let app = TestApp::demo().await;
    assert_snapshot!(app.post("/device/DEV-P001/events/button-press", json!({})).await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    retry-after: 2
    {
      "detail": "Device events go to Kafka, and no broker is configured. Set KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL, and start the service again.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
    for path in [
        "/device/DEV-P001/events/power-status",
        "/device/DEV-P001/events/gps",
        "/device-events/simulate-all",
        "/device-events/simulate-all?device_id=DEV-P001",
    ] {
        assert_eq!(app.post(path, json!({})).await.status, 503, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn events_are_checked() {
    let app = TestApp::demo().await;
    for path in [
        "/device/DEV-P999/events/button-press",
        "/device/DEV-P999/events/power-status",
        "/device/DEV-P999/events/gps",
        "/device-events/simulate-all?deviceId=DEV-P999",
    ] {
        let absent = app.post(path, json!({})).await;
        assert_eq!(absent.status, 404, "{path}");
        assert_eq!(absent.json()["detail"], "There is no device DEV-P999.");
    }
    let power = "/device/DEV-P001/events/power-status";
    for level in [-1, 101] {
        let refused = app.post(power, json!({"battery_level": level})).await;
        let expected = if level < 0 {
            "must not be negative"
        } else {
            "must be between 0 and 100"
        };
        assert_eq!(refused.errors(), [format!("/batteryLevel: {expected}")]);
    }
    let refused = app.post(power, json!({"plugged": "yes"})).await;
    assert_eq!(refused.errors(), ["/plugged: must be true or false"]);
    let stranger = json!({"patientId": "P999"});
    let refused = app.post("/device/DEV-P001/events/gps", stranger).await;
    assert_eq!(refused.errors(), ["/patientId: is not the id of a patient"]);
    assert_eq!(
        app.post("/device-events/simulate-all?device=1", json!({}))
            .await
            .status,
        400
    );
    app.stop().await;
}
