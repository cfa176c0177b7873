use insta::assert_snapshot;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::TestApp;

fn spare() -> Value {
    json!({
        "deviceId": "DEV-SPARE",
        "manufacturer": "Acme Medical",
        "modelType": "CPAP-Pro",
        "serialNumber": "SN100",
        "softwareVersion": "1.2.0",
        "hwModel": "RMD-110",
        "pressureSetting": 10.5,
        "flowRateSetting": 2.5,
        "flowLevelSetting": 150,
    })
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_life_of_a_device(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    assert_snapshot!(app.post("/devices", spare()).await, @r#"
    201 Created
    content-type: application/json
    etag: "1"
    location: /devices/DEV-SPARE
    {
      "batteryLevel": null,
      "createdAt": "2026-06-01T00:00:00Z",
      "deviceId": "DEV-SPARE",
      "flowLevelSetting": 150.0,
      "flowRateSetting": 2.5,
      "hwModel": "RMD-110",
      "latitude": null,
      "longitude": null,
      "manufacturer": "Acme Medical",
      "modelType": "CPAP-Pro",
      "patientId": null,
      "plugged": false,
      "pressureSetting": 10.5,
      "serialNumber": "SN100",
      "softwareVersion": "1.2.0",
      "targetSoftwareVersion": null,
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1
    }
    "#);
    let given =
        json!({"patientId": "P001", "batteryLevel": 80, "latitude": 41.9, "longitude": -87.6});
    assert_snapshot!(app.patch("/devices/DEV-SPARE", given).await, @r#"
    200 OK
    content-type: application/json
    etag: "2"
    {
      "batteryLevel": 80,
      "createdAt": "2026-06-01T00:00:00Z",
      "deviceId": "DEV-SPARE",
      "flowLevelSetting": 150.0,
      "flowRateSetting": 2.5,
      "hwModel": "RMD-110",
      "latitude": 41.9,
      "longitude": -87.6,
      "manufacturer": "Acme Medical",
      "modelType": "CPAP-Pro",
      "patientId": "P001",
      "plugged": false,
      "pressureSetting": 10.5,
      "serialNumber": "SN100",
      "softwareVersion": "1.2.0",
      "targetSoftwareVersion": null,
      "updatedAt": "2026-06-01T00:00:01Z",
      "version": 2
    }
    "#);
    let returned = app
        .patch("/devices/DEV-SPARE", json!({"patientId": null}))
        .await;
    assert_eq!(returned.json()["patientId"], Value::Null);
    let mut whole = returned.json();
    whole["plugged"] = json!(true);
    let replaced = app.put("/devices/DEV-SPARE", "\"3\"", whole).await;
    assert_eq!(
        (replaced.status.as_u16(), &replaced.json()["plugged"]),
        (200, &json!(true))
    );
    assert_eq!(app.delete("/devices/DEV-SPARE", "\"4\"").await.status, 204);
    assert_eq!(app.get("/devices/DEV-SPARE").await.status, 404);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn lists_have_every_device_in_order(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let all = app.get("/devices").await;
    assert_eq!(
        all.column("deviceId"),
        ["DEV-P001", "DEV-P002", "DEV-P003", "DEV-P004", "DEV-P005"]
    );
    assert_snapshot!(app.get("/devices/DEV-P003").await, @r#"
    200 OK
    content-type: application/json
    etag: "1"
    {
      "batteryLevel": 45,
      "createdAt": "2026-06-01T00:00:00Z",
      "deviceId": "DEV-P003",
      "flowLevelSetting": 200.0,
      "flowRateSetting": 2.9,
      "hwModel": "RMD-110",
      "latitude": 41.9489,
      "longitude": -87.6558,
      "manufacturer": "Acme Medical",
      "modelType": "CPAP-Pro",
      "patientId": "P003",
      "plugged": false,
      "pressureSetting": 12.0,
      "serialNumber": "SN003",
      "softwareVersion": "1.2.0",
      "targetSoftwareVersion": null,
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1
    }
    "#);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn constraints_become_client_errors(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let post = async |change: fn(&mut Value)| {
        let mut device = spare();
        change(&mut device);
        app.post("/devices", device).await
    };
    assert_eq!(
        post(|d| d["deviceId"] = json!("DEV-P001")).await.status,
        409
    );
    let same_serial = post(|d| d["serialNumber"] = json!("SN001")).await;
    assert_eq!(same_serial.status, 409);
    assert_eq!(
        same_serial.json()["detail"],
        "The manufacturer already has a device with this serialNumber."
    );
    assert_eq!(
        post(|d| d["patientId"] = json!("P999")).await.errors(),
        ["/patientId: is not the id of a patient"]
    );
    assert_eq!(
        post(|d| {
            d["pressureSetting"] = json!(-1);
            d["batteryLevel"] = json!(101);
        })
        .await
        .errors(),
        [
            "/pressureSetting: must not be negative",
            "/batteryLevel: must be between 0 and 100"
        ]
    );
    assert_eq!(
        post(|d| d["batteryLevel"] = json!("full")).await.errors(),
        ["/batteryLevel: must be a whole number"]
    );
    let with_prescription = app.delete("/devices/DEV-P001", "*").await;
    assert_eq!(with_prescription.status, 409);
    assert_eq!(
        with_prescription.json()["detail"],
        "Device DEV-P001 is still referred to by 1 prescription; remove that first."
    );
    assert_eq!(
        with_prescription.json()["referencedBy"],
        json!([{"kind": "prescription", "id": "RX-DEV-P001-a3F9"}])
    );
}
