//! Golden cases: each `tests/cases/<name>.sql` has a `<name>.expected` beside it. A new case is a new pair of files;
//! `UPDATE_EXPECTED=1 cargo test -p hc-flink-dialect --test it` writes what is.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use hc_flink_dialect::{Connection, Statement, parse, split_statements, translate_table};

/// What becomes of each statement of a case.
fn describe(sql: &str) -> String {
    let mut out = String::new();
    for statement in split_statements(sql) {
        match parse(statement) {
            Err(error) => writeln!(out, "refused: {error}").unwrap(),
            Ok(Statement::CreateTable(create)) => {
                let table = &create.table;
                assert_eq!(
                    parse(&table.to_confluent_sql()).map(|again| match again {
                        Statement::CreateTable(again) => Some(again.table),
                        _ => None,
                    }),
                    Ok(Some(table.clone())),
                    "SHOW CREATE TABLE does not say what the table is"
                );
                out.push_str(&describe_translation(&create.table));
            }
            Ok(other) => writeln!(out, "{}: {other:?}", other.kind()).unwrap(),
        }
    }
    out
}

fn describe_translation(table: &hc_flink_dialect::Table) -> String {
    let translated = match translate_table(table, &Connection::new("kafka:9092", "http://registry"))
    {
        Ok(translated) => translated,
        Err(error) => return format!("refused: {error}\n"),
    };
    let mut out = format!("{}\n", translated.sql);
    writeln!(
        out,
        "topic {} partitions {}",
        translated.topic.name, translated.topic.partitions
    )
    .unwrap();
    for (key, value) in &translated.topic.configs {
        writeln!(out, "config {key}={value}").unwrap();
    }
    for subject in &translated.subjects {
        writeln!(out, "subject {} {}", subject.name, subject.schema).unwrap();
    }
    for warning in &translated.warnings {
        writeln!(out, "warning: {warning}").unwrap();
    }
    assert!(
        translated
            .snapshot_sql
            .contains("'scan.bounded.mode' = 'latest-offset'")
    );
    out
}

#[test]
fn every_case_gives_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let update = env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        seen += 1;
        let actual = describe(&fs::read_to_string(&path).unwrap());
        let expected_path = path.with_extension("expected");
        if update {
            fs::write(&expected_path, &actual).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if actual != expected {
            wrong.push(format!(
                "{}\n--- expected\n{expected}\n--- actual\n{actual}",
                path.display()
            ));
        }
    }
    assert!(seen > 10, "the cases are not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
