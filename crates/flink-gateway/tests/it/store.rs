use std::fs;
use std::path::Path;

use axum::http::Method;
use chrono::{DateTime, Utc};
use hc_flink_gateway::model::Phase;
use hc_flink_gateway::store::{Store, StoreError};

use crate::support::{STATEMENTS, app, call, new_statement};

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000).unwrap()
}

/// A store that holds the completed statement `s`, as the API wrote it.
async fn filled(dir: &Path) -> Store {
    {
        let app = app(dir, None);
        let new = new_statement("s", "SHOW TABLES");
        let (_, mut statement) = call(&app, Method::POST, STATEMENTS, Some(new)).await;
        while statement["status"]["phase"] != "COMPLETED" {
            (_, statement) = call(&app, Method::GET, &format!("{STATEMENTS}/s"), None).await;
        }
    }
    // The task that ran the statement may hold the store for a moment longer.
    loop {
        match Store::open(dir, noon) {
            Err(StoreError::InUse(_)) => tokio::task::yield_now().await,
            opened => return opened.unwrap(),
        }
    }
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let before = {
        let store = filled(dir.path()).await;
        let change = |statement: &mut hc_flink_gateway::model::Statement| {
            statement.phase = Phase::Failed;
            statement
                .jobs
                .ids
                .push("0000000000000000000000000000000a".into());
        };
        store.update_statement("s", change).await.unwrap().unwrap()
    };
    assert_eq!(before.updated_at, noon());
    let store = Store::open(dir.path(), noon).unwrap();
    assert_eq!(store.statement("s"), Some(before));

    store.remove_statement("s").await.unwrap();
    store.remove_statement("s").await.unwrap();
    drop(store);
    assert!(
        Store::open(dir.path(), noon)
            .unwrap()
            .statements()
            .is_empty()
    );
}

#[tokio::test]
async fn the_version_rises_only_with_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    let first = store.statement("s").unwrap();
    let changes = store.changes();
    let same = store.update_statement("s", |_| {}).await.unwrap().unwrap();
    assert_eq!(same, first);
    assert!(!changes.has_changed().unwrap());
    let changed = store
        .update_statement("s", |statement| statement.detail = "x".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(changed.resource_version, first.resource_version + 1);
    assert!(changes.has_changed().unwrap());
    assert_eq!(
        store.update_statement("absent", |_| {}).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn an_interrupted_write_leaves_the_old_version() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path()).await.statement("s");
    let leftover = dir.path().join("statements/s.json.tmp");
    fs::write(&leftover, b"{\"name\": \"s\", ").unwrap();
    let store = Store::open(dir.path(), noon).unwrap();
    assert_eq!(store.statement("s"), before);
    assert!(!leftover.exists());
}

#[tokio::test]
async fn a_damaged_file_stops_the_start_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()).await);
    fs::write(dir.path().join("statements/s.json"), b"{").unwrap();
    let error = Store::open(dir.path(), noon).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }));
    assert!(error.to_string().contains("s.json"), "{error}");
}

#[tokio::test]
async fn two_gateways_do_not_share_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let first = filled(dir.path()).await;
    assert!(matches!(
        Store::open(dir.path(), noon),
        Err(StoreError::InUse(_))
    ));
    drop(first);
    Store::open(dir.path(), noon).unwrap();
}
