use serde_json::Value;

use crate::{DialectError, Table};

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
    let _ = (topic, key_schema, value_schema, partitions);
    Err(DialectError::unsupported(
        "An external topic",
        "It comes next.",
    ))
}
