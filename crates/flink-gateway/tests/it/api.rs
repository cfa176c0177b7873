use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use hc_flink_gateway::api::ApiKey;
use serde_json::{Value, json};

use crate::support::{STATEMENTS, app, app_holding, call, new_statement, send};

const INSERT: &str = "INSERT INTO t SELECT * FROM s";

fn path(name: &str) -> String {
    format!("{STATEMENTS}/{name}")
}

fn detail(body: &Value) -> &str {
    body["errors"][0]["detail"].as_str().unwrap()
}

#[tokio::test]
async fn a_statement_is_kept_pending_while_flink_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let app = app_holding(dir.path(), None, Duration::from_millis(50));

    let (status, posted) = call(
        &app,
        Method::POST,
        STATEMENTS,
        Some(new_statement("a", INSERT)),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(posted["name"], "a");
    assert_eq!(posted["spec"]["statement"], INSERT);
    assert_eq!(posted["spec"]["compute_pool_id"], "lfcp-000000");
    assert_eq!(posted["spec"]["principal"], "");
    assert_eq!(posted["spec"]["stopped"], false);
    assert_eq!(posted["status"]["phase"], "PENDING");
    assert!(posted["status"].get("traits").is_none());
    assert!(posted["metadata"]["resource_version"].is_string());
    assert!(posted["metadata"]["uid"].is_string());
    assert_eq!(
        posted["metadata"]["self"],
        format!("http://gateway.test:1{}", path("a"))
    );

    let (status, mut found) = call(&app, Method::GET, &path("a"), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(found["metadata"]["uid"], posted["metadata"]["uid"]);
    while found["status"]["detail"] == "" {
        (_, found) = call(&app, Method::GET, &path("a"), None).await;
    }
    assert_eq!(
        found["status"]["detail"],
        "waiting: the JobManager at http://127.0.0.1:9 does not answer"
    );

    let (status, body) = call(
        &app,
        Method::POST,
        STATEMENTS,
        Some(new_statement("a", INSERT)),
    )
    .await;
    assert_eq!(
        (status, detail(&body)),
        (
            StatusCode::CONFLICT,
            "A statement 'a' exists already; delete it first."
        )
    );

    let (status, _) = call(&app, Method::DELETE, &path("a"), None).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let (status, body) = call(&app, Method::GET, &path("a"), None).await;
    assert_eq!(
        (status, detail(&body)),
        (StatusCode::NOT_FOUND, "There is no statement 'a'.")
    );
    let (status, _) = call(&app, Method::DELETE, &path("a"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path(), None);
    let post = |body: Value| call(&app, Method::POST, STATEMENTS, Some(body));

    for name in ["", "A", "a_b", "-a", "../a", &"a".repeat(101)] {
        let (status, body) = post(new_statement(name, INSERT)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
        assert!(detail(&body).contains("is not a statement name"), "{body}");
        assert_eq!(body["errors"][0]["status"], "400");
    }
    let (status, body) = post(new_statement("a", "  ")).await;
    assert_eq!(
        (status, detail(&body)),
        (StatusCode::BAD_REQUEST, "spec.statement is empty.")
    );
    let (status, body) = post(json!({ "name": "a" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(detail(&body).contains("missing field `spec`"), "{body}");

    let elsewhere = STATEMENTS.replace("env-000000", "env-1");
    let (status, body) = call(&app, Method::GET, &elsewhere, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(detail(&body).contains("env-000000"), "{body}");
    let (status, body) = call(
        &app,
        Method::GET,
        &format!("{STATEMENTS}?page_size=x"),
        None,
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let (status, body) = call(&app, Method::PUT, STATEMENTS, None).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{body}");
    let (status, body) = call(&app, Method::GET, "/nothing", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
}

#[tokio::test]
async fn statements_that_cannot_run_fail_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path(), None);
    let failed = async |name: &str, body: Value| {
        let (status, body) = call(&app, Method::POST, STATEMENTS, Some(body)).await;
        assert_eq!(
            (status, &body["status"]["phase"]),
            (StatusCode::CREATED, &json!("FAILED")),
            "{name}: {body}"
        );
        body["status"]["detail"].as_str().unwrap().to_owned()
    };

    let detail = failed("explain", new_statement("a1", "EXPLAIN SELECT 1")).await;
    assert!(
        detail.starts_with("EXPLAIN statements are not served"),
        "{detail}"
    );
    let detail = failed("catalog", new_statement("a2", "DROP TABLE other.db.t")).await;
    assert!(
        detail.contains("'other'") && detail.contains("'env-000000'"),
        "{detail}"
    );
    let mut wrong = new_statement("a3", "SHOW TABLES");
    wrong["spec"]["properties"] = json!({ "sql.current-database": "lkc-1" });
    let detail = failed("database", wrong).await;
    assert!(
        detail.contains("'lkc-1'") && detail.contains("'lkc-000000'"),
        "{detail}"
    );
    let detail = failed("name", new_statement("a4", "DROP TABLE `a/b`")).await;
    assert!(detail.contains("a/b"), "{detail}");
}

#[tokio::test]
async fn rows_of_show_are_results() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path(), None);
    let (_, posted) = call(
        &app,
        Method::POST,
        STATEMENTS,
        Some(new_statement("s", "SHOW TABLES;")),
    )
    .await;
    assert_eq!(posted["status"]["phase"], "COMPLETED", "{posted}");
    let traits = &posted["status"]["traits"];
    assert_eq!(traits["sql_kind"], "SHOW_TABLES");
    assert_eq!(traits["is_bounded"], true);
    assert_eq!(traits["schema"]["columns"][0]["name"], "table name");

    let (status, results) = call(&app, Method::GET, &format!("{}/results", path("s")), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(results["metadata"]["next"], "");
    assert_eq!(results["results"]["data"], json!([]));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path(), None);
    for name in ["c", "a", "b"] {
        call(
            &app,
            Method::POST,
            STATEMENTS,
            Some(new_statement(name, "SHOW TABLES")),
        )
        .await;
    }
    let (_, all) = call(&app, Method::GET, STATEMENTS, None).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 3);
    assert_eq!(all["metadata"]["next"], "");

    let mut next = format!("{STATEMENTS}?page_size=2");
    let mut names = Vec::new();
    while !next.is_empty() {
        let (_, page) = call(&app, Method::GET, &next, None).await;
        names.push(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].clone())
                .collect::<Vec<_>>(),
        );
        next = page["metadata"]["next"].as_str().unwrap().to_owned();
    }
    assert_eq!(names, [vec![json!("a"), json!("b")], vec![json!("c")]]);
}

#[tokio::test]
async fn a_given_key_is_the_only_one() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path(), Some(ApiKey::new("k", "s")));
    let get = async |authorization: Option<&str>| {
        let mut request = Request::builder().uri(STATEMENTS);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        send(&app, request.body(Body::empty()).unwrap()).await
    };
    // base64 of k:s, k:x and k:s with a tail.
    assert_eq!(get(Some("Basic azpz")).await.0, StatusCode::OK);
    for wrong in [
        None,
        Some("Basic azp4"),
        Some("Basic azpzcw=="),
        Some("Bearer azpz"),
        Some(""),
    ] {
        let (status, body) = get(wrong).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong:?}");
        assert_eq!(detail(&body), "The API key or secret is wrong.");
    }
}

