//! The SQL that this repository ships.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hc_flink_dialect::graph::{self, Node, TableFolder, parse_external_tables};
use hc_flink_dialect::{
    Connection, QueryTuning, Statement, StatementNames, Table, apply_alter, infer_table, parse,
    parse_properties_file, split_statements, translate_properties, translate_query,
    translate_table,
};
use serde_json::json;

fn pipelines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines")
}

/// Every folder with `sql-scripts`, as a deployer reads them.
fn folders() -> Vec<TableFolder> {
    let root = pipelines();
    let mut found = Vec::new();
    for layer in fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
    {
        for product in fs::read_dir(layer)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
        {
            for table in fs::read_dir(product)
                .unwrap()
                .map(|entry| entry.unwrap().path())
            {
                let scripts = table.join("sql-scripts");
                let name = table.file_name().unwrap().to_str().unwrap();
                let read = |file: String| fs::read_to_string(scripts.join(file)).ok();
                found.push(TableFolder {
                    path: table
                        .strip_prefix(&root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                    ddl: read(format!("ddl.{name}.sql"))
                        .unwrap_or_else(|| panic!("{name} has no DDL")),
                    dml: read(format!("dml.{name}.sql")),
                    properties: read(format!("dml.{name}.properties"))
                        .map_or_else(BTreeMap::new, |text| parse_properties_file(&text).unwrap()),
                });
            }
        }
    }
    found
}

fn nodes() -> Vec<Node> {
    let external = fs::read_to_string(pipelines().join("seeds/external_tables.json")).unwrap();
    graph::build(
        &folders(),
        &parse_external_tables(&external).unwrap(),
        &StatementNames::default(),
    )
    .unwrap()
}

fn created(sql: &str) -> Table {
    match parse(sql).unwrap() {
        Statement::CreateTable(create) => create.table,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_table_parses_translates_and_has_its_place() {
    let nodes = nodes();
    for node in &nodes {
        translate_table(
            &created(&node.ddl),
            &Connection::new("kafka:9092", "http://registry"),
        )
        .unwrap();
        translate_query(node.dml.as_deref().unwrap(), &QueryTuning::default()).unwrap();
        translate_properties(&node.properties).unwrap();
    }
    let place = |table: &str| nodes.iter().position(|node| node.table == table).unwrap();
    assert!(place("src_hc_prescriptions") < place("hc_fct_drift_evts"));
    let drift = &nodes[place("hc_fct_drift_evts")];
    assert_eq!(drift.parents, ["src_hc_prescriptions"]);
    assert_eq!(drift.externals, ["hc_raw_device_metrics"]);
    assert_eq!(drift.dml_name, "dev-usw2-hc-dml-hc-fct-drift-evts");
    assert_eq!(
        nodes[place("src_hc_prescriptions")].externals,
        ["healthcare.public.prescriptions"]
    );
}

/// What shift_left's line-based reading of SQL needs, so that it sees the tables that are there.
#[test]
fn files_keep_to_what_shift_left_can_read() {
    for node in nodes() {
        let table = &node.table;
        assert!(
            node.ddl
                .contains(&format!("CREATE TABLE IF NOT EXISTS {table} (")),
            "{table}: CREATE on one line"
        );
        let dml = node.dml.unwrap();
        assert!(
            dml.contains(&format!("INSERT INTO {table}\n")),
            "{table}: INSERT INTO, one space, the name"
        );
        assert!(
            node.ddl.contains("'scan.bounded.mode' = 'unbounded'"),
            "{table}: unit tests replace this text"
        );
        assert!(
            !node.ddl.to_lowercase().contains("insert into "),
            "{table}: not even in a comment of the DDL"
        );
        assert!(
            !table.contains("replace"),
            "{table}: such a name is skipped"
        );
    }
}

#[test]
fn the_correction_window_is_a_tuning_of_the_readings() {
    let drift = nodes()
        .into_iter()
        .find(|node| node.table == "hc_fct_drift_evts")
        .unwrap()
        .dml
        .unwrap();
    let tuning = QueryTuning {
        state_ttl: [("m".to_owned(), "2 h".to_owned())].into(),
    };
    let tuned = translate_query(&drift, &tuning).unwrap().sql;
    assert!(
        tuned.contains("/*+ STATE_TTL('m' = '2 h', 'r' = '0 s') */"),
        "{tuned}"
    );
}

#[test]
fn preparing_the_raw_tables_twice_is_preparing_them_once() {
    let script = fs::read_to_string(pipelines().join("prepare/hc_raw.sql")).unwrap();
    // shift_left takes each line for a statement.
    assert_eq!(split_statements(&script).len(), script.lines().count());
    let prepare = |table: Table| {
        let alters = split_statements(&script)
            .into_iter()
            .map(|sql| match parse(sql).unwrap() {
                Statement::AlterTable(alter) => alter,
                other => panic!("{other:?}"),
            });
        alters
            .filter(|alter| alter.name.table == table.name)
            .fold(table.clone(), |table, alter| {
                apply_alter(&table, &alter).unwrap()
            })
    };
    let value = json!({"type": "record", "name": "v", "fields": [{"name": "ts", "type": "long"}]});
    for (topic, key) in [
        ("hc_raw_device_metrics", "device_id"),
        ("hc_raw_device_events", "event_id"),
    ] {
        let key =
            json!({"type": "record", "name": "k", "fields": [{"name": key, "type": "string"}]});
        let raw = infer_table(topic, Some(&key), &value, 3).unwrap();
        let once = prepare(raw.clone());
        assert_ne!(once, raw);
        assert_eq!(prepare(once.clone()), once);
        let sql = translate_table(&once, &Connection::new("kafka:9092", "http://registry"))
            .unwrap()
            .sql;
        assert!(
            sql.contains("`event_time` AS TO_TIMESTAMP_LTZ(ts, 3)"),
            "{sql}"
        );
        assert!(
            sql.contains("WATERMARK FOR `event_time` AS event_time - INTERVAL '5' SECOND"),
            "{sql}"
        );
    }
}
