//! Avro as SQL types, as the `avro-confluent` format of Flink 2.2 maps them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::DialectError;
use crate::parser::{SqlType, TypeRoot, decimal};

/// Types nest deeper only when they contain themselves.
const MAX_DEPTH: u32 = 32;
/// References can make a short schema stand for more types than anybody could list.
const MAX_TYPES: u32 = 10_000;

/// Reads the types of one Avro schema, remembering the named ones: a schema spells each out once and then refers to it.
#[derive(Default)]
pub(crate) struct AvroReader<'a> {
    /// By full name: the definition, and the namespace inside of it.
    named: BTreeMap<String, (&'a Value, String)>,
    read: u32,
}

/// Where in a schema a type stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// For messages: `the field a of the value of topic t`.
    what: &'p str,
    namespace: &'p str,
    depth: u32,
}

impl Place<'_> {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    fn unsupported(self, avro: &str, advice: &str) -> DialectError {
        DialectError::unsupported(format!("The {avro} of {}", self.what), advice)
    }

    fn invalid(self, wrong: &str) -> DialectError {
        DialectError::invalid(format!("The schema of {} {wrong}.", self.what))
    }
}

impl<'a> AvroReader<'a> {
    /// Name and type of each field of a record (or of a nullable record).
    pub(crate) fn fields(
        &mut self,
        schema: &'a Value,
        what: &str,
    ) -> Result<Vec<(String, SqlType)>, DialectError> {
        let place = Place {
            what,
            namespace: "",
            depth: 0,
        };
        match self.read(schema, place)?.root {
            TypeRoot::Row(fields) => Ok(fields),
            other => Err(DialectError::invalid(format!(
                "{what} is of type {}, not an Avro record. Tables need a record.",
                SqlType::new(other, false).to_data_type().sql
            ))),
        }
    }

    fn read(&mut self, schema: &'a Value, place: Place<'_>) -> Result<SqlType, DialectError> {
        self.read += 1;
        if place.depth > MAX_DEPTH {
            return Err(place.unsupported("recursive Avro type", "A column cannot contain itself."));
        }
        if self.read > MAX_TYPES {
            return Err(place.unsupported(
                &format!("Avro schema with more than {MAX_TYPES} types, at that"),
                "Its types refer to each other too often: use fewer, or flatter ones.",
            ));
        }
        match schema {
            Value::Array(branches) => self.read_union(branches, place),
            Value::String(name) => self.read_name(name, place),
            Value::Object(_) => self.read_object(schema, place),
            _ => Err(place.invalid("is not an Avro schema")),
        }
    }

    /// Only `["null", T]` and `[T]` are types of SQL.
    fn read_union(
        &mut self,
        branches: &'a [Value],
        place: Place<'_>,
    ) -> Result<SqlType, DialectError> {
        let mut others = branches.iter().filter(|branch| *branch != "null");
        match (others.next(), others.next()) {
            (Some(only), None) => {
                let mut read = self.read(only, place.deeper())?;
                read.nullable |= branches.len() > 1;
                Ok(read)
            }
            _ => {
                Err(place.unsupported("Avro union", "A column has one type, or one type and null."))
            }
        }
    }

    fn read_name(&mut self, name: &str, place: Place<'_>) -> Result<SqlType, DialectError> {
        let root = match name {
            "string" => TypeRoot::String,
            "boolean" => TypeRoot::Boolean,
            "int" => TypeRoot::Int,
            "long" => TypeRoot::BigInt,
            "float" => TypeRoot::Float,
            "double" => TypeRoot::Double,
            "bytes" => TypeRoot::Bytes,
            "enum" => {
                return Err(place.unsupported(
                    "Avro enum",
                    "Flink would read a string, which an enum is not to Avro: make the field a string.",
                ));
            }
            "fixed" => {
                return Err(place.unsupported(
                    "Avro fixed",
                    "Flink would read bytes, which a fixed is not to Avro: make the field bytes.",
                ));
            }
            other => return self.read_reference(other, place),
        };
        Ok(SqlType::new(root, false))
    }

