use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode},
    routing::get,
};
use hc_api::{clock::Ids, http::layers, state::Records};
use insta::assert_snapshot;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;

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
    assert_snapshot!(app.raw(post(start, JSON, "{\"simulationType\": ")).await, @"");
    assert_snapshot!(app.raw(post(start, JSON, "[]")).await, @"");
    assert_snapshot!(app.raw(post(start, JSON, "{\"simulationType\": \"some\"}")).await, @"");
    assert_snapshot!(app.raw(post(start, JSON, "{\"simulationType\": \"single\"}")).await, @"");
    assert_snapshot!(app.raw(post(start, Some("text/plain"), "{}")).await, @"");
    assert_snapshot!(app.raw(post(start, JSON, vec![b' '; 70_000])).await, @"");
    app.stop().await;
}

#[tokio::test]
async fn requests_for_what_there_is_not() {
    let app = TestApp::demo().await;
    assert_snapshot!(app.get("/nothing").await, @"");
    assert_snapshot!(app.send(Method::PUT, "/patients", &[], None).await, @"");
    assert_snapshot!(app.get("/patients/P999").await, @"");
    assert_snapshot!(app.get("/drift?metric=Speed").await, @"");
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
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(300))
        .connect_lazy("postgresql://demo:demo@127.0.0.1:1/healthcare")
        .unwrap();
    let app = TestApp::new(Records::Postgres(pool)).await;
    assert_snapshot!(app.get("/patients").await, @"");
    let start = app.post("/simulation/start", json!({})).await;
    assert_eq!(start.status, 503);
    assert_snapshot!(app.get("/ready").await, @"");
    assert_eq!(app.get("/health").await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_500_without_its_text() {
    async fn panics() -> StatusCode {
        panic!("the secret is 42")
    }
    let app = TestApp::demo().await;
    let router: Router<hc_api::state::AppState> = Router::new().route("/panic", get(panics));
    let router = layers::all(router, Arc::new(Ids::seeded(1)), &[]).with_state(app.state.clone());
    let request = Request::builder()
        .uri("/panic")
        .body(Body::empty())
        .unwrap();
    let answer = Answer::read(&router, request).await;
    assert_snapshot!(answer, @"");
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
