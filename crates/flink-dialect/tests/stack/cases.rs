use std::fs;
use std::path::Path;

use hc_flink_dialect::{Connection, Statement, parse, split_statements, translate_table};

use crate::session::Session;

/// Every table that a golden case translates is one that Flink creates, reads and writes.
#[tokio::test]
async fn flink_accepts_every_translated_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let connection = Connection::new("127.0.0.1:1", "http://127.0.0.1:1");
    let (streaming, snapshot) = (Session::open().await, Session::open().await);
    let mut tables = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        for sql in split_statements(&fs::read_to_string(&path).unwrap()) {
            let Ok(Statement::CreateTable(mut create)) = parse(sql) else {
                continue;
            };
            // The cases reuse names.
            create.table.name = format!("case_{tables}");
            let Ok(translated) = translate_table(&create.table, &connection) else {
                continue;
            };
            tables += 1;
            for (session, definition) in [
                (&streaming, &translated.sql),
                (&snapshot, &translated.snapshot_sql),
            ] {
                for sql in std::iter::once(definition).chain(&translated.probes) {
                    let result = session.run(sql, &[]).await;
                    assert!(
                        result.is_ok(),
                        "{}\n{sql}\n{}",
                        path.display(),
                        result.unwrap_err()
                    );
                }
            }
        }
    }
    assert!(tables > 8, "the cases are not found");
}

/// Options are looked at when a table is used, so that a probe has to find what the definition lets pass.
#[tokio::test]
async fn a_probe_finds_what_create_does_not() {
    let Ok(Statement::CreateTable(create)) = parse("CREATE TABLE probed (a STRING)") else {
        panic!()
    };
    let mut connection = Connection::new("127.0.0.1:1", "http://127.0.0.1:1");
    connection
        .registry_properties
        .insert("no-such-option".into(), "x".into());
    let translated = translate_table(&create.table, &connection).unwrap();
    let session = Session::open().await;
    session.run(&translated.sql, &[]).await.unwrap();
    let error = session.run(&translated.probes[0], &[]).await.unwrap_err();
    assert!(error.contains("no-such-option"), "{error}");
}
