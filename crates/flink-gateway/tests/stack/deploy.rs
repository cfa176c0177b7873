use std::fs;
use std::path::Path;

use hc_flink_gateway::deploy::{self, DeployArgs};
use hc_flink_gateway::model::Phase;
use hc_flink_gateway::prepare;
use hc_kafka::TopicSpec;

use crate::support::{Gateway, create, dashed, unique, values};

const VALUE: &str = r#"{"type":"record","name":"V","fields":[{"name":"id","type":"long"},
    {"name":"text","type":["null","string"],"default":null}]}"#;

/// Writes the two files of a table.
fn write(dir: &Path, layer: &str, table: &str, ddl: &str, dml: &str) {
    let scripts = dir.join(layer).join("hc").join(table).join("sql-scripts");
    fs::create_dir_all(&scripts).unwrap();
    fs::write(scripts.join(format!("ddl.{table}.sql")), ddl).unwrap();
    fs::write(scripts.join(format!("dml.{table}.sql")), dml).unwrap();
}

async fn deploy(gateway: &Gateway, dir: &Path, recreate: bool) -> Result<String, String> {
    let args = DeployArgs {
        dir: dir.to_owned(),
        client: gateway.client_args(),
        tables: vec![],
        first: vec![],
        recreate,
        cluster_type: "dev".into(),
        region: "us-west-2".into(),
    };
    let mut out = Vec::new();
    let result = deploy::run(&args, &mut out).await;
    let text = String::from_utf8(out).unwrap();
    result.map(|()| text).map_err(|error| format!("{error:#}"))
}

#[tokio::test]
async fn deploying_twice_changes_nothing_and_a_change_changes_only_itself() {
    let gateway = Gateway::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (raw, src, fct) = (unique("gw_raw"), unique("src_gw"), unique("gw_fct"));
    gateway
        .kafka()
        .create_topic(&TopicSpec::new(&raw, 1))
        .await
        .unwrap();
    gateway
        .registry()
        .register(&format!("{raw}-value"), VALUE)
        .await
        .unwrap();
    fs::create_dir(dir.path().join("seeds")).unwrap();
    let seeds = format!(
        r#"{{"tables": [{{"table_name": "{raw}", "kafka_topic": "{raw}", "product_name": "x"}}]}}"#
    );
    fs::write(dir.path().join("seeds/external_tables.json"), seeds).unwrap();
    let src_dml = format!("INSERT INTO {src} SELECT id, text FROM {raw}");
    let fct_dml = format!("INSERT INTO {fct} SELECT id, text FROM {src}");
    write(dir.path(), "sources", &src, &create(&src), &src_dml);
    write(dir.path(), "facts", &fct, &create(&fct), &fct_dml);

    let first = deploy(&gateway, dir.path(), false).await.unwrap();
    assert!(first.contains("4 statements deployed"), "{first}");
    gateway.exec(&values(&raw, &[1, 2]), Phase::Completed).await;
    gateway.until_written(&fct, 2).await;

    // A comment is no change.
    write(
        dir.path(),
        "facts",
        &fct,
        &format!("-- why\n{};", create(&fct)),
        &format!("{fct_dml} -- so\n;"),
    );
    let second = deploy(&gateway, dir.path(), false).await.unwrap();
    assert!(second.contains("nothing to do"), "{second}");

    // A changed query replaces its statement; the topic and its records stay.
    let changed = format!("INSERT INTO {fct} SELECT id + 100, text FROM {src}");
    write(dir.path(), "facts", &fct, &create(&fct), &changed);
    let third = deploy(&gateway, dir.path(), false).await.unwrap();
    assert!(third.contains("1 statements deployed"), "{third}");
    gateway.until_written(&fct, 4).await;

    // A changed definition would lose records: not without being asked to.
    let wider = create(&src).replace("text STRING", "text STRING, more INT");
    let dml = format!("INSERT INTO {src} SELECT id, text, 1 FROM {raw}");
    write(dir.path(), "sources", &src, &wider, &dml);
    let refused = deploy(&gateway, dir.path(), false).await.unwrap_err();
    assert!(
        refused.contains(&src) && refused.contains("--recreate"),
        "{refused}"
    );
    assert_eq!(gateway.written(&src).await, 2, "nothing was touched");
    let topic = gateway.kafka().topic(&src).await.unwrap().unwrap().id;
    let recreated = deploy(&gateway, dir.path(), true).await.unwrap();
    assert!(
        recreated.contains("3 statements deployed"),
        "the reader starts again, too: {recreated}"
    );
    assert_ne!(
        gateway.kafka().topic(&src).await.unwrap().unwrap().id,
        topic
    );
    gateway.until_written(&fct, 6).await;

    // The cause of a failure is the last word.
    write(
        dir.path(),
        "facts",
        &fct,
        &create(&fct),
        &format!("INSERT INTO {fct} SELECT nothing, text FROM {src}"),
    );
    let failed = deploy(&gateway, dir.path(), false).await.unwrap_err();
    assert!(failed.contains("'nothing'"), "{failed}");
    for table in [&src, &fct] {
        let name = format!("dev-usw2-hc-dml-{}", table.replace('_', "-"));
        gateway.client().delete(&name).await.unwrap();
    }
}

