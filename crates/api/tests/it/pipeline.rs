//! `/pipeline/status` without servers, with dead ones, and with ones that say terrible things.

use std::{net::TcpListener, time::Duration};

use axum::{Json, Router, routing::get};
use hc_api::{config::PipelineArgs, database::Pool, kafka::Kafka, state::Records};
use hc_kafka::{KafkaArgs, RegistryArgs};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{TestApp, records};

/// `state: reason` of each part.
fn parts(status: &Value) -> Vec<String> {
    let names = [
        "topics",
        "subjects",
        "connector",
        "replicationSlot",
        "statements",
    ];
    let part = |name: &str| {
        let part = &status[name];
        let reason = part["reason"].as_str().unwrap_or("null");
        format!("{name}: {}: {reason}", part["state"].as_str().unwrap())
    };
    names.into_iter().map(part).collect()
}

#[tokio::test]
async fn what_is_not_configured_is_disabled_and_named() {
    let app = TestApp::demo().await;
    let answer = app.get("/pipeline/status").await;
    assert_eq!(answer.status, 200);
    let status = answer.json();
    assert_eq!(status["state"], "disabled");
    assert_eq!(
        parts(&status),
        [
            "topics: disabled: KAFKA_BOOTSTRAP_SERVERS is not set.",
            "subjects: disabled: KAFKA_BOOTSTRAP_SERVERS with SCHEMA_REGISTRY_URL is not set.",
            "connector: disabled: CONNECT_URL is not set.",
            "replicationSlot: disabled: DATABASE_URL is not set.",
            "statements: disabled: STATEMENTS_GATEWAY_URL is not set.",
        ]
    );
    app.stop().await;
}

/// Everything at one address.
async fn at(address: &str) -> TestApp {
    let kafka = KafkaArgs {
        kafka_bootstrap_servers: address.to_owned(),
        ..KafkaArgs::default()
    };
    let registry = RegistryArgs {
        schema_registry_url: format!("http://{address}"),
        ..RegistryArgs::default()
    };
    let servers = PipelineArgs {
        connect_url: format!("http://{address}"),
        flink_rest_url: format!("http://{address}"),
        statements_gateway_url: format!("http://{address}"),
        org_id: "o".to_owned(),
        environment_id: "e".to_owned(),
        ..PipelineArgs::default()
    };
    let database = format!("postgresql://demo:demo@{address}/healthcare");
    let pool = Pool::new(database.parse().unwrap(), 10, Duration::from_secs(2)).unwrap();
    let kafka = Kafka::new(&kafka, &registry).unwrap();
    TestApp::with_pipeline(Records::Postgres(pool), kafka, &servers, None).await
}

#[tokio::test]
async fn servers_that_are_gone_are_shown_with_the_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap().to_string();
    drop(closed);
    let app = at(&address).await;
    let status = app.get("/pipeline/status").await.json();
    assert_eq!(status["state"], "degraded");
    let parts = parts(&status);
    let expected = [
        "topics: unavailable: Kafka does not answer (",
        "subjects: unavailable: The schema registry does not answer",
        "connector: unavailable: Kafka Connect does not answer (Connection refused",
        "replicationSlot: unavailable: Postgres does not answer.",
        "statements: unavailable: The statements gateway does not answer (Connection refused",
    ];
    for (part, expected) in parts.iter().zip(expected) {
        assert!(part.starts_with(expected), "{part}");
        assert!(!part.contains(&address), "no address: {part}");
    }
}

/// The reasons show whose patience ended: that of the look, which is shorter than that of any client behind it.
#[tokio::test]
async fn servers_that_take_a_connection_and_never_answer_are_left_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let app = at(&silent.local_addr().unwrap().to_string()).await;
    let status = app.get("/pipeline/status").await.json();
    let parts = parts(&status);
    assert!(
        parts[0].starts_with("topics: unavailable: Kafka does not answer ("),
        "{}",
        parts[0]
    );
    for (part, who) in parts[1..].iter().zip([
        "subjects: unavailable: The schema registry",
        "connector: unavailable: Kafka Connect",
        "replicationSlot: unavailable: Postgres",
        "statements: unavailable: The statements gateway",
    ]) {
        assert!(part.starts_with(who), "{part}");
        assert!(part.contains("within 1.5 s"), "{part}");
    }
}

/// Answers of Connect, the statements gateway and Flink, under one address.
async fn server(connector: Value, statements: Value, flink: Router) -> PipelineArgs {
    let router = Router::new()
        .route(
            "/connectors/debezium-postgres-healthcare/status",
            get(async || Json(connector)),
        )
        .route(
            "/sql/v1/organizations/o/environments/e/statements",
            get(async || Json(statements)),
        )
        .merge(flink);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    PipelineArgs {
        connect_url: url.clone(),
        flink_rest_url: url.clone(),
        statements_gateway_url: url,
        org_id: "o".to_owned(),
        environment_id: "e".to_owned(),
        ..PipelineArgs::default()
    }
}

