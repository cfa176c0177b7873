//! Without a database.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::TestApp;

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
    assert_snapshot!(app.get("/prescriptions/RX-DEV-P003-Zt2x").await, @"");
    assert_eq!(app.get("/drift").await.text, "[]");

    let body = json!({"patientId": "P001", "deviceId": "DEV-P001", "parameters": []});
    assert_snapshot!(app.post("/prescriptions", body.clone()).await, @"");
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
    assert_snapshot!(app.get("/ready").await, @"");
    app.stop().await;
}