#[tokio::test]
async fn statements_are_stopped_and_resumed_by_patch() {
    let dir = tempfile::tempdir().unwrap();
    let app = app_holding(dir.path(), None, Duration::from_millis(50));
    let set =
        |stopped: bool| json!([{ "op": "replace", "path": "/spec/stopped", "value": stopped }]);
    let patch = |name: &str, body: Value| {
        let uri = path(name);
        let app = &app;
        async move { call(app, Method::PATCH, &uri, Some(body)).await }
    };
    call(
        &app,
        Method::POST,
        STATEMENTS,
        Some(new_statement("s", "SHOW TABLES")),
    )
    .await;
    call(
        &app,
        Method::POST,
        STATEMENTS,
        Some(new_statement("i", INSERT)),
    )
    .await;

    let (status, body) = patch("none", set(true)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    let (status, body) = patch("s", set(true)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        detail(&body),
        "Statement 's' is SHOW_TABLES, which cannot be stopped or resumed."
    );
    let (status, body) = patch("i", json!({ "stopped": true })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let (status, body) = patch(
        "i",
        json!([{ "op": "replace", "path": "/spec/principal", "value": true }]),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(detail(&body).contains("/spec/stopped"), "{body}");

    let (status, body) = patch("i", set(true)).await;
    assert_eq!(
        (status, &body["status"]["phase"]),
        (StatusCode::OK, &json!("STOPPING")),
        "{body}"
    );
    assert_eq!(body["spec"]["stopped"], true);
    let (status, _) = patch("i", set(true)).await;
    assert_eq!(status, StatusCode::OK, "once more is no error");
    let (status, body) = patch("i", set(false)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(detail(&body).contains("still STOPPING"), "{body}");
}

#[tokio::test]
async fn a_statement_can_be_created_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let app = app_holding(dir.path(), None, Duration::from_millis(50));
    let mut new = new_statement("i", INSERT);
    new["spec"]["stopped"] = json!(true);
    let (status, body) = call(&app, Method::POST, STATEMENTS, Some(new)).await;
    assert_eq!(
        (status, &body["status"]["phase"]),
        (StatusCode::CREATED, &json!("STOPPED")),
        "{body}"
    );
    let resume = json!([{ "op": "replace", "path": "/spec/stopped", "value": false }]);
    let (status, body) = call(&app, Method::PATCH, &path("i"), Some(resume)).await;
    assert_eq!(
        (status, &body["status"]["phase"]),
        (StatusCode::OK, &json!("PENDING")),
        "{body}"
    );
}

#[tokio::test]
async fn there_is_one_environment_and_one_pool_and_none_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path(), None);
    let pools = "/fcpm/v2/compute-pools";
    let (status, body) = call(
        &app,
        Method::GET,
        &format!("{pools}?environment=env-000000&page_size=100"),
        None,
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["data"][0]["id"], "lfcp-000000");
    assert_eq!(
        body["data"][0]["status"],
        json!({ "phase": "PROVISIONED", "current_cfu": 0 })
    );
    for (method, uri) in [
        (Method::POST, pools.to_owned()),
        (Method::DELETE, format!("{pools}/lfcp-000000")),
    ] {
        let (status, body) = call(&app, method, &uri, Some(json!({}))).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(detail(&body).contains("--compute-pool-id"), "{body}");
    }
    let (status, _) = call(&app, Method::GET, &format!("{pools}/lfcp-1"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, body) = call(&app, Method::GET, "/org/v2/environments", None).await;
    assert_eq!(body["data"][0]["id"], "env-000000");

    let (status, body) = call(&app, Method::GET, "/kafka/v3/clusters/lkc-1/topics", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    let query = |metric: &str| json!({ "aggregations": [{ "metric": metric }], "intervals": [] });
    for metric in [
        "io.confluent.flink/num_records_out",
        "io.confluent.kafka.server/retained_bytes",
    ] {
        let (status, body) = call(
            &app,
            Method::POST,
            "/v2/metrics/cloud/query",
            Some(query(metric)),
        )
        .await;
        assert_eq!((status, body), (StatusCode::OK, json!({ "data": [] })));
    }
}
