use crate::parser::{SqlType, TypeRoot, parse_type};
use crate::{DataType, DialectError, Table, avro};

use super::options::{Format, Mode, TableOptions};
use super::{Connector, Subject};

/// How the columns of a table lie in the records of its topic.
pub(super) struct Layout {
    pub(super) connector: Connector,
    /// Fields of the record's key, by the names of their columns.
    pub(super) key_columns: Vec<String>,
    /// What the names of the key's columns have before those of its fields.
    pub(super) key_prefix: Option<String>,
    pub(super) key_format: Format,
    pub(super) value_format: Format,
    pub(super) value_includes_key: bool,
}

impl Layout {
    pub(super) fn of(table: &Table, options: &TableOptions) -> Result<Self, DialectError> {
        let connector = match options.mode {
            _ if options.value_format == Format::AvroDebezium => Connector::Debezium,
            Mode::Append => Connector::Kafka,
            Mode::Upsert | Mode::Retract => Connector::UpsertKafka,
        };
        let key_columns = match (connector, &table.distribution) {
            (Connector::UpsertKafka | Connector::Debezium, _) => table.primary_key.clone(),
            (Connector::Kafka, Some(distribution)) => distribution.columns.clone(),
            // Without DISTRIBUTED, a primary key is what Confluent distributes by.
            (Connector::Kafka, None) => table.primary_key.clone(),
        };
        let layout = Self {
            connector,
            key_columns,
            key_prefix: options.key_prefix.clone(),
            key_format: options.key_format,
            value_format: options.value_format,
            value_includes_key: options.value_includes_key,
        };
        layout.check(table)?;
        Ok(layout)
    }

    /// Whether Flink looks at the record's key. A change envelope repeats it.
    pub(super) fn reads_key(&self) -> bool {
        self.connector != Connector::Debezium && !self.key_columns.is_empty()
    }

    /// Whether a part of the record has a schema that Flink derives from the columns.
    pub(super) fn is_avro(&self) -> bool {
        matches!(self.value_format, Format::Avro | Format::AvroDebezium)
            || (self.reads_key() && self.key_format == Format::Avro)
    }

    /// The subjects that the table's writer registers.
    pub(super) fn subjects(&self, table: &Table) -> Result<Vec<Subject>, DialectError> {
        // Connect owns the subjects of a change topic.
        if self.connector == Connector::Debezium {
            return Ok(Vec::new());
        }
        let mut subjects = Vec::new();
        if self.reads_key() && self.key_format == Format::Avro {
            let key = self.key_fields(table);
            subjects.push(Subject {
                name: format!("{}-key", table.name),
                schema: avro::record_schema(key)?,
            });
        }
        if self.value_format == Format::Avro {
            subjects.push(Subject {
                name: format!("{}-value", table.name),
                schema: avro::record_schema(self.value_fields(table))?,
            });
        }
        Ok(subjects)
    }

    /// In the order of the key, which is not always that of the columns, and without the prefix of the columns.
    fn key_fields<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = (&'a str, &'a DataType)> {
        let prefix = self.key_prefix.as_deref().unwrap_or_default();
        self.key_columns.iter().filter_map(move |key| {
            let (name, data_type) = table.physical_columns().find(|(name, _)| name == key)?;
            Some((name.strip_prefix(prefix).unwrap_or(name), data_type))
        })
    }

    fn value_fields<'a>(
        &'a self,
        table: &'a Table,
    ) -> impl Iterator<Item = (&'a str, &'a DataType)> {
        table
            .physical_columns()
            .filter(|(name, _)| self.value_includes_key || !self.is_key(name))
    }

    fn is_key(&self, column: &str) -> bool {
        self.key_columns.iter().any(|key| key == column)
    }

    fn check(&self, table: &Table) -> Result<(), DialectError> {
        self.check_prefix(table)?;
        let single = |side: &str, fields: usize| {
            if fields == 1 {
                return Ok(());
            }
            Err(DialectError::invalid(format!(
                "'{side}.format' = 'raw' of table {} is one column as it stands in the record, and the {side} has {fields}. Write 'avro-registry'.",
                table.name
            )))
        };
        if self.value_format == Format::Json {
            for (name, data_type) in self.value_fields(table) {
                check_json(name, &parse_type(data_type)?)?;
            }
        }
        if self.reads_key() && self.key_format == Format::Raw {
            single("key", self.key_columns.len())?;
        }
        if self.value_format == Format::Raw {
            single("value", self.value_fields(table).count())?;
        }
        // The connector separates names by semicolons and knows no escape.
        if self.connector == Connector::Kafka
            && let Some(bad) = self.key_columns.iter().find(|name| name.contains(';'))
        {
            return Err(DialectError::unsupported(
                format!("The key column {bad} with a semicolon"),
                "Rename it.",
            ));
        }
        Ok(())
    }

    /// The prefix tells a field of the key from one of the value with the same name.
    fn check_prefix(&self, table: &Table) -> Result<(), DialectError> {
        let Some(prefix) = &self.key_prefix else {
            return Ok(());
        };
        let name = &table.name;
        if let Some(plain) = self
            .key_columns
            .iter()
            .find(|key| !key.starts_with(prefix.as_str()))
        {
            return Err(DialectError::invalid(format!(
                "Table {name} has 'key.fields-prefix' = '{prefix}' and the key column {plain}. Call it {prefix}{plain}, or leave the option out."
            )));
        }
        if self.value_includes_key {
            return Err(DialectError::invalid(format!(
                "Table {name} has 'key.fields-prefix' and 'value.fields-include' = 'all', which exclude each other. Write 'except-key'."
            )));
        }
        Ok(())
    }
}

/// JSON has objects, whose keys are strings.
fn check_json(column: &str, sql_type: &SqlType) -> Result<(), DialectError> {
    let is_string = |key: &SqlType| {
        matches!(
            key.root,
            TypeRoot::String | TypeRoot::Varchar(_) | TypeRoot::Char(_)
        )
    };
    match &sql_type.root {
        TypeRoot::Map(key, _) | TypeRoot::Multiset(key) if !is_string(key) => {
            Err(DialectError::unsupported(
                format!(
                    "The type {} of the column {column}, written as JSON,",
                    sql_type.to_data_type().sql
                ),
                "The keys of an object are strings.",
            ))
        }
        TypeRoot::Map(_, inner) | TypeRoot::Multiset(inner) | TypeRoot::Array(inner) => {
            check_json(column, inner)
        }
        TypeRoot::Row(fields) => fields
            .iter()
            .try_for_each(|(name, field)| check_json(name, field)),
        _ => Ok(()),
    }
}
