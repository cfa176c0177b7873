//! Without a database.

use insta::assert_snapshot;
use serde_json::json;

use crate::{seed::assert_is_the_seeded_prescription, support::TestApp};

#[tokio::test]
async fn the_demonstration_is_shown_and_not_changed() {
    let app = TestApp::demo().await;
    assert_eq!(
        app.get("/patients").await.column("patientId"),
        ["P001", "P002", "P003", "P004", "P005"]
    );
    assert_eq!(
        app.get("/devices?limit=1&after=DEV-P003")
            .await
            .column("deviceId"),
        ["DEV-P004"]
    );
    assert_eq!(
        app.get("/prescriptions?patientId=P002")
            .await
            .column("deviceId"),
        ["DEV-P002"]
    );
    assert_is_the_seeded_prescription(&app.get("/prescriptions/RX-DEV-P003-Zt2x").await);
    assert_eq!(app.get("/drift").await.text, "[]");

    let body = json!({"patientId": "P001", "deviceId": "DEV-P001", "parameters": []});
    assert_snapshot!(app.post("/prescriptions", body.clone()).await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    retry-after: 2
    {
      "detail": "The service runs on demonstration data, which cannot be changed, because no database is configured. Set DATABASE_URL and start it again.",
      "requestId": "c680488a-0d74-4233-9cc4-56696589ef0f",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
    assert_eq!(
        app.patch("/devices/DEV-P001", json!({"plugged": true}))
            .await
            .status,
        503
    );
    assert_eq!(
        app.put("/prescriptions/RX-DEV-P003-Zt2x", "*", body)
            .await
            .status,
        422,
        "is read before it is refused"
    );
    assert_eq!(app.delete("/patients/P001", "*").await.status, 503);
    assert_snapshot!(app.get("/ready").await, @r#"
    200 OK
    content-type: application/json
    {
      "dependencies": [
        {
          "detail": "DATABASE_URL is not set; demonstration data is shown",
          "name": "postgres",
          "status": "disabled"
        },
        {
          "detail": "KAFKA_BOOTSTRAP_SERVERS is not set; readings reach the screen only",
          "name": "kafka",
          "status": "disabled"
        },
        {
          "detail": "needs a database and Kafka",
          "name": "drift-projection",
          "status": "disabled"
        }
      ],
      "status": "ready"
    }
    "#);
    app.stop().await;
}