fn running() -> Value {
    json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}]})
}

#[tokio::test]
async fn no_word_of_an_exception_gets_through() {
    let trace = "org.apache.kafka.connect.errors.ConnectException: Alice Secret\n\tat a.B.c(D.java:1)\n\
                 Caused by: java.sql.BatchUpdateException: INSERT INTO t VALUES ('Alice Secret')";
    let connector = json!({
        "connector": {"state": "RUNNING"},
        "tasks": [{"id": 0, "state": "FAILED", "trace": trace}],
    });
    let statements = json!({"data": [{
        "name": "dml-a",
        "spec": {"statement": "INSERT INTO a SELECT * FROM b WHERE name = 'x'"},
        "status": {"phase": "DEGRADED", "detail": "For input string: Alice Secret"},
    }]});
    let flink = Router::new()
        .route(
            "/jobs/overview",
            get(async || {
                Json(json!({"jobs": [
                    {"jid": "old", "name": "dml-a", "state": "FAILED", "start-time": 9},
                    {"jid": "new", "name": "dml-a", "state": "RESTARTING", "start-time": 1},
                ]}))
            }),
        )
        .route(
            "/jobs/new/exceptions",
            get(async move || {
                Json(json!({"exceptionHistory": {"entries": [{"timestamp": 1, "stacktrace": trace}]}}))
            }),
        );
    let servers = server(connector, statements, flink).await;
    let app = TestApp::with_pipeline(TestApp::demo_records(), None, &servers, None).await;
    let answer = app.get("/pipeline/status").await;
    assert!(!answer.text.contains("Secret"), "{}", answer.text);
    let status = answer.json();
    let classes = json!([
        "org.apache.kafka.connect.errors.ConnectException",
        "java.sql.BatchUpdateException"
    ]);
    let connector = &status["connector"]["content"];
    assert_eq!(connector["verdict"], "down");
    assert_eq!(connector["tasks"][0]["exceptions"], classes);
    let job = &status["statements"]["content"][0]["job"];
    assert_eq!((&job["id"], &job["exceptions"]), (&json!("new"), &classes));
    assert_eq!(job["cause"], "BatchUpdateException was thrown");
    assert_eq!(
        parts(&status)[4],
        "statements: degraded: 1 statement not running: dml-a."
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_connector_is_healthy_while_its_heart_beats_into_a_slot_that_is_read(pool: PgPool) {
    let servers = server(running(), json!({"data": []}), Router::new()).await;
    let slot = format!("test_{}", Uuid::new_v4().simple());
    let app = TestApp::with_pipeline(records(&pool), None, &servers, Some(&slot)).await;
    let status = app.get("/pipeline/status").await.json();
    let explanation = status["connector"]["reason"].as_str().unwrap();
    assert!(explanation.contains("no heartbeat yet"), "{explanation}");
    let reason = status["replicationSlot"]["reason"].as_str().unwrap();
    assert!(reason.contains("takes a new snapshot"), "{reason}");
    assert_eq!(status["replicationSlot"]["state"], "degraded");
    assert_eq!(status["replicationSlot"]["content"], Value::Null);
    assert_eq!(
        parts(&status)[4],
        "statements: degraded: No statement is deployed: hc-flink-gateway deploy pipelines/."
    );

    let beat = "INSERT INTO debezium_heartbeat VALUES (1, now() - make_interval(secs => $1))
                ON CONFLICT (id) DO UPDATE SET beat = excluded.beat";
    for (ago, state, verdict) in [(1.0, "ok", "healthy"), (60.0, "degraded", "degraded")] {
        sqlx::query(beat).bind(ago).execute(&pool).await.unwrap();
        let connector = &app.get("/pipeline/status").await.json()["connector"];
        assert_eq!(connector["state"], state, "{connector}");
        assert_eq!(connector["content"]["verdict"], verdict, "{connector}");
        assert!(connector["content"]["heartbeatAgeMs"].as_i64().unwrap() >= 1_000);
    }

    sqlx::query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')")
        .bind(&slot)
        .execute(&pool)
        .await
        .unwrap();
    let part = app.get("/pipeline/status").await.json()["replicationSlot"].take();
    sqlx::query("SELECT pg_drop_replication_slot($1)")
        .bind(&slot)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(part["state"], "degraded");
    let content = &part["content"];
    assert_eq!(content["name"], *slot);
    assert_eq!(content["active"], false);
    assert_eq!(content["walStatus"], "reserved");
    assert!(content["lagBytes"].as_i64().unwrap() >= 0, "{content}");
    let warning = content["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("Nobody reads"), "{warning}");
    app.stop().await;
}
