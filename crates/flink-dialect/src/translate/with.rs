use std::collections::BTreeMap;

use crate::Table;

use super::layout::Layout;
use super::options::{Format, TableOptions};
use super::{Connection, Connector, columns};

/// The options of the table for open-source Flink.
pub(super) fn with_options(
    table: &Table,
    connection: &Connection,
    options: &TableOptions,
    layout: &Layout,
) -> BTreeMap<String, String> {
    let mut with = BTreeMap::new();
    let mut put = |key: &str, value: &str| with.insert(key.to_owned(), value.to_owned());
    put(
        "connector",
        if layout.connector == Connector::UpsertKafka {
            "upsert-kafka"
        } else {
            "kafka"
        },
    );
    put("topic", &table.name);
    put(
        "properties.bootstrap.servers",
        &connection.bootstrap_servers,
    );
    put(
        "properties.group.id",
        &format!("{}{}", connection.group_id_prefix, table.name),
    );
    for (key, value) in connection
        .kafka_properties
        .iter()
        .chain(&options.kafka_properties)
    {
        put(&format!("properties.{key}"), value);
    }
    for (key, value) in &options.scan {
        // An upsert table is read from the beginning: the newest record of every key is the table.
        if layout.connector != Connector::UpsertKafka || !key.starts_with("scan.startup.") {
            put(key, value);
        }
    }
    if columns::has_watermark(table, layout.connector)
        && let Some(timeout) = connection
            .idle_timeouts
            .get(&table.name)
            .or(connection.idle_timeout.as_ref())
    {
        put("scan.watermark.idle-timeout", timeout);
    }
    format_options(&mut with, "value", layout.value_format, connection);
    if layout.reads_key() {
        key_options(&mut with, layout, connection);
    }
    with
}

fn key_options(with: &mut BTreeMap<String, String>, layout: &Layout, connection: &Connection) {
    format_options(with, "key", layout.key_format, connection);
    let include = if layout.value_includes_key {
        "ALL"
    } else {
        "EXCEPT_KEY"
    };
    with.insert("value.fields-include".into(), include.into());
    if let Some(prefix) = &layout.key_prefix {
        with.insert("key.fields-prefix".into(), prefix.clone());
    }
    if layout.connector == Connector::Kafka {
        with.insert("key.fields".into(), layout.key_columns.join(";"));
    }
}

fn format_options(
    with: &mut BTreeMap<String, String>,
    side: &str,
    format: Format,
    connection: &Connection,
) {
    let name = format.open_source_name();
    with.insert(format!("{side}.format"), name.to_owned());
    if matches!(format, Format::Raw | Format::Json) {
        return;
    }
    with.insert(
        format!("{side}.{name}.url"),
        connection.registry_url.clone(),
    );
    for (key, value) in &connection.registry_properties {
        with.insert(format!("{side}.{name}.{key}"), value.clone());
    }
}

/// The options of the same table that ends: where the table says, or at the newest offset.
pub(super) fn bounded(mut with: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mode = with
        .entry("scan.bounded.mode".into())
        .or_insert_with(|| "unbounded".into());
    if mode == "unbounded" {
        *mode = "latest-offset".into();
    }
    with
}
