//! Requests that a lock in the database holds up.

use std::time::Duration;

use hc_api::{
    app,
    config::DatabaseArgs,
    database::{self, Pool},
    state::Records,
};
use insta::assert_snapshot;
use serde_json::json;
use sqlx::{ConnectOptions as _, PgPool};

use crate::support::{Answer, TestApp};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);

/// One connection to the database of the test, as the service makes them.
fn impatient_pool(test: &PgPool, statement_timeout: Duration) -> Pool {
    let args = DatabaseArgs {
        database_url: test.connect_options().to_url_lossy().into(),
        database_max_connections: 1,
    };
    database::pool(&args, Some(statement_timeout))
        .unwrap()
        .unwrap()
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_request_that_takes_too_long_is_a_503_and_keeps_no_connection(pool: PgPool) {
    let app = TestApp::new(Records::Postgres(impatient_pool(&pool, SHORT))).await;
    let hurried = app::router(app.state.clone(), &[], SHORT / 3);
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE patients IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();

    let body = json!({
        "patientId": "P001", "name": "Alice", "gender": "F", "birthDate": "1990-01-01", "zipCode": "15217",
        "timezone": "America/New_York",
    });
    let request = axum::http::Request::post("/patients")
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap();
    assert_snapshot!(Answer::read(&hurried, request).await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    retry-after: 2
    {
      "detail": "The service did not finish in time; try again.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);

    // The lock is still held. The one connection is free again, because Postgres gave the statement up.
    assert_eq!(app.get("/devices").await.status, 200);
    // Without a deadline of the request, Postgres's answer is the same kind of failure.
    let given_up = app.get("/patients").await;
    assert_eq!(given_up.status, 503);
    assert_eq!(given_up.headers["retry-after"], "2");
    lock.rollback().await.unwrap();
    assert_eq!(app.get("/patients").await.text, "[]");
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn requests_that_find_no_connection_are_told_soon(pool: PgPool) {
    let app = TestApp::new(Records::Postgres(impatient_pool(&pool, LONG))).await;
    let held = app.state.records.pool().unwrap().acquire().await.unwrap();
    let answer = app.get("/patients").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "2");
    let reason = &answer.json()["detail"];
    assert_eq!(
        reason, "The database does not answer; try again.",
        "before the deadline"
    );
    drop(held);
    assert_eq!(app.get("/patients").await.status, 200);
    app.stop().await;
}
