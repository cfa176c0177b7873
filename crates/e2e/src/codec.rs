//! Rows as JSON objects, and their records by the schemas of the registry.

use anyhow::{Context, Result, bail, ensure};
use apache_avro::Schema;
use apache_avro::schema::{RecordSchema, ResolvedSchema};
use hc_kafka::{Decoder, Encoder, Registry};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Column to value.
pub type Row = Map<String, Value>;

/// Key and value of a record; a tombstone has no value.
pub(crate) type Bytes = (Vec<u8>, Option<Vec<u8>>);

/// What becomes of a row.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is there now, as a new one or instead of the one with its key.
    Put(Row),
    /// The row with this key is gone.
    Delete(Row),
}

/// One subject of a topic.
pub(crate) struct Codec {
    schema: &'static Schema,
    /// Named types of the schema, by their name.
    names: ResolvedSchema<'static>,
    encoder: Encoder,
    decoder: Decoder,
}

/// A value of a type of Avro. A JSON number would not say which.
enum Datum {
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    String(String),
    Array(Vec<Datum>),
    Record(Vec<(String, Datum)>),
}

impl Codec {
    /// For the newest version of a subject.
    pub(crate) async fn of(registry: &Registry, subject: &str) -> Result<Self> {
        let registered = registry
            .latest(subject)
            .await?
            .with_context(|| format!("there is no subject {subject}"))?;
        let schema = registry.schema_by_id(registered.id).await?;
        Ok(Self {
            schema,
            names: ResolvedSchema::try_from(schema)?,
            encoder: Encoder::new(registered.id, schema)?,
            decoder: Decoder::new(registry.clone(), schema),
        })
    }

    /// Columns of the record.
    pub(crate) fn columns(&self) -> Result<Vec<&'static str>> {
        columns(self.schema)
    }

    /// Columns of a nullable field that is a record: `after` of a change envelope.
    pub(crate) fn nested(&self, field: &str) -> Result<Vec<&'static str>> {
        let Schema::Record(record) = self.schema else {
            bail!("a record was expected");
        };
        let found = record.fields.iter().find(|known| known.name == field);
        let Some(Schema::Union(union)) = found.map(|found| &found.schema) else {
            bail!("there is no nullable field {field}");
        };
        let nested = union
            .variants()
            .iter()
            .find_map(|variant| columns(variant).ok());
        nested.with_context(|| format!("{field} is no record"))
    }

    /// The framed record of these columns; others of the row are left alone.
    pub(crate) fn encode(&self, row: &Row) -> Result<Vec<u8>> {
        let Schema::Record(schema) = self.schema else {
            bail!("a record was expected");
        };
        Ok(self.encoder.encode(&self.record(schema, row)?)?)
    }

    pub(crate) async fn decode(&self, bytes: &[u8]) -> Result<Row> {
        Ok(self.decoder.decode(bytes).await?)
    }

    /// An absent column is null or has its default.
    fn record(&self, schema: &RecordSchema, row: &Row) -> Result<Datum> {
        let mut fields = Vec::new();
        for field in &schema.fields {
            let given = row.get(&field.name).or(field.default.as_ref());
            let datum = match given {
                Some(value) => self
                    .datum(&field.schema, value)
                    .with_context(|| format!("column {}", field.name))?,
                None => self
                    .datum(&field.schema, &Value::Null)
                    .with_context(|| format!("column {} is missing", field.name))?,
            };
            fields.push((field.name.clone(), datum));
        }
        Ok(Datum::Record(fields))
    }

    fn datum(&self, schema: &Schema, value: &Value) -> Result<Datum> {
        let datum = match (schema, value) {
            (Schema::Union(union), _) => {
                let mut variants = union.variants().iter();
                return variants
                    .find_map(|variant| self.datum(variant, value).ok())
                    .with_context(|| format!("{value} does not fit"));
            }
            (Schema::Ref { name }, _) => {
                let named = self.names.get_names().get(name);
                return self.datum(named.with_context(|| format!("no type {name}"))?, value);
            }
            (Schema::Array(array), Value::Array(items)) => {
                let items = items.iter().map(|item| self.datum(&array.items, item));
                return Ok(Datum::Array(items.collect::<Result<_>>()?));
            }
            (Schema::Record(record), Value::Object(row)) => return self.record(record, row),
            (Schema::Null, Value::Null) => Some(Datum::Null),
            (Schema::Boolean, Value::Bool(value)) => Some(Datum::Boolean(*value)),
            (Schema::String, Value::String(text)) => Some(Datum::String(text.clone())),
            (Schema::Int, value) => value
                .as_i64()
                .and_then(|number| i32::try_from(number).ok())
                .map(Datum::Int),
            (Schema::Long, value) => value.as_i64().map(Datum::Long),
            // JSON has no NaN and no infinities; `NaN`, `inf` and `-inf` are text.
            (Schema::Double, Value::String(text)) => text.parse().ok().map(Datum::Double),
            (Schema::Double, value) => value.as_f64().map(Datum::Double),
            _ => None,
        };
        datum.with_context(|| format!("{value} does not fit"))
    }
}

impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i32(*value),
            Self::Long(value) => serializer.serialize_i64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Record(fields) => {
                serializer.collect_map(fields.iter().map(|(name, datum)| (name, datum)))
            }
        }
    }
}

fn columns(schema: &'static Schema) -> Result<Vec<&'static str>> {
    match schema {
        Schema::Record(record) => Ok(record
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect()),
        _ => bail!("a record was expected"),
    }
}

/// A misspelt column must not be taken for one that is left out.
pub(crate) fn check_columns(row: &Row, known: &[&str]) -> Result<()> {
    let unknown: Vec<&String> = row
        .keys()
        .filter(|column| !known.contains(&column.as_str()))
        .collect();
    ensure!(
        unknown.is_empty(),
        "there is no column {unknown:?}; there are {known:?}"
    );
    Ok(())
}
