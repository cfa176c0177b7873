//! `hc-api topics unreadable` and `hc-api topics skip`: a record that cannot be read stops every job that reads its topic,
//! for good. Somebody has to find it and to pass it, knowing what goes with it.

use std::fmt;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use hc_kafka::{AdminError, Flaw, Record, Watermarks};

use crate::{config::SkipArgs, kafka::Kafka};

/// The records of a topic that cannot be read, a line for each.
///
/// # Errors
/// When there is no such topic, or Kafka or the registry does not answer.
pub async fn list(kafka: &Kafka, topic: &str, most: usize) -> anyhow::Result<String> {
    let readers = kafka.readers(topic).await?;
    let inspector = kafka.inspector();
    let found = inspector.unreadable(topic, &readers, None, most).await?;
    if found.is_empty() {
        return Ok(format!("Every record of {topic} can be read"));
    }
    let lines = found
        .iter()
        .map(|one| format!("{topic} {} {}: {}", one.partition, one.offset, one.flaw));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// A record and what goes with it when it is passed.
#[derive(Debug)]
pub struct Survey {
    topic: String,
    partition: i32,
    marks: Watermarks,
    record: Record,
    flaw: Option<Flaw>,
}

impl Survey {
    /// Looks at the record.
    ///
    /// # Errors
    /// When there is no such record, or Kafka or the registry does not answer.
    pub async fn new(kafka: &Kafka, args: &SkipArgs) -> anyhow::Result<Self> {
        let SkipArgs {
            topic,
            partition,
            offset,
            ..
        } = args;
        let marks = kafka.admin.watermarks(topic).await?;
        let marks = marks.with_context(|| format!("there is no topic {topic}"))?;
        let Some(marks) = marks.get(partition).copied() else {
            bail!("{topic} has the partitions 0 to {}", marks.len() - 1);
        };
        if !(marks.low..marks.high).contains(offset) {
            let Watermarks { low, high } = marks;
            let held = match high - low {
                0 => format!("holds no record; the next one gets offset {high}"),
                _ => format!("has the offsets {low} to {}", high - 1),
            };
            bail!("offset {offset} is outside of partition {partition} of {topic}, which {held}");
        }
        let record = kafka.inspector().record(topic, *partition, *offset).await?;
        let record = record.with_context(|| {
            format!("there is no record at offset {offset} any more: compaction removed it, or it is a mark of a transaction")
        })?;
        Ok(Self {
            flaw: kafka.readers(topic).await?.flaw(&record).await?,
            topic: topic.clone(),
            partition: *partition,
            marks,
            record,
        })
    }

    /// Whether the record may be deleted.
    ///
    /// # Errors
    /// When it can be read and nobody insists.
    pub fn permit(&self, force: bool) -> anyhow::Result<()> {
        if self.flaw.is_none() && !force {
            bail!(
                "nothing was deleted: the record can be read, so that no job stops at it. `topics unreadable {}` lists \
                 those that cannot; --force deletes all the same",
                self.topic
            );
        }
        Ok(())
    }

    /// Deletes the record and those before it, and says what happens now.
    ///
    /// # Errors
    /// When Kafka refuses.
    pub async fn delete(&self, kafka: &Kafka) -> anyhow::Result<String> {
        let next = self.record.offset + 1;
        let deleted = kafka.admin.delete_before(&self.topic, self.partition, next);
        match deleted.await {
            Ok(low) => Ok(format!(
                "Deleted: partition {} begins with offset {low} now.\n\
                 Flink starts the jobs again by itself, from their newest checkpoints and within 10 seconds at the most; \
                 GET /pipeline/status shows them RUNNING, or the next record that cannot be read.",
                self.partition
            )),
            Err(error @ AdminError::OnlyCompacted { .. }) => bail!(
                "{error}. Set its cleanup.policy to compact,delete for the moment, and try again"
            ),
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            partition,
            marks: Watermarks { low, high },
            record,
            flaw,
        } = self;
        let offset = record.offset;
        let size = |bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => format!("{} bytes", bytes.len()),
            None => "none".to_owned(),
        };
        writeln!(
            f,
            "{topic}, partition {partition}: first offset {low}, end offset {high}"
        )?;
        writeln!(
            f,
            "The record at {offset}: key {}, value {}, of {}; {}",
            size(&record.key),
            size(&record.value),
            written(record.timestamp),
            match flaw {
                Some(flaw) => format!("it cannot be read: {flaw}"),
                None => "it can be read".to_owned(),
            }
        )?;
        write!(
            f,
            "
Passing it deletes it and every earlier record of the partition, {} at most: Kafka deletes from the beginning only.
  - Nobody will read them again: what is behind or stopped misses what it has not read, and whatever begins anew (a new or
    changed statement, a job without its checkpoints) does not see them at all.
  - What was concluded from them stays: verdicts, facts, projections, and copies that were made, such as those in the lake.
  - The jobs that fail at it go on by themselves with what follows.
",
            offset + 1 - low
        )
    }
}

fn written(timestamp: Option<i64>) -> String {
    let time = timestamp.and_then(DateTime::<Utc>::from_timestamp_millis);
    time.map_or_else(
        || "unknown time".to_owned(),
        |time| time.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}
