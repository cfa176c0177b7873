//! Tables of topics that others own.

use hc_flink_dialect::{Connection, infer_table, translate_table};
use serde_json::{Value, json};

fn record(fields: Value) -> Value {
    json!({"type": "record", "name": "r", "namespace": "n", "fields": fields})
}

fn confluent(topic: &str, key: Option<&Value>, value: &Value) -> String {
    match infer_table(topic, key, value, 3) {
        Ok(table) => {
            translate_table(&table, &Connection::new("kafka:9092", "http://registry")).unwrap();
            table.to_confluent_sql()
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_plain_record_is_an_append_table_with_the_key_first() {
    let key = record(json!([{"name": "device_id", "type": "string"}]));
    let value = record(json!([
        {"name": "patient_id", "type": {"type": "string", "avro.java.string": "String"}},
        {"name": "ts", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "metric_value", "type": "double"},
        {"name": "software_version", "type": ["null", "string"], "default": null},
        {"name": "tags", "type": {"type": "array", "items": {"type": "map", "values": ["null", "int"]}}},
    ]));
    insta::assert_snapshot!(confluent("hc_raw_device_metrics", Some(&key), &value), @r"
    CREATE TABLE `hc_raw_device_metrics` (
      `device_id` STRING NOT NULL,
      `patient_id` STRING NOT NULL,
      `ts` BIGINT NOT NULL,
      `at` TIMESTAMP(3) NOT NULL,
      `metric_value` DOUBLE NOT NULL,
      `software_version` STRING,
      `tags` ARRAY<MAP<STRING NOT NULL, INT> NOT NULL> NOT NULL
    )
    DISTRIBUTED BY HASH(`device_id`) INTO 3 BUCKETS
    WITH (
      'changelog.mode' = 'append',
      'key.format' = 'avro-registry',
      'value.fields-include' = 'except-key',
      'value.format' = 'avro-registry'
    )
    ");
    // Repeated in the value, the key is read from there, once.
    let repeating =
        record(json!([{"name": "device_id", "type": "string"}, {"name": "ts", "type": "long"}]));
    let sql = confluent("t", Some(&key), &repeating);
    assert!(
        sql.contains("'value.fields-include' = 'all'")
            && sql.matches("`device_id` STRING").count() == 1,
        "{sql}"
    );
    let without_key = confluent("t", None, &repeating);
    assert!(
        without_key.contains("DISTRIBUTED INTO 3 BUCKETS"),
        "{without_key}"
    );
}

#[test]
fn a_debezium_envelope_is_the_table_that_it_captures() {
    let key = record(json!([{"name": "prescription_id", "type": "string"}]));
    let row = json!({"type": "record", "name": "Value", "namespace": "healthcare.public.prescriptions", "fields": [
        {"name": "prescription_id", "type": "string"},
        {"name": "start_date", "type": "long"},
        {"name": "end_date", "type": ["null", "long"], "default": null},
        {"name": "parameters", "type": {"type": "string", "connect.name": "io.debezium.data.Json", "connect.version": 1}},
        {"name": "updated_at", "type": {"type": "string", "connect.default": "1970-01-01T00:00:00.000000Z"}, "default": "1970-01-01T00:00:00.000000Z"},
        {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}], "default": null},
    ]});
    let envelope = record(json!([
        {"name": "before", "type": ["null", row], "default": null},
        {"name": "after", "type": ["null", "healthcare.public.prescriptions.Value"], "default": null},
        {"name": "source", "type": {"type": "record", "name": "Source", "fields": [{"name": "lsn", "type": ["null", "long"]}]}},
        {"name": "op", "type": "string"},
    ]));
    insta::assert_snapshot!(confluent("healthcare.public.prescriptions", Some(&key), &envelope), @r"
    CREATE TABLE `healthcare.public.prescriptions` (
      `prescription_id` STRING NOT NULL,
      `start_date` BIGINT NOT NULL,
      `end_date` BIGINT,
      `parameters` STRING NOT NULL,
      `updated_at` STRING NOT NULL,
      `price` DECIMAL(10, 2),
      PRIMARY KEY (`prescription_id`) NOT ENFORCED
    )
    DISTRIBUTED BY HASH(`prescription_id`) INTO 3 BUCKETS
    WITH (
      'changelog.mode' = 'retract',
      'key.format' = 'avro-registry',
      'value.fields-include' = 'all',
      'value.format' = 'avro-debezium-registry'
    )
    ");
    let keyless = confluent("t", None, &envelope);
    assert!(keyless.contains("has no key subject"), "{keyless}");
}

#[test]
fn what_cannot_be_a_table_is_refused_by_name() {
    let key = record(json!([{"name": "a", "type": "string"}, {"name": "b", "type": "string"}]));
    let recursive = json!({"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]});
    for (value, expected) in [
        (
            json!("string"),
            "the value of topic t is of type STRING, not an Avro record",
        ),
        (json!(7), "not an Avro schema"),
        (
            record(json!([{"name": "u", "type": ["int", "string"]}])),
            "The Avro union of the field u of the value of topic t",
        ),
        (
            record(json!([{"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A"]}}])),
            "The Avro type enum of the field e",
        ),
        (
            record(json!([{"name": "a", "type": "string"}, {"name": "c", "type": "int"}])),
            "repeats some fields of the key",
        ),
        (recursive, "The recursive Avro type"),
        (json!({"type": "record", "name": "x"}), "has no fields"),
    ] {
        let error = confluent("t", Some(&key), &value);
        assert!(error.contains(expected), "{expected}\n{error}");
    }
}
