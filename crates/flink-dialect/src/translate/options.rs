use std::collections::{BTreeMap, BTreeSet};

use crate::{DialectError, Table};

use super::topic_configs::topic_config;

/// `changelog.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Append,
    Upsert,
    Retract,
}

/// `key.format`, `value.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Avro,
    AvroDebezium,
    /// Without a registry.
    Json,
    Raw,
}

impl Format {
    pub(super) fn open_source_name(self) -> &'static str {
        match self {
            Self::Avro => "avro-confluent",
            Self::AvroDebezium => "debezium-avro-confluent",
            Self::Json => "json",
            Self::Raw => "raw",
        }
    }
}

/// The options of a table, understood.
pub(super) struct TableOptions {
    pub(super) mode: Mode,
    pub(super) key_format: Format,
    pub(super) value_format: Format,
    pub(super) value_includes_key: bool,
    pub(super) key_prefix: Option<String>,
    /// `scan.*` options of the connector.
    pub(super) scan: BTreeMap<String, String>,
    /// Kafka client properties.
    pub(super) kafka_properties: BTreeMap<String, String>,
    /// Configuration of the topic.
    pub(super) topic_configs: BTreeMap<String, String>,
    pub(super) warnings: Vec<String>,
}

impl TableOptions {
    pub(super) fn read(table: &Table) -> Result<Self, DialectError> {
        let mut options = Self {
            mode: if table.primary_key.is_empty() {
                Mode::Append
            } else {
                Mode::Upsert
            },
            key_format: Format::Avro,
            value_format: Format::Avro,
            value_includes_key: false,
            key_prefix: None,
            scan: [("scan.startup.mode".to_owned(), "earliest-offset".to_owned())].into(),
            // Connect and Flink write in transactions: a record of an aborted one must never be a row.
            kafka_properties: [("isolation.level".to_owned(), "read_committed".to_owned())].into(),
            topic_configs: BTreeMap::new(),
            warnings: Vec::new(),
        };
        for (key, value) in &table.options {
            options.take(table, key, value)?;
        }
        options.check(table)?;
        if options.mode != Mode::Append && options.value_format != Format::AvroDebezium {
            options
                .topic_configs
                .entry("cleanup.policy".to_owned())
                .or_insert_with(|| "compact".to_owned());
        }
        Ok(options)
    }