#[tokio::test]
async fn two_deployers_start_one_writer() {
    let gateway = Gateway::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (src, fct) = (unique("src_gw"), unique("gw_fct"));
    gateway.exec(&create(&src), Phase::Completed).await;
    fs::create_dir(dir.path().join("seeds")).unwrap();
    let seeds = format!(
        r#"{{"tables": [{{"table_name": "{src}", "kafka_topic": "{src}", "product_name": "x"}}]}}"#
    );
    fs::write(dir.path().join("seeds/external_tables.json"), seeds).unwrap();
    let dml = format!("INSERT INTO {fct} SELECT id, text FROM {src}");
    write(dir.path(), "facts", &fct, &create(&fct), &dml);

    let both = || async {
        tokio::join!(
            deploy(&gateway, dir.path(), false),
            deploy(&gateway, dir.path(), false)
        )
    };
    let (one, other) = both().await;
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    let name = dashed("dev-usw2-hc-dml", &fct);
    gateway.until_phase(&name, Phase::Running).await;
    assert_eq!(gateway.running(&name).await.len(), 1);

    let changed = format!("INSERT INTO {fct} SELECT id + 100, text FROM {src}");
    write(dir.path(), "facts", &fct, &create(&fct), &changed);
    let _ = both().await;
    // Either may have met the other; a third one finds nothing, or finishes it.
    deploy(&gateway, dir.path(), false).await.unwrap();
    assert_eq!(gateway.running(&name).await.len(), 1);
    gateway.exec(&values(&src, &[1]), Phase::Completed).await;
    gateway.until_written(&fct, 1).await;
    gateway.client().delete(&name).await.unwrap();
    assert!(gateway.running(&name).await.is_empty());
}

#[tokio::test]
async fn prepare_runs_files_again_and_again() {
    let gateway = Gateway::start().await;
    let dir = tempfile::tempdir().unwrap();
    let raw = unique("gw_raw");
    gateway
        .kafka()
        .create_topic(&TopicSpec::new(&raw, 1))
        .await
        .unwrap();
    gateway
        .registry()
        .register(&format!("{raw}-value"), VALUE)
        .await
        .unwrap();
    let file = dir.path().join("raw.sql");
    let sql = format!(
        "-- event time\nALTER TABLE {raw} ADD event_time AS TO_TIMESTAMP_LTZ(id, 3);\n\
         ALTER TABLE {raw} MODIFY WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND;\n"
    );
    fs::write(&file, sql).unwrap();
    for _ in 0..2 {
        let mut out = Vec::new();
        prepare::run(
            std::slice::from_ref(&file),
            &gateway.client_args(),
            &mut out,
        )
        .await
        .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap().matches("COMPLETED").count(),
            2
        );
    }
    fs::write(&file, format!("ALTER TABLE {raw} ADD x AS nothing;")).unwrap();
    let error = prepare::run(&[file], &gateway.client_args(), &mut Vec::new())
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("nothing"), "{error:#}");
}
