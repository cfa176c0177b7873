//! May a schema replace its predecessor? Used by tests before a schema file changes.

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};

/// Backward compatibility: can a reader with `new` read what was written with `old`?
/// The error says which field or type stands in the way.
pub fn can_replace(old: &Schema, new: &Schema) -> Result<(), String> {
    SchemaCompatibility::can_read(old, new)
        .map(drop)
        .map_err(|cause| cause.to_string())
}