    fn take(&mut self, table: &Table, key: &str, value: &str) -> Result<(), DialectError> {
        let one_of = |choices: &[(&str, &'static str)]| one_of(key, value, choices);
        match key {
            // The one connector of Confluent's dialect may be named.
            "connector" if value == "confluent" => {}
            "connector" => {
                return Err(DialectError::unsupported(
                    format!("'connector' = '{value}' of table {}", table.name),
                    match value {
                        "faker" | "datagen" => {
                            "Leave the option out, and write rows with INSERT INTO ... VALUES or a producer of the topic."
                        }
                        _ => "A table is a topic: leave the option out.",
                    },
                ));
            }
            "changelog.mode" => {
                self.mode = match value {
                    "append" => Mode::Append,
                    "upsert" => Mode::Upsert,
                    "retract" => Mode::Retract,
                    _ => return Err(not_one_of(key, value, &["append", "upsert", "retract"])),
                }
            }
            "key.format" => self.key_format = self.format(table, key, value)?,
            "value.format" => self.value_format = self.format(table, key, value)?,
            "key.fields-prefix" => self.key_prefix = Some(value.to_owned()),
            "value.fields-include" => {
                self.value_includes_key = one_of(&[("all", "yes"), ("except-key", "")])? == "yes"
            }
            "key.avro-registry.schema-context"
            | "value.avro-registry.schema-context"
            | "value.avro-debezium-registry.schema-context"
            | "key.json-registry.schema-context"
            | "value.json-registry.schema-context" => self.warnings.push(format!(
                "'{key}' of table {} is ignored: the local registry has one context.",
                table.name
            )),
            "kafka.consumer.isolation-level" => {
                let level = one_of(&[
                    ("read-committed", "read_committed"),
                    ("read-uncommitted", "read_uncommitted"),
                ])?;
                self.kafka_properties
                    .insert("isolation.level".into(), level.into());
            }
            "kafka.producer.compression.type" => {
                one_of(&[
                    ("none", ""),
                    ("gzip", ""),
                    ("snappy", ""),
                    ("lz4", ""),
                    ("zstd", ""),
                ])?;
                self.kafka_properties
                    .insert("compression.type".into(), value.into());
            }
            "error-handling.mode" => {
                if value != "fail" {
                    return Err(DialectError::unsupported(
                        format!("'error-handling.mode' = '{value}'"),
                        "Open-source Flink stops at a record it cannot read: leave the option out and keep such records off the topic.",
                    ));
                }
            }
            "error-handling.log.target" | "late-handling.mode" => {
                return Err(DialectError::unsupported(
                    format!("'{key}' of table {}", table.name),
                    "Open-source Flink sends no record elsewhere: leave the option out.",
                ));
            }
            "scan.startup.mode" => self.scan_option(key, listed(key, value, &STARTUP_MODES)?),
            "scan.bounded.mode" => self.scan_option(key, listed(key, value, &BOUNDED_MODES)?),
            "scan.startup.timestamp-millis" | "scan.bounded.timestamp-millis" => {
                let milliseconds: u64 = value.parse().map_err(|_| {
                    DialectError::invalid(format!(
                        "The option '{key}' is '{value}', which is no time. Write milliseconds since 1970, for instance '1735689600000'."
                    ))
                })?;
                self.scan_option(key, &milliseconds.to_string());
            }
            "scan.startup.specific-offsets" | "scan.bounded.specific-offsets" => {
                self.scan_option(key, value)
            }
            _ => match topic_config(key, value)? {
                Some((config, value)) => {
                    self.topic_configs.insert(config.to_owned(), value);
                }
                None => {
                    return Err(DialectError::unsupported(
                        format!("The option '{key}' of table {}", table.name),
                        format!("Check its spelling against these: {}.", KNOWN.join(", ")),
                    ));
                }
            },
        }
        Ok(())
    }

    fn scan_option(&mut self, key: &str, value: &str) {
        self.scan.insert(key.to_owned(), value.to_owned());
    }

    fn format(&mut self, table: &Table, key: &str, value: &str) -> Result<Format, DialectError> {
        let advice = match value {
            "avro-registry" => return Ok(Format::Avro),
            "avro-debezium-registry" => return Ok(Format::AvroDebezium),
            "raw" => return Ok(Format::Raw),
            "json-registry" | "json" => {
                self.warnings.push(format!(
                    "'{key}' = '{value}' of table {} is JSON without a registry: no schema is registered, and records that \
                     a registry's serializer wrote cannot be read.",
                    table.name
                ));
                return Ok(Format::Json);
            }
            "json-debezium-registry" | "proto-debezium-registry" => {
                "Let Connect write Avro, and write 'avro-debezium-registry'."
            }
            "proto-registry" => {
                "Open-source Flink has no Protobuf with a registry: write 'avro-registry'."
            }
            _ => {
                "Write 'avro-registry', 'json-registry', 'raw', or for change topics 'avro-debezium-registry'."
            }
        };
        Err(DialectError::unsupported(
            format!("'{key}' = '{value}' of table {}", table.name),
            advice,
        ))
    }

    /// A mode that starts or ends somewhere has to say where.
    fn check_scan(&self, table: &Table) -> Result<(), DialectError> {
        for side in ["startup", "bounded"] {
            let mode = format!("scan.{side}.mode");
            for (value, place) in [
                ("timestamp", "timestamp-millis"),
                ("specific-offsets", "specific-offsets"),
            ] {
                let place = format!("scan.{side}.{place}");
                let wanted = self.scan.get(&mode).is_some_and(|mode| mode == value);
                if wanted && !self.scan.contains_key(&place) {
                    return Err(DialectError::invalid(format!(
                        "Table {} has '{mode}' = '{value}' and does not say where. Add '{place}'.",
                        table.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// What holds between options, keys and distribution.
    fn check(&self, table: &Table) -> Result<(), DialectError> {
        let name = &table.name;
        self.check_scan(table)?;
        if self.key_format == Format::AvroDebezium {
            return Err(DialectError::unsupported(
                format!("'key.format' = 'avro-debezium-registry' of table {name}"),
                "Only values are change envelopes: write 'avro-registry'.",
            ));
        }
        if self.mode != Mode::Append
            && table.primary_key.is_empty()
            && self.value_format != Format::AvroDebezium
        {
            return Err(DialectError::invalid(format!(
                "Table {name} has 'changelog.mode' = '{}' and no key. Add PRIMARY KEY (...) NOT ENFORCED, or use 'append'.",
                if self.mode == Mode::Upsert {
                    "upsert"
                } else {
                    "retract"
                }
            )));
        }
        if self.mode == Mode::Append && self.value_format == Format::AvroDebezium {
            return Err(DialectError::unsupported(
                format!(
                    "'changelog.mode' = 'append' with 'avro-debezium-registry' of table {name}"
                ),
                "A change topic is read as changes: leave 'changelog.mode' out.",
            ));
        }
        if self.mode != Mode::Append
            && let Some(distribution) = table
                .distribution
                .as_ref()
                .filter(|distribution| !distribution.columns.is_empty())
        {
            let keys: BTreeSet<&String> = table.primary_key.iter().collect();
            let columns: BTreeSet<&String> = distribution.columns.iter().collect();
            if keys != columns {
                return Err(DialectError::invalid(format!(
                    "Table {name} is distributed by ({}) and has the primary key ({}). A record's key is both: name the same columns.",
                    distribution.columns.join(", "),
                    table.primary_key.join(", ")
                )));
            }
        }
        Ok(())
    }
}

const STARTUP_MODES: [&str; 5] = [
    "earliest-offset",
    "latest-offset",
    "group-offsets",
    "timestamp",
    "specific-offsets",
];
const BOUNDED_MODES: [&str; 4] = [
    "unbounded",
    "latest-offset",
    "timestamp",
    "specific-offsets",
];

const KNOWN: [&str; 22] = [
    "changelog.mode",
    "error-handling.mode",
    "kafka.cleanup-policy",
    "kafka.compaction.time",
    "kafka.consumer.isolation-level",
    "kafka.max-message-size",
    "kafka.message-timestamp-type",
    "kafka.producer.compression.type",
    "kafka.retention.size",
    "kafka.retention.time",
    "key.avro-registry.schema-context",
    "key.fields-prefix",
    "key.format",
    "scan.bounded.mode",
    "scan.bounded.specific-offsets",
    "scan.bounded.timestamp-millis",
    "scan.startup.mode",
    "scan.startup.specific-offsets",
    "scan.startup.timestamp-millis",
    "value.avro-registry.schema-context",
    "value.fields-include",
    "value.format",
];

/// The second of the pair whose first is the value.
pub(super) fn one_of<'a>(
    key: &str,
    value: &str,
    choices: &[(&str, &'a str)],
) -> Result<&'a str, DialectError> {
    choices
        .iter()
        .find(|(choice, _)| *choice == value)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| {
            not_one_of(
                key,
                value,
                &choices
                    .iter()
                    .map(|(choice, _)| *choice)
                    .collect::<Vec<_>>(),
            )
        })
}

/// The value, when it is in the list.
fn listed<'a>(key: &str, value: &'a str, choices: &[&str]) -> Result<&'a str, DialectError> {
    if choices.contains(&value) {
        Ok(value)
    } else {
        Err(not_one_of(key, value, choices))
    }
}

fn not_one_of(key: &str, value: &str, choices: &[&str]) -> DialectError {
    DialectError::invalid(format!(
        "The option '{key}' is '{value}'. Write one of: {}.",
        choices.join(", ")
    ))
}
