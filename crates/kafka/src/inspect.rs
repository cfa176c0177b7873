//! Records that nobody can read: which they are, where, and what is wrong with them. Of what is in a record nothing is
//! told.

use std::{collections::BTreeMap, fmt, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use crate::{
    admin::{Admin, AdminError, Watermarks},
    codec::{CodecError, Decoder, split},
    config::KafkaConfig,
    consumer::{ConsumerError, ConsumerSettings, Topic, reader::Reader},
    record::Record,
    registry::{Registry, RegistryError},
};

const CLIENT_ID: &str = "hc-inspect";
/// How long Kafka may take to find offsets by time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a topic could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("there is no topic {0}")]
    NoTopic(String),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Key,
    Value,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

/// Why readers of a topic stumble over a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error(
        "its {0} is not in Confluent's wire format, a zero byte and a schema id before the data"
    )]
    NotFramed(Part),
    #[error("its {0} is of schema {1}, which the registry does not have")]
    UnknownSchema(Part, u32),
    #[error("its {0} does not fit schema {1}, or that does not fit the schema of the topic")]
    Misfit(Part, u32),
    #[error("it has no value, which means something in a compacted topic only")]
    NoValue,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub partition: i32,
    pub offset: i64,
    pub flaw: Flaw,
}

/// Looks at single records and through topics; cheap to clone.
#[derive(Clone)]
pub struct Inspector {
    config: KafkaConfig,
    admin: Admin,
    registry: Registry,
}

/// How the readers of one topic read: by the newest schemas of its subjects, where there are such.
pub struct Readers {
    key: Option<Decoder>,
    value: Option<Decoder>,
    takes_tombstones: bool,
}

impl Inspector {
    pub fn new(config: &KafkaConfig, admin: Admin, registry: Registry) -> Self {
        Self {
            config: config.clone(),
            admin,
            registry,
        }
    }

    /// How a topic is read. `takes_tombstones`: whether a record without a value means something to its readers.
    pub async fn readers(
        &self,
        topic: &str,
        takes_tombstones: bool,
    ) -> Result<Readers, RegistryError> {
        Ok(Readers {
            key: self.decoder(topic, Part::Key).await?,
            value: self.decoder(topic, Part::Value).await?,
            takes_tombstones,
        })
    }

    async fn decoder(&self, topic: &str, part: Part) -> Result<Option<Decoder>, RegistryError> {
        let Some(latest) = self.registry.latest(&format!("{topic}-{part}")).await? else {
            return Ok(None);
        };
        let schema = self.registry.schema_by_id(latest.id).await?;
        Ok(Some(Decoder::new(self.registry.clone(), schema)))
    }

