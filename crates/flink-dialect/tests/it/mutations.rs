//! What holds for any text and any schema: the golden cases and the shipped SQL, with bytes changed, lost, repeated
//! and mixed. `PROPTEST_CASES=1000000 cargo test -p hc-flink-dialect --test it mutations` looks for longer.

use std::path::Path;
use std::{env, fs};

use hc_flink_dialect::graph::{parse_external_tables, tables_read};
use hc_flink_dialect::{
    Connection, DialectError, QueryTuning, Statement, Table, apply_alter, find_subjects,
    infer_table, normalize, parse, parse_properties_file, split_statements, translate_properties,
    translate_query, translate_table,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::support::{cases, namespace};

/// Mutated texts for each property, unless the environment says otherwise.
const CASES: u32 = 600;

fn config() -> ProptestConfig {
    match env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(CASES),
    }
}

/// Golden cases, and every file of SQL under `pipelines/`.
fn corpus() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = cases()
        .into_iter()
        .map(|case| case.sql.into_bytes())
        .collect();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                texts.push(fs::read(path).unwrap());
            }
        }
    }
    texts
}

/// One change of a text.
#[derive(Debug, Clone)]
enum Change {
    Lose(Index, usize),
    Repeat(Index, usize),
    Overwrite(Index, Vec<u8>),
    Insert(Index, Vec<u8>),
    /// The rest comes from another place of the text.
    Jump(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = [
        "'",
        "`",
        "(",
        ")",
        "<",
        ">",
        ";",
        ".",
        ",",
        "--",
        "/*",
        "*/",
        "/*+",
        "''",
        "``",
        "\n",
        "$rowtime",
        " AS ",
        " WITH ",
        " SELECT ",
        " FROM ",
        " END ",
        "CREATE TABLE ",
        "INSERT INTO ",
        "INTERVAL '1' DAY(9)",
        "ROW<",
        "ARRAY<",
        "é",
        "\u{feff}",
        "4294967296",
        "\0",
    ];
    let piece = prop_oneof![
        select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop_oneof![
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Change::Lose(at, length)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        (any::<Index>(), piece.clone()).prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
        (any::<Index>(), piece).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Jump(from, to)),
    ]
}

fn apply(mut text: Vec<u8>, change: &Change) -> Vec<u8> {
    let place = |index: &Index| index.index(text.len() + 1);
    let range = |at: &Index, length: usize| place(at)..(place(at) + length).min(text.len());
    match change {
        Change::Lose(at, length) => {
            text.drain(range(at, *length));
        }
        Change::Repeat(at, length) => {
            let range = range(at, *length);
            let piece = text[range.clone()].to_vec();
            text.splice(range.start..range.start, piece);
        }
        Change::Overwrite(at, bytes) => {
            text.splice(range(at, bytes.len()), bytes.iter().copied());
        }
        Change::Insert(at, bytes) => {
            text.splice(range(at, 0), bytes.iter().copied());
        }
        Change::Jump(from, to) => {
            let (from, to) = (place(from), place(to));
            let tail = text[to..].to_vec();
            text.truncate(from);
            text.extend(tail);
        }
    }
    text
}

/// Some statements of the corpus, changed.
fn mutated() -> impl Strategy<Value = String> {
    let some = prop::collection::vec(select(corpus()), 1..3);
    (some, prop::collection::vec(change(), 0..8)).prop_map(|(texts, changes)| {
        let text = changes.iter().fold(texts.concat(), apply);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Schemas made of Avro's words.
fn schema() -> impl Strategy<Value = Value> {
    let words = [
        "null",
        "string",
        "int",
        "long",
        "bytes",
        "double",
        "record",
        "array",
        "map",
        "enum",
        "fixed",
        "decimal",
        "date",
        "timestamp-millis",
        "before",
        "after",
        "op",
        "a",
        "a.b",
        "B",
        "",
    ];
    let leaf = prop_oneof![
        4 => select(words.to_vec()).prop_map(Value::from),
        1 => any::<u32>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let names = select(vec!["before", "after", "op", "a", "b", "c`", "d.e", ""]);
        let field = (names, inner.clone())
            .prop_map(|(name, schema)| json!({"name": name, "type": schema}));
        let fields = prop::collection::vec(field, 0..4);
        let keys = select(vec!["type", "items", "values", "fields", "name", "logicalType", "precision", "scale"]);
        prop_oneof![
            3 => (fields, select(words.to_vec()), select(words.to_vec())).prop_map(|(fields, name, namespace)| {
                json!({"type": "record", "name": name, "namespace": namespace, "fields": fields})
            }),
            1 => inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            1 => inner.clone().prop_map(|values| json!({"type": "map", "values": values})),
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            1 => prop::collection::btree_map(keys.prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whoever reads the table's text again has the same table, and translating it ends well or with an error.
fn check_table(table: &Table) -> Result<(), TestCaseError> {
    let text = table.to_confluent_sql();
    match parse(&text) {
        Ok(Statement::CreateTable(again)) => prop_assert_eq!(&again.table, table, "{}", text),
        other => return Err(TestCaseError::fail(format!("{text}\n{other:?}"))),
    }
    let translated = translate_table(table, &Connection::new("kafka:9092", "http://registry"));
    said(translated.as_ref().err())
}

/// Errors are sentences.
fn said(error: Option<&DialectError>) -> Result<(), TestCaseError> {
    let text = error.map_or_else(|| ".".to_owned(), ToString::to_string);
    prop_assert!(
        text.ends_with(['.', '?']) || text.contains(": "),
        "{}",
        text
    );
    Ok(())
}

fn check_statement(sql: &str) -> Result<(), TestCaseError> {
    let parsed = parse(sql);
    said(parsed.as_ref().err())?;
    // Comments and white space carry no meaning.
    let plain = normalize(sql);
    prop_assert_eq!(&normalize(&plain), &plain);
    let kind = |parsed: &Result<Statement, _>| parsed.as_ref().map(Statement::kind).ok();
    prop_assert_eq!(kind(&parse(&plain)), kind(&parsed), "{}", plain);
    match parsed {
        Ok(Statement::CreateTable(create)) => check_table(&create.table)?,
        Ok(Statement::AlterTable(alter)) => {
            if let Ok(Statement::CreateTable(create)) =
                parse("CREATE TABLE t (device STRING, ts BIGINT)")
                && let Ok(changed) = apply_alter(&create.table, &alter)
            {
                let again = apply_alter(&changed, &alter);
                prop_assert_eq!(again.as_ref(), Ok(&changed));
                check_table(&changed)?;
            }
        }
        Ok(_) => {
            // A query is sent as it is written.
            if let Ok(query) = translate_query(sql, &QueryTuning::default()) {
                prop_assert!(sql.starts_with(&query.sql), "{}", query.sql);
                check_unqualified(sql)?;
            }
        }
        Err(_) => {}
    }
    Ok(())
}

/// Taking qualifiers away moves nothing.
fn check_unqualified(sql: &str) -> Result<(), TestCaseError> {
    let Ok(unqualified) = namespace().unqualify(sql) else {
        return Ok(());
    };
    prop_assert_eq!(unqualified.chars().count(), sql.chars().count());
    for (before, after) in sql.chars().zip(unqualified.chars()) {
        prop_assert!(before == after || (after == ' ' && before != '\n'));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_understood_or_refused(text in mutated()) {
        check_statement(&text)?;
        for statement in split_statements(&text) {
            check_statement(statement)?;
        }
        let _ = tables_read(&text);
        let _ = parse_properties_file(&text);
        let _ = parse_external_tables(&text);
        let _ = find_subjects(&text, text.lines());
        let _ = translate_properties(&[("sql.state-ttl".to_owned(), text)].into());
    }

    #[test]
    fn any_schema_is_a_table_or_refused(
        key in prop::option::of(schema()),
        value in schema(),
        topic in "[a-z.`]{1,5}",
    ) {
        match infer_table(&topic, key.as_ref(), &value, 3) {
            Ok(table) => check_table(&table)?,
            Err(error) => said(Some(&error))?,
        }
    }
}

/// Nothing is searched for again and again: each of these would take minutes.
#[test]
fn a_text_that_starts_much_and_ends_little_is_read_once() {
    for unit in ["WITH ", "WITH a AS (", "(", "FROM t, ", "INSERT INTO "] {
        let text = format!("SELECT {}", unit.repeat(300_000 / unit.len()));
        check_statement(&text).unwrap();
        tables_read(&text);
    }
    let columns: Vec<String> = (0..20_000).map(|n| format!("c{n} INT")).collect();
    assert!(parse(&format!("CREATE TABLE t ({})", columns.join(","))).is_ok());
}
