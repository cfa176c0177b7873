use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode},
    routing::get,
};
use hc_api::{database::Pool, http::layers, state::Records};
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Answer, TestApp};

fn post(path: &str, content_type: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(Method::POST).uri(path);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(body.into()).unwrap()
}

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn requests_that_cannot_be_read() {
    let app = TestApp::demo().await;
    let start = "/simulation/start";
    assert_snapshot!(app.raw(post(start, JSON, "{\"simulationType\": ")).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "The request body is not JSON: EOF while parsing a value at line 1 column 19.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.raw(post(start, JSON, "[]")).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "The request body is not valid.",
      "errors": [
        {
          "detail": "must be a JSON object",
          "pointer": ""
        }
      ],
      "requestId": "dac94832-5ac1-4f6d-9325-64371735f32c",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.raw(post(start, JSON, "{\"simulationType\": \"some\"}")).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "The request body is not valid.",
      "errors": [
        {
          "detail": "must be all or single",
          "pointer": "/simulationType"
        }
      ],
      "requestId": "54743dc5-e24d-4a41-bb15-9584c1226df6",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.raw(post(start, JSON, "{\"simulationType\": \"single\"}")).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "The request body is not valid.",
      "errors": [
        {
          "detail": "is required when simulationType is single",
          "pointer": "/patientId"
        }
      ],
      "requestId": "eccfc4ca-a8cd-4b63-87cb-56ff66cd60b5",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.raw(post(start, Some("text/plain"), "{}")).await, @r#"
    415 Unsupported Media Type
    content-type: application/problem+json
    {
      "detail": "The request body must be JSON, with the header Content-Type: application/json.",
      "requestId": "a6b3b31c-1c3f-4585-aa88-e527a819b062",
      "status": 415,
      "title": "Unsupported Media Type",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.raw(post(start, JSON, vec![b' '; 70_000])).await, @r#"
    413 Payload Too Large
    content-type: application/problem+json
    {
      "detail": "The request body is larger than 65536 bytes.",
      "requestId": "c680488a-0d74-4233-9cc4-56696589ef0f",
      "status": 413,
      "title": "Payload Too Large",
      "type": "about:blank"
    }
    "#);
    app.stop().await;
}

#[tokio::test]
async fn requests_for_what_there_is_not() {
    let app = TestApp::demo().await;
    assert_snapshot!(app.get("/nothing").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "There is nothing at this path; /docs lists what there is.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.send(Method::PUT, "/patients", &[], None).await, @r#"
    405 Method Not Allowed
    allow: GET,HEAD,POST
    content-type: application/problem+json
    {
      "detail": "This path does not support the method; the header Allow lists those that it does.",
      "requestId": "dac94832-5ac1-4f6d-9325-64371735f32c",
      "status": 405,
      "title": "Method Not Allowed",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.get("/patients/P999").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "There is no patient P999.",
      "requestId": "54743dc5-e24d-4a41-bb15-9584c1226df6",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.get("/drift?metric=Speed").await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "Parameter metric: \"Speed\" is not a metric; expected Pressure, FlowRate or FlowLevel.",
      "errors": [
        {
          "detail": "\"Speed\" is not a metric; expected Pressure, FlowRate or FlowLevel",
          "parameter": "metric"
        }
      ],
      "requestId": "eccfc4ca-a8cd-4b63-87cb-56ff66cd60b5",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
    app.stop().await;
}

#[tokio::test]
async fn a_request_can_be_followed() {
    let app = TestApp::demo().await;
    let given = app
        .send(Method::GET, "/nothing", &[("x-request-id", "abc-1")], None)
        .await;
    assert_eq!(given.headers["x-request-id"], "abc-1");
    assert_eq!(given.json()["requestId"], "abc-1");
    let made = app
        .send(
            Method::GET,
            "/health",
            &[("x-request-id", "not an id")],
            None,
        )
        .await;
    assert_eq!(made.headers["x-request-id"].len(), 36);
    app.stop().await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_a_503() {
    // Nobody listens on port 1.
    let nowhere = "postgresql://demo:demo@127.0.0.1:1/healthcare";
    let pool = Pool::new(nowhere.parse().unwrap(), 10, Duration::from_secs(2)).unwrap();
    let app = TestApp::new(Records::Postgres(pool)).await;
    assert_snapshot!(app.get("/patients").await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    retry-after: 2
    {
      "detail": "The database does not answer; try again.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
    let start = app.post("/simulation/start", json!({})).await;
    assert_eq!(start.status, 503);
    assert_snapshot!(app.get("/ready").await, @r#"
    503 Service Unavailable
    content-type: application/json
    {
      "dependencies": [
        {
          "detail": "does not answer",
          "name": "postgres",
          "status": "unavailable"
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
      "status": "unavailable"
    }
    "#);
    assert_eq!(app.get("/health").await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_500_without_its_text() {
    async fn panics() -> StatusCode {
        panic!("the secret is 42")
    }
    let app = TestApp::demo().await;
    let router: Router<Arc<hc_api::state::AppState>> = Router::new().route("/panic", get(panics));
    let router = layers::all(router, &app.state, &[]).with_state(app.state.clone());
    let request = Request::builder()
        .uri("/panic")
        .body(Body::empty())
        .unwrap();
    let answer = Answer::read(&router, request).await;
    assert_snapshot!(answer, @r#"
    500 Internal Server Error
    content-type: application/problem+json
    {
      "detail": "The service failed to handle the request. The log has the cause under this request id.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 500,
      "title": "Internal Server Error",
      "type": "about:blank"
    }
    "#);
    app.stop().await;
}

#[tokio::test]
async fn pages_of_listed_origins_may_call() {
    let app = TestApp::demo().await;
    let preflight = async |origin: &str| {
        app.send(
            Method::OPTIONS,
            "/patients/P001",
            &[
                ("origin", origin),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", "if-match,content-type"),
            ],
            None,
        )
        .await
    };
    let allowed = preflight("http://localhost:5173").await;
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "http://localhost:5173"
    );
    assert!(
        allowed.headers["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("PUT")
    );
    assert!(
        !preflight("http://evil.example")
            .await
            .headers
            .contains_key("access-control-allow-origin")
    );
    let simple = app
        .send(
            Method::GET,
            "/health",
            &[("origin", "http://localhost:5173")],
            None,
        )
        .await;
    let exposed = simple.headers["access-control-expose-headers"]
        .to_str()
        .unwrap();
    assert!(
        exposed.contains("etag") && exposed.contains("link"),
        "{exposed}"
    );
    app.stop().await;
}
