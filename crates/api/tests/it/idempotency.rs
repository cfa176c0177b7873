//! `Idempotency-Key`

use axum::http::Method;
use futures::future::join_all;
use insta::assert_snapshot;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;

use hc_api::http::idempotency;
use tokio::time::timeout;

use crate::support::{Answer, TestApp, service_pool};

fn body() -> Value {
    json!({
        "patientId": "P001",
        "deviceId": "DEV-P001",
        "startDate": 1_000,
        "endDate": 2_000,
        "parameters": [{"parameterName": "Pressure", "parameterValue": 9.5, "parameterTolerance": 1}],
    })
}

async fn post(app: &TestApp, path: &str, key: &str, body: Value) -> Answer {
    app.send(Method::POST, path, &[("idempotency-key", key)], Some(body))
        .await
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

const PRESCRIPTIONS: &str = "SELECT count(*) FROM prescriptions";
const KEYS: &str = "SELECT count(*) FROM app.idempotency_keys";

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_repetition_gets_the_same_answer_and_creates_nothing(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    let first = post(&app, "/prescriptions", "k-1", body()).await;
    assert_eq!(first.status, 201, "{first}");
    let again = post(&app, "/prescriptions", "k-1", body()).await;
    assert_eq!(again.to_string(), first.to_string());
    assert_eq!(again.text, first.text);
    assert_eq!(count(&pool, PRESCRIPTIONS).await, 6);

    // The spelling of the keys makes no difference; content does, and so does the route.
    let mut spelled = body();
    let patient = spelled
        .as_object_mut()
        .unwrap()
        .remove("patientId")
        .unwrap();
    spelled["patient_id"] = patient;
    let same = post(&app, "/prescriptions", "k-1", spelled).await;
    assert_eq!(same.text, first.text);
    let mut other = body();
    other["endDate"] = json!(1_500);
    assert_snapshot!(post(&app, "/prescriptions", "k-1", other).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "This Idempotency-Key was used for another request; send a new key with a new request.",
      "requestId": "586184ef-a39a-4fcd-8295-c86e0940bd24",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "urn:problem:idempotency-key-reused"
    }
    "#);

    // Also for what has a natural identifier, which would be a 409 without the key.
    let patient = json!({
        "patientId": "P006", "name": "Frank Moore", "gender": "M", "birthDate": "1969-04-30",
        "zipCode": "15213", "timezone": "America/New_York",
    });
    let device = json!({
        "deviceId": "DEV-S1", "manufacturer": "Acme Medical", "modelType": "CPAP-Pro",
        "serialNumber": "S1", "softwareVersion": "1.2.0", "hwModel": "RMD-110",
        "pressureSetting": 10, "flowRateSetting": 2.5, "flowLevelSetting": 150,
    });
    assert_eq!(
        post(&app, "/patients", "k-1", patient.clone()).await.status,
        422
    );
    for (path, body) in [("/patients", patient), ("/devices", device)] {
        let first = post(&app, path, path, body.clone()).await;
        assert_eq!(first.status, 201, "{first}");
        let again = post(&app, path, path, body.clone()).await;
        assert_eq!(again.to_string(), first.to_string());
        assert_eq!(app.post(path, body).await.status, 409);
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_request_that_failed_leaves_its_key_free(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    let mut unknown = body();
    unknown["deviceId"] = json!("DEV-P999");
    assert_eq!(
        post(&app, "/prescriptions", "k-1", unknown).await.status,
        422
    );
    assert_eq!(count(&pool, KEYS).await, 0);
    assert_eq!(
        post(&app, "/prescriptions", "k-1", body()).await.status,
        201
    );
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn repetitions_at_once_create_one(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    let answers = join_all((0..12).map(|_| post(&app, "/prescriptions", "k-1", body()))).await;
    for answer in &answers {
        assert_eq!(
            (answer.status.as_u16(), &answer.text),
            (201, &answers[0].text)
        );
    }
    assert_eq!(count(&pool, PRESCRIPTIONS).await, 6);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn keys_are_forgotten_after_a_day(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    assert_eq!(
        post(&app, "/prescriptions", "k-1", body()).await.status,
        201
    );
    app.advance(24 * 3_600_000 + 1);
    // The key is free again, and so the request is a new one, which overlaps.
    assert_eq!(
        post(&app, "/prescriptions", "k-1", body()).await.status,
        409
    );
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn expired_answers_are_removed_without_a_request(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    for key in ["k-1", "k-2"] {
        let mut body = body();
        body["deviceId"] = json!(format!("DEV-P00{}", &key[2..]));
        body["patientId"] = json!(format!("P00{}", &key[2..]));
        assert_eq!(post(&app, "/prescriptions", key, body).await.status, 201);
        app.advance(12 * 3_600_000 + 1);
    }
    let forgetting = tokio::spawn(idempotency::forget(
        service_pool(&pool, 1),
        app.state.clock.clone(),
        Duration::from_millis(10),
        app.shutdown.clone(),
    ));
    let fewer_than = async |limit: i64| {
        let look = async {
            loop {
                let left = count(&pool, KEYS).await;
                if left < limit {
                    return left;
                }
            }
        };
        timeout(Duration::from_secs(20), look).await.unwrap()
    };
    assert_eq!(fewer_than(2).await, 1, "a key is kept for a day");
    app.advance(12 * 3_600_000);
    assert_eq!(fewer_than(1).await, 0);
    app.stop().await;
    forgetting.await.unwrap();
}

#[tokio::test]
async fn a_key_has_a_length() {
    let app = TestApp::demo().await;
    for bad in ["", "two words", &"k".repeat(256)] {
        let answer = post(&app, "/prescriptions", bad, body()).await;
        assert_eq!(answer.status, 400, "{bad:?}");
        assert_eq!(
            answer.json()["detail"],
            "Parameter Idempotency-Key: must be given once and have 1 to 255 visible ASCII characters."
        );
    }
    app.stop().await;
}
