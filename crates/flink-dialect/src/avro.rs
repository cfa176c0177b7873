//! SQL types as Avro, as the `avro-confluent` format of Flink 2.2 maps them.

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
