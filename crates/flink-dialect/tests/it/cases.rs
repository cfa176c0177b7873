//! What becomes of the golden cases. A new case is a new folder;
//! `UPDATE_EXPECTED=1 cargo test -p hc-flink-dialect --test it` writes what is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::{env, fs};

use hc_flink_dialect::graph::tables_read;
use hc_flink_dialect::{
    Connection, QueryTuning, Statement, Table, apply_alter, parse, split_statements,
    translate_query, translate_table,
};

use crate::support::{Case, cases, namespace};

/// What becomes of each statement of a case.
fn describe(case: &Case) -> String {
    let mut out = String::new();
    let mut tables = BTreeMap::new();
    for (topic, table) in case.inferred() {
        match table {
            Ok(table) => {
                writeln!(out, "inferred: {}", table.to_confluent_sql()).unwrap();
                out.push_str(&describe_table(&table).unwrap_or_else(|error| error));
                tables.insert(topic, table);
            }
            Err(error) => writeln!(out, "refused: {error}").unwrap(),
        }
    }
    for sql in split_statements(&case.sql) {
        match describe_statement(sql, &mut tables) {
            Ok(description) => out.push_str(&description),
            Err(error) => writeln!(out, "refused: {error}").unwrap(),
        }
    }
    out
}

fn describe_statement(sql: &str, tables: &mut BTreeMap<String, Table>) -> Result<String, String> {
    let statement = parse(sql).map_err(|error| error.to_string())?;
    let kind = statement.kind();
    match statement {
        Statement::CreateTable(create) => {
            namespace()
                .check_name(&create.name)
                .map_err(|error| error.to_string())?;
            let described = describe_table(&create.table)?;
            tables.insert(create.table.name.clone(), create.table);
            Ok(described)
        }
        Statement::AlterTable(alter) => {
            let Some(table) = tables.get(&alter.name.table) else {
                return Ok(format!("{kind}: {alter:?}\n"));
            };
            let changed = apply_alter(table, &alter).map_err(|error| error.to_string())?;
            if changed == *table {
                return Ok(format!("{kind}: changes nothing\n"));
            }
            describe_table(&changed)?;
            let described = format!("{kind}: now {}\n", changed.to_confluent_sql());
            tables.insert(changed.name.clone(), changed);
            Ok(described)
        }
        Statement::Insert(_)
        | Statement::StatementSet(_)
        | Statement::Select
        | Statement::Explain => {
            let unqualified = namespace()
                .unqualify(sql)
                .map_err(|error| error.to_string())?;
            let sent = translate_query(&unqualified, &QueryTuning::default())
                .map_err(|error| error.to_string())?
                .sql;
            let reads: Vec<String> = tables_read(sql).into_iter().collect();
            let reads = match reads.as_slice() {
                [] => String::new(),
                some => format!(" reads {}", some.join(", ")),
            };
            if sql.starts_with(&sent) {
                return Ok(format!("{kind}{reads}: sent as written\n"));
            }
            Ok(format!("{kind}{reads}: {sent}\n"))
        }
        other => Ok(format!("{kind}: {other:?}\n")),
    }
}

fn describe_table(table: &Table) -> Result<String, String> {
    let again = match parse(&table.to_confluent_sql()) {
        Ok(Statement::CreateTable(again)) => again.table,
        other => panic!("SHOW CREATE TABLE does not parse: {other:?}"),
    };
    assert_eq!(again, *table, "SHOW CREATE TABLE says something else");
    let connection = Connection::new("kafka:9092", "http://registry");
    let translated = translate_table(table, &connection).map_err(|error| error.to_string())?;
    let mut out = format!("{}\n", translated.sql);
    let (topic, partitions) = (&translated.topic.name, translated.topic.partitions);
    writeln!(out, "topic {topic} partitions {partitions}").unwrap();
    for (key, value) in &translated.topic.configs {
        writeln!(out, "config {key}={value}").unwrap();
    }
    for subject in &translated.subjects {
        writeln!(out, "subject {} {}", subject.name, subject.schema).unwrap();
    }
    for warning in &translated.warnings {
        writeln!(out, "warning: {warning}").unwrap();
    }
    let end = translated
        .snapshot_sql
        .lines()
        .find_map(|line| line.trim().strip_prefix("'scan.bounded.mode' = "))
        .unwrap_or_else(|| panic!("{topic} has no end in a snapshot"));
    if end != "'latest-offset'," {
        writeln!(out, "snapshot ends by {end}").unwrap();
    }
    Ok(out)
}

#[test]
fn every_case_gives_what_is_expected() {
    let update = env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let actual = describe(case);
        let path = case.folder.join("expected.txt");
        if update {
            fs::write(&path, &actual).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if actual != expected {
            wrong.push(format!(
                "{}\n--- expected\n{expected}\n--- actual\n{actual}",
                case.name
            ));
        }
    }
    assert!(cases.len() > 10, "the cases are not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
