use std::collections::{BTreeMap, BTreeSet};

use hc_flink_dialect::{
    Connection, QueryTuning, Statement, Table, TranslatedTable, apply_alter, parse,
    split_statements, translate_query, translate_table,
};

use crate::session::Session;
use crate::support::{Case, cases, namespace};

/// Two sessions, as the gateway has them: one for statements that go on, one for snapshots.
struct Sessions {
    streaming: Session,
    snapshot: Session,
    probed: BTreeSet<String>,
}

impl Sessions {
    /// Gives a case tables of its own.
    async fn enter(&self, case: &Case) {
        let database = [
            format!("CREATE DATABASE `{}`", case.name),
            format!("USE `{}`", case.name),
        ];
        tokio::try_join!(
            run_all(&self.streaming, &database),
            run_all(&self.snapshot, &database),
        )
        .unwrap();
    }

    /// A snapshot is only read. The same definition is good in every case.
    async fn define(
        &mut self,
        name: &str,
        table: &TranslatedTable,
        again: bool,
    ) -> Result<(), String> {
        let known = !self.probed.insert(table.sql.clone());
        let probes = if known { &[] } else { table.probes.as_slice() };
        let drop = again.then(|| format!("DROP TABLE `{name}`"));
        let define = |definition| drop.iter().chain([definition]);
        tokio::try_join!(
            run_all(&self.streaming, define(&table.sql).chain(probes)),
            run_all(
                &self.snapshot,
                define(&table.snapshot_sql).chain(probes.iter().take(1))
            ),
        )?;
        Ok(())
    }

    async fn plan(&self, sql: &str) -> Result<(), String> {
        let prefix = match parse(sql) {
            Ok(Statement::Explain) => "",
            _ => "EXPLAIN ",
        };
        let explain = format!("{prefix}{sql}");
        let snapshot = matches!(parse(sql), Ok(Statement::Select)).then_some(&explain);
        tokio::try_join!(
            run_all(&self.streaming, [&explain]),
            run_all(&self.snapshot, snapshot),
        )?;
        Ok(())
    }
}

async fn run_all(
    session: &Session,
    statements: impl IntoIterator<Item = &String>,
) -> Result<(), String> {
    for sql in statements {
        session
            .run(sql, &[])
            .await
            .map_err(|error| format!("{sql}\n{error}"))?;
    }
    Ok(())
}

/// Whether the crate accepts the statement; if so, what Flink says to its translation.
async fn run(
    sessions: &mut Sessions,
    tables: &mut BTreeMap<String, Table>,
    sql: &str,
) -> Option<Result<(), String>> {
    let connection = Connection::new("127.0.0.1:1", "http://127.0.0.1:1");
    let table = match parse(sql).ok()? {
        Statement::CreateTable(create) => create.table,
        Statement::AlterTable(alter) => apply_alter(tables.get(&alter.name.table)?, &alter).ok()?,
        Statement::Insert(_)
        | Statement::StatementSet(_)
        | Statement::Select
        | Statement::Explain => {
            let unqualified = namespace().unqualify(sql).ok()?;
            let query = translate_query(&unqualified, &QueryTuning::default()).ok()?;
            return Some(sessions.plan(&query.sql).await);
        }
        _ => return None,
    };
    let translated = translate_table(&table, &connection).ok()?;
    let name = table.name.clone();
    let again = tables.insert(name.clone(), table).is_some();
    Some(sessions.define(&name, &translated, again).await)
}

/// Every statement that the crate accepts in a golden case is one that Flink plans: tables are created, read and
/// written, queries explained.
#[tokio::test]
async fn flink_accepts_what_the_cases_translate() {
    let mut sessions = Sessions {
        streaming: Session::open().await,
        snapshot: Session::open().await,
        probed: BTreeSet::new(),
    };
    let mut wrong = Vec::new();
    let mut planned = 0;
    for case in cases() {
        sessions.enter(&case).await;
        let mut tables = BTreeMap::new();
        let inferred = case.inferred().into_values().flatten();
        let inferred: Vec<String> = inferred.map(|table| table.to_confluent_sql()).collect();
        let statements: Vec<&str> = inferred
            .iter()
            .map(String::as_str)
            .chain(split_statements(&case.sql))
            .collect();
        for (index, sql) in statements.iter().enumerate() {
            let Some(answer) = run(&mut sessions, &mut tables, sql).await else {
                continue;
            };
            planned += 1;
            let is_last = index + 1 == statements.len();
            let as_expected = match (&answer, case.head("Flink refuses")) {
                (Err(error), Some(expected)) if is_last => error.contains(expected),
                (Ok(()), Some(_)) => !is_last,
                (answer, _) => answer.is_ok(),
            };
            if !as_expected {
                let answer = answer.err().unwrap_or_else(|| format!("{sql} is accepted"));
                wrong.push(format!("{}: {answer}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(planned > 60, "only {planned} statements were planned");
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
