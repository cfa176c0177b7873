use hc_api::store;
use hc_domain::{DriftDirection, DriftEvent, DriftKey, Metric};
use insta::assert_snapshot;
use sqlx::PgPool;

use crate::support::TestApp;

fn event(device: &str, metric: Metric, ts: i64) -> DriftEvent {
    DriftEvent {
        key: DriftKey {
            device_id: device.parse().unwrap(),
            metric,
            ts,
            prescription_id: "RX-1".parse().unwrap(),
        },
        patient_id: "P001".parse().unwrap(),
        prescribed_value: 10.0,
        actual_value: 12.5,
        tolerance: 1.0,
        deviation: 2.5,
        drift_direction: DriftDirection::Above,
        message: "too high".to_owned(),
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn verdicts_are_listed_newest_first(pool: PgPool) {
    let mut db = pool.acquire().await.unwrap();
    for (device, metric, ts) in [
        ("DEV-P001", Metric::Pressure, 1),
        ("DEV-P002", Metric::Pressure, 3),
        ("DEV-P001", Metric::FlowRate, 2),
    ] {
        assert!(
            store::drift::upsert(&mut db, &event(device, metric, ts))
                .await
                .unwrap()
        );
    }
    let again = event("DEV-P001", Metric::Pressure, 1);
    assert!(
        !store::drift::upsert(&mut db, &again).await.unwrap(),
        "the same verdict is no change"
    );

    let app = TestApp::empty(pool).await;
    let ts = async |query: &str| -> Vec<i64> {
        let rows = app.get(&format!("/drift{query}")).await.json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["ts"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(ts("").await, [3, 2, 1]);
    assert_eq!(ts("?deviceId=DEV-P001").await, [2, 1]);
    assert_eq!(ts("?metric=Pressure&limit=1").await, [3]);
    assert_snapshot!(app.get("/drift?deviceId=DEV-P002").await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "actualValue": 12.5,
        "deviation": 2.5,
        "deviceId": "DEV-P002",
        "driftDirection": "above",
        "message": "too high",
        "metricName": "Pressure",
        "patientId": "P001",
        "prescribedValue": 10.0,
        "prescriptionId": "RX-1",
        "tolerance": 1.0,
        "ts": 3
      }
    ]
    "#);
}
