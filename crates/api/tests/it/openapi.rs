//! The committed API document is the one that the code describes. To update it:
//! `UPDATE_OPENAPI=1 cargo test -p hc-api --test it openapi`.

use std::{env, fs, path::Path};

use serde_json::Value;

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
    let described: Value =
        serde_json::from_str(&hc_api::app::document().to_json().unwrap()).unwrap();
    assert_eq!(served, described);
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

#[test]
fn every_operation_describes_its_errors() {
    let document: Value =
        serde_json::from_str(&hc_api::app::document().to_json().unwrap()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let error = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert_eq!(
                error["schema"]["$ref"], "#/components/schemas/Problem",
                "{method} {path}"
            );
        }
    }
    for reference in references(&document) {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{reference} leads nowhere");
    }
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
