//! Confluent's wire format: a zero byte, the schema id (4 bytes, big endian), the Avro datum.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use apache_avro::{
    Schema, from_value, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::registry::{Registry, RegistryError};

const MAGIC: u8 = 0;
const HEADER_LEN: usize = 5;

/// Why bytes could not be made, or not be understood.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("the record does not fit its Avro schema: {0}")]
    Encode(#[source] Box<apache_avro::Error>),
    #[error("not in Confluent's wire format: {0} bytes, which is less than a schema id")]
    TooShort(usize),
    #[error("not in Confluent's wire format: starts with byte {0:#04x} instead of 0x00")]
    WrongMagic(u8),
    #[error("schema id {id} of the record is no usable Avro schema: {cause}")]
    BadSchema {
        id: u32,
        cause: Box<apache_avro::Error>,
    },
    #[error("the record (schema id {id}) does not have the expected shape: {cause}")]
    Decode {
        id: u32,
        cause: Box<apache_avro::Error>,
    },
    /// When transient, the same bytes may decode later.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl CodecError {
    /// Trying again can help: nothing is known to be wrong with the bytes.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Registry(error) if error.is_transient())
    }
}

/// Writes records of one subject. Make it once: preparing the schema costs more than a record.
pub struct Encoder {
    schema_id: u32,
    writer: GenericDatumWriter<'static>,
}

impl Encoder {
    /// `schema_id` is what the registry answered for `schema`.
    pub fn new(schema_id: u32, schema: &'static Schema) -> Result<Self, CodecError> {
        Ok(Self {
            schema_id,
            writer: GenericDatumWriter::builder(schema)
                .build()
                .map_err(encode_error)?,
        })
    }

    pub fn schema_id(&self) -> u32 {
        self.schema_id
    }

    /// The framed datum.
    pub fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(MAGIC);
        bytes.extend_from_slice(&self.schema_id.to_be_bytes());
        self.writer
            .write_ser(&mut bytes, value)
            .map_err(encode_error)?;
        Ok(bytes)
    }
}

fn encode_error(cause: apache_avro::Error) -> CodecError {
    CodecError::Encode(Box::new(cause))
}

/// Splits framed bytes into schema id and datum.
pub fn split(bytes: &[u8]) -> Result<(u32, &[u8]), CodecError> {
    let (header, datum) = bytes
        .split_first_chunk::<HEADER_LEN>()
        .ok_or(CodecError::TooShort(bytes.len()))?;
    let [magic, id @ ..] = *header;
    if magic == MAGIC {
        Ok((u32::from_be_bytes(id), datum))
    } else {
        Err(CodecError::WrongMagic(magic))
    }
}

/// Reads records whoever wrote them: by the writer's schema, resolved by field name to the reader's.
pub struct Decoder {
    registry: Registry,
    reader_schema: &'static Schema,
    readers: Mutex<HashMap<u32, Arc<GenericDatumReader<'static>>>>,
}

impl Decoder {
    pub fn new(registry: Registry, reader_schema: &'static Schema) -> Self {
        Self {
            registry,
            reader_schema,
            readers: Mutex::new(HashMap::new()),
        }
    }

    /// Asks the registry the first time a schema id is met, and never again.
    pub async fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CodecError> {
        let (id, mut datum) = split(bytes)?;
        let reader = self.reader(id).await?;
        let decode_error = |cause| CodecError::Decode {
            id,
            cause: Box::new(cause),
        };
        let value = reader.read_value(&mut datum).map_err(decode_error)?;
        from_value(&value).map_err(decode_error)
    }

    /// Whether the bytes are a record of the reader's schema, whatever is in it.
    pub async fn check(&self, bytes: &[u8]) -> Result<(), CodecError> {
        let (id, mut datum) = split(bytes)?;
        let read = self.reader(id).await?.read_value(&mut datum);
        read.map(drop).map_err(|cause| CodecError::Decode {
            id,
            cause: Box::new(cause),
        })
    }

    async fn reader(&self, id: u32) -> Result<Arc<GenericDatumReader<'static>>, CodecError> {
        if let Some(known) = self.lock().get(&id) {
            return Ok(Arc::clone(known));
        }
        let writer_schema = self.registry.schema_by_id(id).await?;
        let bad_schema = |cause| CodecError::BadSchema {
            id,
            cause: Box::new(cause),
        };
        let reader = GenericDatumReader::builder(writer_schema)
            .reader_schema(self.reader_schema)
            .build()
            .map(Arc::new)
            .map_err(bad_schema)?;
        self.lock().insert(id, Arc::clone(&reader));
        Ok(reader)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Arc<GenericDatumReader<'static>>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
