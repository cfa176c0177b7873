use std::collections::BTreeMap;

use serde_json::Value;

use crate::avro_reader::AvroReader;
use crate::parser::{SqlType, TypeRoot};
use crate::{Column, DialectError, Distribution, Table};

/// The table of a topic that somebody else creates, from its registry subjects.
///
/// A value record with `before`, `after` and `op` is a Debezium envelope: the table has the columns of `before`, the
/// fields of the key as PRIMARY KEY, and `avro-debezium-registry` as value format. Any other record is a row of an
/// append table; the fields of the key come first and are the distribution.
///
/// # Errors
/// A schema that is not a record, a type without SQL counterpart, a Debezium topic without key, or a value that
/// repeats only some of the key's fields.
pub fn infer_table(
    topic: &str,
    key_schema: Option<&Value>,
    value_schema: &Value,
    partitions: u32,
) -> Result<Table, DialectError> {
    let key = match key_schema {
        Some(schema) => {
            AvroReader::default().fields(schema, &format!("the key of topic {topic}"))?
        }
        None => Vec::new(),
    };
    let value =
        AvroReader::default().fields(value_schema, &format!("the value of topic {topic}"))?;
    let has = |name: &str| value.iter().any(|(field, _)| field == name);
    if has("before") && has("after") && has("op") {
        debezium_table(topic, &key, &value, partitions)
    } else {
        append_table(topic, key, value, partitions)
    }
}

fn debezium_table(
    topic: &str,
    key: &[(String, SqlType)],
    value: &[(String, SqlType)],
    partitions: u32,
) -> Result<Table, DialectError> {
    let row = value
        .iter()
        .find(|(name, _)| name == "before")
        .map(|(_, before)| &before.root);
    let Some(TypeRoot::Row(fields)) = row else {
        return Err(DialectError::invalid(format!(
            "The field before of topic {topic} is not a record, so that its columns are unknown."
        )));
    };
    if key.is_empty() {
        return Err(DialectError::invalid(format!(
            "The change topic {topic} has no key subject, so that its primary key is unknown. Give the captured table a primary key."
        )));
    }
    let primary_key: Vec<String> = key.iter().map(|(name, _)| name.clone()).collect();
    if let Some(missing) = primary_key
        .iter()
        .find(|name| !fields.iter().any(|(field, _)| field == *name))
    {
        return Err(DialectError::invalid(format!(
            "The key of topic {topic} has the field {missing}, which the captured row has not."
        )));
    }
    let columns = fields
        .iter()
        .map(|(name, field)| {
            let nullable = field.nullable && !primary_key.contains(name);
            Column::physical(
                name,
                SqlType::new(field.root.clone(), nullable).to_data_type(),
            )
        })
        .collect();
    Ok(Table {
        name: topic.to_owned(),
        columns,
        distribution: Some(Distribution {
            columns: primary_key.clone(),
            buckets: Some(partitions),
        }),
        primary_key,
        watermark: None,
        options: options(&[
            ("changelog.mode", "retract"),
            ("key.format", "avro-registry"),
            ("value.format", "avro-debezium-registry"),
            ("value.fields-include", "all"),
        ]),
        comment: None,
    })
}

fn append_table(
    topic: &str,
    key: Vec<(String, SqlType)>,
    value: Vec<(String, SqlType)>,
    partitions: u32,
) -> Result<Table, DialectError> {
    let key_names: Vec<String> = key.iter().map(|(name, _)| name.clone()).collect();
    let repeated = value
        .iter()
        .filter(|(name, _)| key_names.contains(name))
        .count();
    if repeated > 0 && repeated < key_names.len() {
        return Err(DialectError::unsupported(
            format!(
                "The value of topic {topic}, which repeats some fields of the key and not others,"
            ),
            "Let the value repeat the whole key or none of it.",
        ));
    }
    let mut table_options = vec![
        ("changelog.mode", "append"),
        ("value.format", "avro-registry"),
    ];
    if !key.is_empty() {
        table_options.push(("key.format", "avro-registry"));
        table_options.push((
            "value.fields-include",
            if repeated > 0 { "all" } else { "except-key" },
        ));
    }
    let only_in_value = value
        .into_iter()
        .filter(|(name, _)| !key_names.contains(name));
    let columns = key.into_iter().chain(only_in_value);
    Ok(Table {
        name: topic.to_owned(),
        columns: columns
            .map(|(name, field)| Column::physical(name, field.to_data_type()))
            .collect(),
        primary_key: Vec::new(),
        distribution: Some(Distribution {
            columns: key_names,
            buckets: Some(partitions),
        }),
        watermark: None,
        options: options(&table_options),
        comment: None,
    })
}

fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
