//! The copy of a topic in a lake.

use hc_flink_dialect::{
    Connection, LakeTable, Offsets, Statement, Table, lake_statement, lake_table, parse,
};

const UPSERT: &str = "CREATE TABLE t (
  id STRING NOT NULL, at BIGINT NOT NULL, v DOUBLE NOT NULL, seen TIMESTAMP_LTZ(3),
  event_time AS TO_TIMESTAMP_LTZ(at, 3), WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND,
  PRIMARY KEY (id, at) NOT ENFORCED
) DISTRIBUTED BY HASH(id, at) INTO 3 BUCKETS
WITH ('changelog.mode' = 'upsert', 'value.fields-include' = 'except-key', 'kafka.cleanup-policy' = 'delete-compact')";

const APPEND: &str =
    "CREATE TABLE r (id STRING NOT NULL, v DOUBLE NOT NULL) DISTRIBUTED BY HASH(id) INTO 2 BUCKETS";

fn table(sql: &str) -> Table {
    match parse(sql).unwrap() {
        Statement::CreateTable(create) => create.table,
        other => panic!("{other:?}"),
    }
}

fn lake(sql: &str) -> LakeTable {
    lake_table(
        &table(sql),
        &Connection::new("kafka:9092", "http://registry"),
    )
    .unwrap()
}

#[test]
fn an_upsert_topic_is_read_as_its_records_and_again_for_its_deletions() {
    let lake = lake(UPSERT);
    assert_eq!(lake.key, ["id", "at"]);
    assert_eq!(
        lake.columns,
        "`id` STRING NOT NULL, `at` BIGINT NOT NULL, `v` DOUBLE, `seen` TIMESTAMP(3), `op` STRING NOT NULL, \
         `kafka_partition` INT NOT NULL, `kafka_offset` BIGINT NOT NULL, `kafka_timestamp` TIMESTAMP_LTZ(6) NOT NULL"
    );
    assert_eq!(
        lake.query,
        "SELECT `id`, `at`, `v`, `seen`, 'u', `kafka_partition`, `kafka_offset`, \
         CAST(`kafka_timestamp` AS TIMESTAMP_LTZ(6)) FROM `t written`\nUNION ALL\n\
         SELECT `id`, `at`, CAST(NULL AS DOUBLE), CAST(NULL AS TIMESTAMP(3)), 'd', `kafka_partition`, `kafka_offset`, \
         CAST(`kafka_timestamp` AS TIMESTAMP_LTZ(6)) FROM `t deleted` WHERE `kafka_value` IS NULL"
    );
    let [written, deleted] = &lake.sources(&Offsets::new())[..] else {
        panic!("two sources");
    };
    for (source, has) in [
        (written, "CREATE TABLE `t written`"),
        (written, "'connector' = 'kafka'"),
        (written, "'topic' = 't'"),
        (written, "'key.fields' = 'id;at'"),
        (written, "'value.format' = 'avro-confluent'"),
        (written, "'properties.isolation.level' = 'read_committed'"),
        (written, "'properties.group.id' = 'flink-lake-t'"),
        (written, "'scan.startup.mode' = 'earliest-offset'"),
        (deleted, "CREATE TABLE `t deleted`"),
        (deleted, "`kafka_value` BYTES"),
        (deleted, "'value.format' = 'raw'"),
        (deleted, "'value.fields-include' = 'EXCEPT_KEY'"),
    ] {
        assert!(source.contains(has), "{has} is missing in {source}");
    }
    assert!(!deleted.contains("`v` DOUBLE"), "{deleted}");
    for gone in ["event_time", "WATERMARK", "idle-timeout", "PRIMARY KEY"] {
        assert!(!written.contains(gone), "{gone} in {written}");
    }
}

#[test]
fn an_append_topic_is_read_once_and_has_no_key() {
    let lake = lake(APPEND);
    assert!(lake.key.is_empty());
    assert!(
        lake.columns
            .starts_with("`id` STRING NOT NULL, `v` DOUBLE NOT NULL, `kafka_partition`")
    );
    assert!(!lake.query.contains("UNION") && !lake.query.contains("'u'"));
    let start = Offsets::from([(0, 7), (1, 0)]);
    let [source] = &lake.sources(&start)[..] else {
        panic!("one source");
    };
    assert!(source.contains("'scan.startup.mode' = 'specific-offsets'"));
    assert!(
        source.contains(
            "'scan.startup.specific-offsets' = 'partition:0,offset:7;partition:1,offset:0'"
        ),
        "{source}"
    );
}

#[test]
fn one_statement_fills_all_tables() {
    let sql = lake_statement(&[lake(APPEND)], &["lake".into(), "hc".into()]);
    assert!(
        sql.starts_with("EXECUTE STATEMENT SET\nBEGIN\nINSERT INTO `lake`.`hc`.`r`\nSELECT ")
            && sql.ends_with(" FROM `r written`;\nEND"),
        "{sql}"
    );
}

#[test]
fn what_a_lake_cannot_hold_is_refused() {
    let refused = |sql: &str| {
        lake_table(&table(sql), &Connection::new("k", "r"))
            .unwrap_err()
            .to_string()
    };
    let error = refused("CREATE TABLE t (id STRING, op STRING)");
    assert!(error.contains("column op of table t"), "{error}");
    let error = refused(
        "CREATE TABLE t (id STRING NOT NULL, PRIMARY KEY (id) NOT ENFORCED) WITH ('value.format' = 'avro-debezium-registry')",
    );
    assert!(error.contains("change topic t"), "{error}");
}
