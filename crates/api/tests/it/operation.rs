//! What operators and browsers see besides the answers.

use axum::{
    body::Body,
    http::{Method, Request},
};
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::support::TestApp;

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn metrics_are_about_routes_and_parts(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    app.get("/patients/P001").await;
    app.get("/patients/P002").await;
    app.get("/patients/P999").await;
    app.get("/nothing/P001").await;
    app.send(Method::from_bytes(b"BREW").unwrap(), "/patients", &[], None)
        .await;
    let events = app.events("/drift/stream", None).await;
    let answer = app.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
    for line in [
        "http_requests_total{method=\"GET\",route=\"/patients/{patientId}\",status=\"200\"} 2",
        "http_requests_total{method=\"GET\",route=\"/patients/{patientId}\",status=\"404\"} 1",
        "http_requests_total{method=\"GET\",route=\"(no route)\",status=\"404\"} 1",
        "http_requests_total{method=\"other\",route=\"/patients\",status=\"405\"} 1",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/patients/{patientId}\"} 3",
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/patients/{patientId}\",le=\"15\"} 3",
        "sse_subscribers{stream=\"drift\"} 1",
        "sse_subscribers{stream=\"telemetry\"} 0",
        "sse_subscribers{stream=\"events\"} 0",
        "sse_subscribers_refused_total{stream=\"drift\"} 0",
        "sse_events_missed_total{stream=\"drift\"} 0",
        "kafka_connected 0",
    ] {
        let found = answer.text.lines().any(|found| found == line);
        assert!(found, "{line} is not in\n{}", answer.text);
    }
    for gauge in [
        "db_pool_connections ",
        "db_pool_connections_idle ",
        "db_pool_connections_max ",
    ] {
        assert!(answer.text.contains(gauge), "{gauge}");
    }
    assert!(!answer.text.contains("P001"), "{}", answer.text);
    drop(events);
}

#[tokio::test]
async fn answers_tell_browsers_to_be_careful() {
    let app = TestApp::demo().await;
    for path in ["/patients", "/nothing", "/docs/"] {
        let answer = app.get(path).await;
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn answers_are_compressed_but_streams_are_not() {
    let app = TestApp::demo().await;
    for (path, accepted, expected) in [
        ("/prescriptions", "gzip", Some("gzip")),
        ("/prescriptions", "br", Some("br")),
        ("/prescriptions", "identity", None),
        ("/prescriptions?limit=1", "gzip", None),
        ("/telemetry/stream", "gzip", None),
    ] {
        let request = Request::builder()
            .uri(path)
            .header("accept-encoding", accepted);
        let request = request.body(Body::empty()).unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        let encoding = response.headers().get("content-encoding");
        assert_eq!(
            encoding.map(|value| value.to_str().unwrap()),
            expected,
            "{path} {accepted}"
        );
    }
    app.stop().await;
}
