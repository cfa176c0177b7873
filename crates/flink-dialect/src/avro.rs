//! SQL types as Avro and back, as the `avro-confluent` format of Flink 2.2 maps them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::parser::{SqlType, TypeRoot, parse_type};
use crate::{DataType, DialectError};

/// Flink names every record that it derives from a row type like this; a row in the column `c` is `record_c`.
const NAMESPACE: &str = "org.apache.flink.avro.generated";
const RECORD: &str = "record";

/// The schema that Flink's writer derives from a row, in the very text that it registers: a registry takes another
/// order of the attributes for another version.
///
/// # Errors
/// A name or type that the format cannot write, with the column's name.
pub fn record_schema<'a>(
    columns: impl IntoIterator<Item = (&'a str, &'a DataType)>,
) -> Result<String, DialectError> {
    let fields = columns
        .into_iter()
        .map(|(name, data_type)| Ok((name.to_owned(), parse_type(data_type)?)))
        .collect::<Result<Vec<_>, DialectError>>()?;
    let fields = record_fields(&fields, RECORD)?;
    Ok(format!(
        r#"{{"type":"record","name":"{RECORD}","namespace":"{NAMESPACE}","fields":[{fields}]}}"#
    ))
}

fn record_fields(fields: &[(String, SqlType)], record: &str) -> Result<String, DialectError> {
    let fields = fields
        .iter()
        .map(|(name, field)| {
            check_name(name)?;
            let schema = to_avro(field, &format!("{record}_{name}"))
                .map_err(|refusal| unwritable(name, refusal))?;
            let default = if field.nullable {
                r#","default":null"#
            } else {
                ""
            };
            Ok(format!(r#"{{"name":"{name}","type":{schema}{default}}}"#))
        })
        .collect::<Result<Vec<_>, DialectError>>()?;
    Ok(fields.join(","))
}

fn unwritable(column: &str, refusal: Refusal) -> DialectError {
    match refusal {
        Refusal::Nested(error) => error,
        Refusal::Type(sql, advice) => DialectError::unsupported(
            format!("The type {sql} of the column {column}, written as Avro,"),
            advice,
        ),
    }
}

/// Fields of Avro records are named like variables.
fn check_name(name: &str) -> Result<(), DialectError> {
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if valid {
        return Ok(());
    }
    Err(DialectError::unsupported(
        format!("The column name `{name}`, written as Avro,"),
        "Use letters, digits and underscores, and no digit first.",
    ))
}

enum Refusal {
    Type(String, &'static str),
    Nested(DialectError),
}

fn to_avro(sql_type: &SqlType, record: &str) -> Result<String, Refusal> {
    let refused = |advice| Refusal::Type(sql_type.to_data_type().sql, advice);
    let logical = |root: &str, name: &str| format!(r#"{{"type":"{root}","logicalType":"{name}"}}"#);
    let schema = match &sql_type.root {
        TypeRoot::Char(_) | TypeRoot::Varchar(_) | TypeRoot::String => r#""string""#.to_owned(),
        TypeRoot::Boolean => r#""boolean""#.to_owned(),
        TypeRoot::Binary(_) | TypeRoot::Varbinary(_) | TypeRoot::Bytes => r#""bytes""#.to_owned(),
        TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int => r#""int""#.to_owned(),
        TypeRoot::BigInt => r#""long""#.to_owned(),
        TypeRoot::Float => r#""float""#.to_owned(),
        TypeRoot::Double => r#""double""#.to_owned(),
        TypeRoot::Decimal(precision, scale) => {
            format!(
                r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":{scale}}}"#
            )
        }
        TypeRoot::Date => logical("int", "date"),
        TypeRoot::Time(precision) if *precision <= 3 => logical("int", "time-millis"),
        // The zone is UTC by the session's setting, so that both kinds are the same milliseconds.
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) if *precision <= 3 => {
            logical("long", "timestamp-millis")
        }
        TypeRoot::Array(element) => format!(
            r#"{{"type":"array","items":{}}}"#,
            to_avro(element, record)?
        ),
        TypeRoot::Map(key, value)
            if matches!(
                key.root,
                TypeRoot::String | TypeRoot::Varchar(_) | TypeRoot::Char(_)
            ) =>
        {
            format!(r#"{{"type":"map","values":{}}}"#, to_avro(value, record)?)
        }
        TypeRoot::Row(fields) => {
            let fields = record_fields(fields, record).map_err(Refusal::Nested)?;
            format!(r#"{{"type":"record","name":"{record}","fields":[{fields}]}}"#)
        }
        TypeRoot::Time(_) | TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => {
            return Err(refused(
                "The precision is at most 3; epoch milliseconds in a BIGINT always work.",
            ));
        }
        TypeRoot::Map(..) => return Err(refused("The keys of an Avro map are strings.")),
        TypeRoot::Multiset(_) => return Err(refused("Use an ARRAY.")),
    };
    Ok(if sql_type.nullable {
        format!(r#"["null",{schema}]"#)
    } else {
        schema
    })
}

/// Reads the types of Avro schemas, remembering the named ones: a schema spells each out once and then refers to it.
#[derive(Default)]
pub(crate) struct AvroReader<'a> {
    named: BTreeMap<String, &'a Value>,
}

impl<'a> AvroReader<'a> {
    /// Name and type of each field of a record (or of a nullable record).
    pub(crate) fn fields(
        &mut self,
        schema: &'a Value,
        what: &str,
    ) -> Result<Vec<(String, SqlType)>, DialectError> {
        match self.read(schema, what, 0)?.root {
            TypeRoot::Row(fields) => Ok(fields),
            other => Err(DialectError::invalid(format!(
                "{what} is of type {}, not an Avro record. Tables need a record.",
                SqlType::new(other, false).to_data_type().sql
            ))),
        }
    }

    fn read(&mut self, schema: &'a Value, what: &str, depth: u32) -> Result<SqlType, DialectError> {
        if depth > 32 {
            return Err(DialectError::unsupported(
                format!("The recursive Avro type of {what}"),
                "A column cannot contain itself.",
            ));
        }
        match schema {
            Value::Array(branches) => self.read_union(branches, what, depth),
            Value::String(name) => self.read_name(name, what, depth),
            Value::Object(_) => self.read_object(schema, what, depth),
            _ => Err(DialectError::invalid(format!(
                "The schema of {what} is not an Avro schema."
            ))),
        }
    }

    /// Only `["null", T]` and `[T]` are types of SQL.
    fn read_union(
        &mut self,
        branches: &'a [Value],
        what: &str,
        depth: u32,
    ) -> Result<SqlType, DialectError> {
        let mut others = branches.iter().filter(|branch| *branch != "null");
        match (others.next(), others.next()) {
            (Some(only), None) => {
                let mut read = self.read(only, what, depth + 1)?;
                read.nullable |= branches.len() > 1;
                Ok(read)
            }
            _ => Err(DialectError::unsupported(
                format!("The Avro union of {what}"),
                "A column has one type, or one type and null.",
            )),
        }
    }

    fn read_name(&mut self, name: &str, what: &str, depth: u32) -> Result<SqlType, DialectError> {
        let root = match name {
            "string" => TypeRoot::String,
            "boolean" => TypeRoot::Boolean,
            "int" => TypeRoot::Int,
            "long" => TypeRoot::BigInt,
            "float" => TypeRoot::Float,
            "double" => TypeRoot::Double,
            "bytes" => TypeRoot::Bytes,
            other => match self
                .named
                .get(other.rsplit('.').next().unwrap_or(other))
                .copied()
            {
                Some(definition) => return self.read(definition, what, depth + 1),
                None => {
                    return Err(DialectError::unsupported(
                        format!("The Avro type {other} of {what}"),
                        "Use a primitive type, an array, a map or a record.",
                    ));
                }
            },
        };
        Ok(SqlType::new(root, false))
    }

    fn read_object(
        &mut self,
        schema: &'a Value,
        what: &str,
        depth: u32,
    ) -> Result<SqlType, DialectError> {
        let Some(Value::String(kind)) = schema.get("type") else {
            // {"type": {"type": "string", ...}}: attributes around a schema.
            return match schema.get("type") {
                Some(inner) => self.read(inner, what, depth + 1),
                None => Err(DialectError::invalid(format!(
                    "The schema of {what} has no type."
                ))),
            };
        };
        let member = |key: &str| {
            schema.get(key).ok_or_else(|| {
                DialectError::invalid(format!("The Avro {kind} of {what} has no {key}."))
            })
        };
        let root = match (
            kind.as_str(),
            schema.get("logicalType").and_then(Value::as_str),
        ) {
            ("record", _) => {
                if let Some(name) = schema.get("name").and_then(Value::as_str) {
                    self.named
                        .insert(name.rsplit('.').next().unwrap_or(name).to_owned(), schema);
                }
                TypeRoot::Row(self.read_fields(member("fields")?, what, depth)?)
            }
            ("array", _) => {
                TypeRoot::Array(Box::new(self.read(member("items")?, what, depth + 1)?))
            }
            ("map", _) => {
                let value = self.read(member("values")?, what, depth + 1)?;
                TypeRoot::Map(
                    Box::new(SqlType::new(TypeRoot::String, false)),
                    Box::new(value),
                )
            }
            ("bytes", Some("decimal")) => {
                let number = |key: &str| {
                    schema
                        .get(key)
                        .and_then(Value::as_u64)
                        .and_then(|n| u32::try_from(n).ok())
                };
                TypeRoot::Decimal(
                    number("precision").unwrap_or(10),
                    number("scale").unwrap_or(0),
                )
            }
            ("int", Some("date")) => TypeRoot::Date,
            ("int", Some("time-millis")) => TypeRoot::Time(3),
            ("long", Some("timestamp-millis")) => TypeRoot::Timestamp(3),
            // Other logical types keep the plain number or text, which the format reads as such.
            _ => return self.read_name(kind, what, depth),
        };
        Ok(SqlType::new(root, false))
    }

    fn read_fields(
        &mut self,
        fields: &'a Value,
        what: &str,
        depth: u32,
    ) -> Result<Vec<(String, SqlType)>, DialectError> {
        let fields = fields.as_array().ok_or_else(|| {
            DialectError::invalid(format!(
                "The fields of the Avro record of {what} are not a list."
            ))
        })?;
        fields
            .iter()
            .map(|field| {
                let name = field.get("name").and_then(Value::as_str).ok_or_else(|| {
                    DialectError::invalid(format!(
                        "A field of the Avro record of {what} has no name."
                    ))
                })?;
                let of_field = format!("the field {name} of {what}");
                let schema = field.get("type").ok_or_else(|| {
                    DialectError::invalid(format!("The schema of {of_field} has no type."))
                })?;
                Ok((name.to_owned(), self.read(schema, &of_field, depth + 1)?))
            })
            .collect()
    }
}
