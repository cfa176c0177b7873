use std::fs;
use std::path::Path;

use hc_flink_dialect::{
    Connection, QueryTuning, Statement, Table, apply_alter, infer_table, parse, split_statements,
    translate_query, translate_table,
};
use serde_json::{Value, json};

use crate::session::Session;

fn read(path: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(path),
    )
    .unwrap()
}

/// A topic of the API, prepared.
fn raw(topic: &str) -> Table {
    let schema = |side: &str| -> Value {
        serde_json::from_str(&read(&format!(
            "crates/contracts/schemas/{topic}-{side}.avsc"
        )))
        .unwrap()
    };
    let raw = infer_table(topic, Some(&schema("key")), &schema("value"), 3).unwrap();
    split_statements(&read("pipelines/prepare/hc_raw.sql"))
        .into_iter()
        .fold(raw, |table, sql| match parse(sql) {
            Ok(Statement::AlterTable(alter)) if alter.name.table == topic => {
                apply_alter(&table, &alter).unwrap()
            }
            Ok(Statement::AlterTable(_)) => table,
            other => panic!("{other:?}"),
        })
}

/// The change topic of Postgres' table, as Debezium describes it.
fn prescriptions() -> Table {
    let key = json!({"type": "record", "name": "Key", "fields": [{"name": "prescription_id", "type": "string"}]});
    let field = |name: &str, avro: &str| json!({"name": name, "type": avro});
    let row = json!({"type": "record", "name": "Value", "fields": [
        field("prescription_id", "string"), field("patient_id", "string"), field("device_id", "string"),
        field("medication_or_therapy", "string"), field("start_date", "long"),
        {"name": "end_date", "type": ["null", "long"], "default": null},
        {"name": "parameters", "type": {"type": "string", "connect.name": "io.debezium.data.Json"}},
        field("version", "long"), field("created_at", "string"), field("updated_at", "string"),
    ]});
    let envelope = json!({"type": "record", "name": "Envelope", "fields": [
        {"name": "before", "type": ["null", row]}, {"name": "after", "type": ["null", "Value"]}, field("op", "string"),
    ]});
    infer_table("healthcare.public.prescriptions", Some(&key), &envelope, 3).unwrap()
}

fn shipped(folder: &str) -> (Table, String) {
    let table = folder.rsplit('/').next().unwrap();
    let scripts = format!("pipelines/{folder}/sql-scripts");
    match parse(&read(&format!("{scripts}/ddl.{table}.sql"))) {
        Ok(Statement::CreateTable(create)) => {
            (create.table, read(&format!("{scripts}/dml.{table}.sql")))
        }
        other => panic!("{other:?}"),
    }
}

/// A session in which the tables of these tests are defined.
async fn session_with_tables() -> Session {
    let session = Session::open().await;
    let connection = Connection::new("127.0.0.1:1", "http://127.0.0.1:1");
    let tables = [
        raw("hc_raw_device_metrics"),
        raw("hc_raw_device_events"),
        prescriptions(),
        shipped("sources/hc/src_hc_prescriptions").0,
        shipped("sources/hc/src_hc_devices").0,
        shipped("sources/hc/src_hc_patients").0,
        shipped("intermediates/hc/int_hc_prescriptions").0,
        shipped("facts/hc/hc_fct_drift_evts").0,
        shipped("facts/hc/hc_fct_compliance_1h").0,
        shipped("facts/hc/hc_fct_compliance_alerts").0,
        shipped("facts/hc/hc_fct_device_health").0,
        shipped("facts/hc/hc_fct_device_events_dq").0,
        shipped("facts/hc/hc_fct_geofence_alerts").0,
        shipped("facts/hc/hc_fct_button_routing").0,
        shipped("facts/hc/hc_fct_device_update_commands").0,
    ];
    for table in tables {
        let translated = translate_table(&table, &connection).unwrap();
        for sql in std::iter::once(&translated.sql).chain(&translated.probes) {
            session
                .run(sql, &[])
                .await
                .unwrap_or_else(|error| panic!("{sql}\n{error}"));
        }
    }
    session
}

async fn plan(
    session: &Session,
    dml: &str,
    tuning: &QueryTuning,
    config: &[(&str, &str)],
) -> String {
    let query = translate_query(dml, tuning).unwrap().sql;
    let plan = session
        .run(&format!("EXPLAIN CHANGELOG_MODE {query}"), config)
        .await;
    let plan = plan.unwrap_or_else(|error| panic!("{query}\n{error}"));
    let physical = plan.find("== Optimized Physical Plan ==").unwrap();
    let end = plan
        .find("== Optimized Execution Plan ==")
        .unwrap_or(plan.len());
    plan[physical..end].to_owned()
}

