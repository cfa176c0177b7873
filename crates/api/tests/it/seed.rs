use hc_api::{clock::Clock, database, demo::Demo};
use insta::{allow_duplicates, assert_snapshot};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Answer, NOW, STORY_START, TestApp};

/// A prescription of the demonstration, from the database or without one.
pub(crate) fn assert_is_the_seeded_prescription(answer: &Answer) {
    allow_duplicates!(assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    etag: "1"
    {
      "createdAt": "2026-06-01T00:00:00Z",
      "deviceId": "DEV-P003",
      "endDate": null,
      "medicationOrTherapy": "CPAP Oxygen Flow",
      "parameters": [
        {
          "parameterName": "Pressure",
          "parameterTolerance": 1.0,
          "parameterType": "float",
          "parameterValue": 12.0,
          "unit": "cm[H2O]"
        },
        {
          "parameterName": "FlowRate",
          "parameterTolerance": 0.5,
          "parameterType": "float",
          "parameterValue": 2.9,
          "unit": "L/min"
        },
        {
          "parameterName": "FlowLevel",
          "parameterTolerance": 50.0,
          "parameterType": "float",
          "parameterValue": 200.0,
          "unit": "mL"
        }
      ],
      "patientId": "P003",
      "prescriptionId": "RX-DEV-P003-Zt2x",
      "startDate": 1764633600000,
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1
    }
    "#));
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_demonstration_is_inserted_once(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    assert_snapshot!(app.get("/patients/P003").await, @r#"
    200 OK
    content-type: application/json
    etag: "1"
    {
      "birthDate": "1990-02-28",
      "createdAt": "2026-06-01T00:00:00Z",
      "gender": "F",
      "name": "Carol White",
      "patientId": "P003",
      "timezone": "America/Chicago",
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1,
      "zipCode": "15217"
    }
    "#);
    assert_is_the_seeded_prescription(&app.get("/prescriptions/RX-DEV-P003-Zt2x").await);
    assert_eq!(
        app.get("/prescriptions/RX-DEV-P003-Zt2x").await.json()["startDate"],
        STORY_START - 86_400_000
    );
    app.patch("/patients/P001", json!({"name": "Somebody"}))
        .await;

    let clock = Clock::fixed(NOW + 1);
    let demo = Demo::new(7, clock.now(), 180).unwrap();
    let mut db = pool.acquire().await.unwrap();
    assert!(!database::seed(&mut db, &demo, clock.now()).await.unwrap());
    assert_eq!(app.get("/patients/P001").await.json()["name"], "Somebody");
    assert_eq!(app.get("/patients").await.column("patientId").len(), 5);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn more_patients_are_made_by_rule(pool: PgPool) {
    let clock = Clock::fixed(NOW);
    let demo = Demo::new(30, clock.now(), 180).unwrap();
    assert_eq!(demo, Demo::new(30, clock.now(), 180).unwrap());
    let mut db = pool.acquire().await.unwrap();
    assert!(database::seed(&mut db, &demo, clock.now()).await.unwrap());
    let app = TestApp::empty(pool).await;
    let ids = app.get("/patients").await.column("patientId");
    assert_eq!((ids.len(), ids[29].as_str()), (30, "P030"));
    let device = app.get("/devices/DEV-P030").await.json();
    assert_eq!(device["patientId"], "P030");
    assert_eq!(
        app.get("/prescriptions?deviceId=DEV-P030")
            .await
            .column("patientId"),
        ["P030"]
    );
}
