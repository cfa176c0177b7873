//! The committed API document is the one that the code describes. To update it:
//! `UPDATE_OPENAPI=1 cargo test -p hc-api --test it openapi`.

use std::{env, fs, path::Path};

use axum::http::Method;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::TestApp;

#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let current = hc_api::app::document().to_pretty_json().unwrap() + "\n";
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(
        committed == current,
        "crates/api/openapi.json is stale; run UPDATE_OPENAPI=1 cargo test -p hc-api --test it openapi"
    );
}

#[tokio::test]
async fn the_document_and_its_pages_are_served() {
    let app = TestApp::demo().await;
    let served = app.get("/openapi.json").await.json();
    assert_eq!(served, described());
    let page = app.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    assert!(
        !page.text.contains("https://"),
        "the page needs nothing from elsewhere"
    );
    let redirect = app.get("/docs").await;
    assert_eq!(
        (redirect.status.as_u16(), &redirect.headers["location"]),
        (303, &"/docs/".parse().unwrap())
    );
    app.stop().await;
}

/// The answers of an operation follow from what it takes.
#[test]
fn every_operation_describes_its_errors() {
    let document = described();
    for (at, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let mut expected = vec!["500", "503"];
        for parameter in list(&operation["parameters"]) {
            expected.push("400");
            match (parameter["in"].as_str(), parameter["name"].as_str()) {
                (Some("path"), _) => expected.push("404"),
                (_, Some("If-Match")) if parameter["required"] == true => {
                    expected.extend(["412", "428"]);
                }
                (_, Some("If-Match")) => expected.push("412"),
                (_, Some("Idempotency-Key")) => expected.extend(["409", "422"]),
                _ => {}
            }
        }
        if operation["requestBody"].is_object() {
            expected.extend(["400", "413", "415", "422"]);
        }
        for status in expected {
            assert!(responses.contains_key(status), "{at} can answer {status}");
        }
        for (status, response) in responses {
            let response = resolved(&document, response);
            let at = format!("{at} {status}");
            assert_ne!(status, "default", "{at}: each status is named");
            assert_ne!(
                response["description"].as_str().unwrap_or_default(),
                "",
                "{at}"
            );
            for (name, header) in response["headers"].as_object().unwrap() {
                let text = header["description"].as_str().unwrap_or_default();
                assert_ne!(text, "", "{at} {name}");
            }
            assert!(response["headers"]["X-Request-Id"].is_object(), "{at}");
            let retry = response["headers"]["Retry-After"].is_object();
            assert_eq!(retry, status == "503", "{at} Retry-After");
            if status.starts_with(['4', '5']) {
                let problem = &response["content"]["application/problem+json"];
                let schema = &problem["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{at}");
            }
        }
    }
    for reference in references(&document) {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_operation_says_what_it_takes_and_gives() {
    let document = described();
    for (at, operation) in operations(&document) {
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert_ne!(summary, "", "{at}");
        for parameter in list(&operation["parameters"]) {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert_ne!(text, "", "{at} {parameter}");
            let shown = parameter["example"].is_string()
                || parameter["example"].is_number()
                || parameter["schema"]["default"].is_string();
            assert!(shown, "{at} {parameter} has no example");
        }
        let bodies = operation["responses"].as_object().unwrap().iter();
        let bodies = bodies
            .filter(|(status, _)| status.starts_with('2'))
            .map(|(_, response)| response)
            .chain([&operation["requestBody"]]);
        for (kind, content) in bodies
            .filter_map(|body| body["content"].as_object())
            .flatten()
        {
            let shown = !content["example"].is_null()
                || !kind.contains("json") && kind != "text/event-stream";
            assert!(shown, "{at}: {kind} has no example");
        }
    }
}

/// What the description shows as a request is one that the service takes.
#[sqlx::test(migrator = "hc_api::database::MIGRATIONS")]
async fn the_examples_work(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let document = described();
    let example = |path: &str, method: &str| {
        let content = &document["paths"][path][method]["requestBody"]["content"];
        content["application/json"]["example"].clone()
    };
    let mut patient = example("/patients", "post");
    patient["patientId"] = "P-new".into();
    assert_eq!(app.post("/patients", patient).await.status, 201);
    let mut device = example("/devices", "post");
    for (field, value) in [
        ("deviceId", "DEV-new"),
        ("patientId", "P-new"),
        ("serialNumber", "SN-new"),
    ] {
        device[field] = value.into();
    }
    assert_eq!(app.post("/devices", device).await.status, 201);
    let mut prescription = example("/prescriptions", "post");
    for (field, value) in [("deviceId", "DEV-new"), ("patientId", "P-new")] {
        prescription[field] = value.into();
    }
    prescription.as_object_mut().unwrap().remove("supersedes");
    let answer = app.post("/prescriptions", prescription).await;
    assert_eq!(answer.status, 201, "{answer}");
    let id = answer.json()["prescriptionId"].as_str().unwrap().to_owned();
    for (path, instance) in [
        ("/patients/{patientId}", "/patients/P-new".to_owned()),
        ("/devices/{deviceId}", "/devices/DEV-new".to_owned()),
        (
            "/prescriptions/{prescriptionId}",
            format!("/prescriptions/{id}"),
        ),
    ] {
        let patch = example(path, "patch");
        let answer = app.send(Method::PATCH, &instance, &[], Some(patch)).await;
        assert_eq!(answer.status, 200, "{path}: {answer}");
    }
    let start = example("/simulation/start", "post");
    assert_eq!(app.post("/simulation/start", start).await.status, 200);
    app.stop().await;
}

fn described() -> Value {
    serde_json::from_str(&hc_api::app::document().to_json().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn resolved<'a>(document: &'a Value, response: &'a Value) -> &'a Value {
    response["$ref"].as_str().map_or(response, |reference| {
        document
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap()
    })
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(target) if key == "$ref" => vec![target.to_owned()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