    /// A short name is one of the namespace around it, else one without namespace.
    fn read_reference(&mut self, name: &str, place: Place<'_>) -> Result<SqlType, DialectError> {
        let found = [full_name(name, place.namespace), name.to_owned()]
            .iter()
            .find_map(|full| self.named.get(full).cloned());
        let Some((definition, namespace)) = found else {
            return Err(place.unsupported(
                &format!("Avro type {name}"),
                "Use a primitive type, an array, a map or a record.",
            ));
        };
        let inside = Place {
            namespace: &namespace,
            ..place
        };
        self.read(definition, inside.deeper())
    }

    fn read_object(
        &mut self,
        schema: &'a Value,
        place: Place<'_>,
    ) -> Result<SqlType, DialectError> {
        let Some(Value::String(kind)) = schema.get("type") else {
            // {"type": {"type": "string", ...}}: attributes around a schema.
            return match schema.get("type") {
                Some(inner) => self.read(inner, place.deeper()),
                None => Err(place.invalid("has no type")),
            };
        };
        let member = |key: &str| {
            schema
                .get(key)
                .ok_or_else(|| place.invalid(&format!("is an Avro {kind} and has no {key}")))
        };
        let logical = schema.get("logicalType").and_then(Value::as_str);
        let root = match (kind.as_str(), logical) {
            ("record" | "error", _) => {
                let namespace = self.remember(schema, place.namespace);
                let inside = Place {
                    namespace: &namespace,
                    ..place
                };
                TypeRoot::Row(self.read_fields(member("fields")?, inside)?)
            }
            ("array", _) => TypeRoot::Array(Box::new(self.read(member("items")?, place.deeper())?)),
            ("map", _) => {
                let value = self.read(member("values")?, place.deeper())?;
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
                let (precision, scale) = (number("precision"), number("scale").unwrap_or(0));
                decimal(precision.unwrap_or(0), scale).map_err(|_| {
                    place.unsupported(
                        "Avro decimal",
                        "Flink's have a precision of 1 to 38 and a scale of at most that.",
                    )
                })?
            }
            ("int", Some("date")) => TypeRoot::Date,
            ("int", Some("time-millis")) => TypeRoot::Time(3),
            ("long", Some("timestamp-millis")) => TypeRoot::Timestamp(3),
            // Other logical types keep the plain number or text, which the format reads as such.
            _ => return self.read_name(kind, place),
        };
        Ok(SqlType::new(root, false))
    }

    /// Remembers a named type; returns the namespace inside of it.
    fn remember(&mut self, schema: &'a Value, around: &str) -> String {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        let full = full_name(name, text("namespace").unwrap_or(around));
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let namespace = namespace.to_owned();
        self.named.insert(full, (schema, namespace.clone()));
        namespace
    }

    fn read_fields(
        &mut self,
        fields: &'a Value,
        place: Place<'_>,
    ) -> Result<Vec<(String, SqlType)>, DialectError> {
        let fields = fields
            .as_array()
            .ok_or_else(|| place.invalid("has fields that are not a list"))?;
        if fields.is_empty() {
            return Err(place.unsupported("Avro record without fields", "Give it at least one."));
        }
        let mut names = BTreeSet::new();
        let mut twice = |name| !names.insert(name);
        fields
            .iter()
            .map(|field| {
                let name = field
                    .get("name")
                    .and_then(Value::as_str)
                    .filter(|name| !name.is_empty())
                    .ok_or_else(|| place.invalid("has a field without name"))?;
                if twice(name) {
                    return Err(place.invalid(&format!("has two fields {name}")));
                }
                let what = format!("the field {name} of {}", place.what);
                let of_field = Place {
                    what: &what,
                    ..place
                };
                let schema = field
                    .get("type")
                    .ok_or_else(|| of_field.invalid("has no type"))?;
                Ok((name.to_owned(), self.read(schema, of_field.deeper())?))
            })
            .collect()
    }
}

/// A name with a dot is full already.
fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}