#[tokio::test]
async fn the_targets_are_grouped_by_the_key_of_their_table() {
    let session = session_with_tables().await;
    let (_, dml) = shipped("sources/hc/src_hc_prescriptions");
    let plan = plan(&session, &dml, &QueryTuning::default(), &[]).await;
    assert!(
        plan.contains("GroupAggregate(groupBy=[prescription_id, metric_name]"),
        "{plan}"
    );
    // Otherwise an edit would be a deletion followed by an insertion, kept apart by state that never ends.
    assert!(!plan.contains("upsertMaterialize"), "{plan}");
}

#[tokio::test]
async fn readings_are_forgotten_and_prescriptions_are_not() {
    let session = session_with_tables().await;
    let (_, dml) = shipped("facts/hc/hc_fct_drift_evts");
    let without_materializer = [("table.exec.sink.upsert-materialize", "NONE")];
    let shipped = plan(
        &session,
        &dml,
        &QueryTuning::default(),
        &without_materializer,
    )
    .await;
    assert!(
        shipped.contains("STATE_TTL options:{LEFT=10 min, RIGHT=0 s}"),
        "{shipped}"
    );
    // The join's key decides the subtask, and the table's key contains it: the changes of a row stay in order.
    assert!(
        shipped.contains("distribution=[hash[device_id, metric_name]]"),
        "{shipped}"
    );
    let longer = QueryTuning {
        state_ttl: [("m".to_owned(), "2 h".to_owned())].into(),
    };
    let tuned = plan(&session, &dml, &longer, &without_materializer).await;
    assert!(
        tuned.contains("STATE_TTL options:{LEFT=2 h, RIGHT=0 s}"),
        "{tuned}"
    );
}

/// A hint that names no input is ignored without a word, and its state grows for ever.
#[tokio::test]
async fn every_fact_about_a_device_forgets_what_its_head_says() {
    let session = session_with_tables().await;
    for (table, expected) in [
        ("hc_fct_device_health", &["LEFT=2 min, RIGHT=0 s"][..]),
        ("hc_fct_device_events_dq", &["LEFT=10 min, RIGHT=0 s"]),
        ("hc_fct_geofence_alerts", &["LEFT=10 min, RIGHT=0 s"]),
        ("hc_fct_button_routing", &["LEFT=1 h, RIGHT=0 s"]),
        (
            "hc_fct_device_update_commands",
            &["[7 d", "LEFT=10 min, RIGHT=0 s", "LEFT=10 min, RIGHT=0 s"],
        ),
    ] {
        let (_, dml) = shipped(&format!("facts/hc/{table}"));
        let without_materializer = [("table.exec.sink.upsert-materialize", "NONE")];
        let plan = plan(
            &session,
            &dml,
            &QueryTuning::default(),
            &without_materializer,
        )
        .await;
        let hints = plan.split("STATE_TTL options:").skip(1);
        let kept: Vec<&str> = hints
            .filter_map(|hint| hint.split(['}', ']']).next())
            .collect();
        assert_eq!(kept.len(), expected.len(), "{plan}");
        for (kept, expected) in kept.iter().zip(expected) {
            assert!(kept.contains(expected), "{table} keeps {kept}\n{plan}");
        }
    }
}

#[tokio::test]
async fn an_hour_is_forgotten_after_its_readings() {
    let session = session_with_tables().await;
    let (_, dml) = shipped("facts/hc/hc_fct_compliance_1h");
    let plan = plan(&session, &dml, &QueryTuning::default(), &[]).await;
    assert!(
        plan.contains("STATE_TTL options:{LEFT=10 min, RIGHT=0 s}"),
        "{plan}"
    );
    assert!(plan.contains("STATE_TTL options:[6 h]"), "{plan}");
    assert!(!plan.contains("upsertMaterialize"), "{plan}");
}

#[tokio::test]
async fn an_alert_is_judged_once() {
    let session = session_with_tables().await;
    let (_, dml) = shipped("facts/hc/hc_fct_compliance_alerts");
    let plan = plan(&session, &dml, &QueryTuning::default(), &[]).await;
    assert!(plan.contains("TemporalJoin"), "{plan}");
    // Only what an as-of join has judged for good can be put in order; nothing is ever taken back.
    assert!(
        plan.contains("OverAggregate") && !plan.contains("upsertMaterialize"),
        "{plan}"
    );
}
