//! Avro datums as hexadecimal text, so that tests can show them.

use apache_avro::{
    Schema, from_value, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::Subject;

pub(crate) fn written<T: Serialize>(subject: &'static Subject, record: &T) -> String {
    hex(&written_by(subject.schema(), record))
}

pub(crate) fn written_by<T: Serialize>(schema: &Schema, record: &T) -> Vec<u8> {
    GenericDatumWriter::builder(schema)
        .build()
        .unwrap()
        .write_ser_to_vec(record)
        .unwrap()
}

/// Reads what was written with `writer` as the subject's schema.
pub(crate) fn read<T: DeserializeOwned>(
    writer: &Schema,
    reader: &'static Subject,
    datum: &str,
) -> T {
    let bytes: Vec<u8> = datum
        .split(' ')
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect();
    let value = GenericDatumReader::builder(writer)
        .reader_schema(reader.schema())
        .build()
        .unwrap()
        .read_value(&mut bytes.as_slice())
        .unwrap();
    from_value(&value).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