    /// The record at an offset; `None` when there is none, as where compaction removed it.
    pub async fn record(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Option<Record>, InspectError> {
        let mut reader = self.read(topic, &[(partition, offset)].into()).await?;
        let found = loop {
            match reader.next().await {
                Ok(Some(batch)) => break Ok(batch.records.into_iter().next()),
                Ok(None) if reader.has_ended(partition) => break Ok(None),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        reader.close().await;
        Ok(found?.filter(|record| record.offset == offset))
    }

    /// The first records of a topic that cannot be read, `most` at the most, of those written since `since` (epoch
    /// milliseconds), or of all.
    pub async fn unreadable(
        &self,
        topic: &str,
        readers: &Readers,
        since: Option<i64>,
        most: usize,
    ) -> Result<Vec<Unreadable>, InspectError> {
        let marks = self.admin.watermarks(topic).await?;
        let marks = marks.ok_or_else(|| InspectError::NoTopic(topic.to_owned()))?;
        let starts = match since {
            Some(since) => self.offsets_since(topic, &marks, since).await?,
            None => marks.iter().map(|(&p, marks)| (p, marks.low)).collect(),
        };
        let mut reader = self.read(topic, &starts).await?;
        let found = search(&mut reader, readers, &marks, most).await;
        reader.close().await;
        found
    }

    async fn read(
        &self,
        topic: &str,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<Reader, InspectError> {
        let info = self.admin.topic(topic).await?;
        let info = info.ok_or_else(|| InspectError::NoTopic(topic.to_owned()))?;
        let topic = Topic {
            name: info.name,
            id: info.id,
            partitions: info.partitions,
        };
        let settings = ConsumerSettings::new(topic.name.clone(), CLIENT_ID);
        Ok(Reader::assign(&self.config, &settings, topic, offsets)?)
    }

    /// Where the records written since a moment begin; the end, where there are none.
    async fn offsets_since(
        &self,
        topic: &str,
        marks: &BTreeMap<i32, Watermarks>,
        since: i64,
    ) -> Result<BTreeMap<i32, i64>, InspectError> {
        let (config, topic) = (self.config.client(CLIENT_ID), topic.to_owned());
        let ends: BTreeMap<i32, i64> = marks.iter().map(|(&p, marks)| (p, marks.high)).collect();
        let what = format!("finding the offsets of {topic} by time");
        let ask = move || {
            let consumer: BaseConsumer = config.create()?;
            let mut times = TopicPartitionList::new();
            for &partition in ends.keys() {
                times.add_partition_offset(&topic, partition, Offset::Offset(since))?;
            }
            let found = consumer.offsets_for_times(times, REQUEST_TIMEOUT)?;
            Ok(ends
                .into_iter()
                .map(|(partition, end)| {
                    let at = found.find_partition(&topic, partition);
                    let at = at.and_then(|at| at.offset().to_raw());
                    (partition, at.filter(|at| *at >= 0).unwrap_or(end))
                })
                .collect())
        };
        let found = tokio::task::spawn_blocking(ask).await;
        let found = found.map_err(|_cancelled| AdminError::Stopping)?;
        Ok(found.map_err(|cause| AdminError::Request { what, cause })?)
    }
}

/// Reads until the ends that the partitions had.
async fn search(
    reader: &mut Reader,
    readers: &Readers,
    marks: &BTreeMap<i32, Watermarks>,
    most: usize,
) -> Result<Vec<Unreadable>, InspectError> {
    let mut found = Vec::new();
    let mut open: BTreeMap<i32, i64> = marks.iter().map(|(&p, marks)| (p, marks.high)).collect();
    while !open.is_empty() && !reader.caught_up() && found.len() < most {
        let Some(batch) = reader.next().await? else {
            continue;
        };
        for record in &batch.records {
            if let Some(flaw) = readers.flaw(record).await? {
                found.push(Unreadable {
                    partition: record.partition,
                    offset: record.offset,
                    flaw,
                });
            }
        }
        open.retain(|partition, end| {
            batch
                .next_offsets
                .get(partition)
                .is_none_or(|next| next < end)
        });
    }
    found.sort_unstable_by_key(|one| (one.partition, one.offset));
    found.truncate(most);
    Ok(found)
}

impl Readers {
    /// What is wrong with a record; `None` when it can be read.
    ///
    /// # Errors
    /// The registry does not answer.
    pub async fn flaw(&self, record: &Record) -> Result<Option<Flaw>, RegistryError> {
        let parts = [
            (Part::Key, &self.key, &record.key),
            (Part::Value, &self.value, &record.value),
        ];
        for (part, decoder, bytes) in parts {
            let Some(bytes) = bytes else {
                if part == Part::Value && !self.takes_tombstones {
                    return Ok(Some(Flaw::NoValue));
                }
                continue;
            };
            let Some(decoder) = decoder else { continue };
            if let Err(error) = decoder.check(bytes).await {
                return Ok(Some(flaw(part, bytes, error)?));
            }
        }
        Ok(None)
    }
}

fn flaw(part: Part, bytes: &[u8], error: CodecError) -> Result<Flaw, RegistryError> {
    let id = split(bytes).map(|(id, _)| id).unwrap_or_default();
    match error {
        CodecError::TooShort(_) | CodecError::WrongMagic(_) => Ok(Flaw::NotFramed(part)),
        CodecError::Registry(RegistryError::UnknownId { .. } | RegistryError::Unusable { .. })
        | CodecError::BadSchema { .. } => Ok(Flaw::UnknownSchema(part, id)),
        CodecError::Registry(error) => Err(error),
        CodecError::Decode { .. } | CodecError::Encode(_) => Ok(Flaw::Misfit(part, id)),
    }
}
