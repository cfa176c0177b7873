//! Records as they leave and arrive. Bytes are owned, so a record outlives the client's buffers.

use rdkafka::message::{Headers, Message, OwnedHeaders};

/// A record header; the value may be null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Option<Vec<u8>>,
}

impl Header {
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
        }
    }
}

/// A consumed record. A tombstone has no `value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Epoch milliseconds of the record (wall time of its writer or broker), when known.
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

impl Record {
    pub(crate) fn copy(message: &impl Message) -> Self {
        let headers = message.headers().map(|headers| {
            headers
                .iter()
                .map(|header| Header {
                    name: header.key.to_owned(),
                    value: header.value.map(<[u8]>::to_vec),
                })
                .collect()
        });
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }
}

/// A record to send. Without a partition the key decides (murmur2, as Java clients do).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: String,
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    /// `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
    /// Epoch milliseconds; wall time when absent.
    pub timestamp: Option<i64>,
}

impl Outgoing {
    pub fn new(topic: impl Into<String>, key: Vec<u8>, value: Vec<u8>) -> Self {
        Self {
            topic: topic.into(),
            key: Some(key),
            value: Some(value),
            ..Self::default()
        }
    }

    pub fn tombstone(topic: impl Into<String>, key: Vec<u8>) -> Self {
        Self {
            topic: topic.into(),
            key: Some(key),
            ..Self::default()
        }
    }
}

pub(crate) fn native_headers(headers: &[Header]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let native = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(native, |native, header| {
        native.insert(rdkafka::message::Header {
            key: &header.name,
            value: header.value.as_ref(),
        })
    }))
}
