use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clap::Parser;
use hc_flink_gateway::api::{Api, ApiKey, router};
use hc_flink_gateway::serve::{self, ServeArgs};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const STATEMENTS: &str =
    "/sql/v1/organizations/00000000-0000-0000-0000-000000000000/environments/env-000000/statements";

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
}

/// The API over a store folder, which answers a POST when its statement is over.
pub(crate) fn app(dir: &Path, key: Option<ApiKey>) -> Router {
    app_holding(dir, key, Duration::from_secs(30))
}

/// The same, with the longest time that a POST is held. No server listens at port 9 of this machine.
pub(crate) fn app_holding(dir: &Path, key: Option<ApiKey>, hold: Duration) -> Router {
    let store = dir.to_str().unwrap();
    let nowhere = "http://127.0.0.1:9";
    let cli = Cli::parse_from([
        "test",
        "--store-dir",
        store,
        "--checkpoint-dir",
        store,
        "--flink-rest-url",
        nowhere,
        "--sql-gateway-url",
        nowhere,
        "--kafka-bootstrap-servers",
        "127.0.0.1:9",
        "--schema-registry-url",
        nowhere,
    ]);
    let engine = Arc::new(serve::engine(&cli.serve).unwrap());
    router(Api { engine, key, hold })
}

pub(crate) async fn call(
    app: &Router,
    method: Method,
    uri: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "gateway.test:1");
    let request = match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    send(app, request.unwrap()).await
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    (status, body)
}

pub(crate) fn new_statement(name: &str, sql: &str) -> Value {
    json!({ "name": name, "spec": { "statement": sql, "compute_pool_id": "lfcp-000000" } })
}
