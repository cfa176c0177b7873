//! Where the story stands according to the topic of readings.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use hc_contracts::{DeviceMetricKey, DeviceMetricValue, subject, topics};
use hc_domain::{DeviceId, EpochMillis, Metric, Reading};
use hc_kafka::{
    Batch, CodecError, ConsumerLoop, ConsumerSettings, Decoder, Handler, HandlerError, Outcome,
    Position, Record, ResetReason, Topic,
};
use hc_simulator::{LATE_ROUNDS, story_time};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::kafka::Kafka;

/// Longest time for reading the last records of each partition.
const LIMIT: Duration = Duration::from_secs(5);
/// Rounds that may be incomplete after a crash: the last one, and those of a device whose readings come late.
const RECENT: usize = LATE_ROUNDS + 2;

/// The last readings of each partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// By story time, which is that of the device's clock unless it is wrong.
    seen: BTreeMap<EpochMillis, BTreeSet<(DeviceId, Metric)>>,
    /// Rounds until this one may be cut off by where reading began.
    cut: Option<EpochMillis>,
}

/// The readings that devices lack, round by round.
pub(super) type Lacking = BTreeMap<EpochMillis, BTreeSet<(DeviceId, Metric)>>;

impl Tail {
    /// The time of the latest round; `None` when there is no reading.
    pub(super) fn story_time(&self) -> Option<EpochMillis> {
        self.seen.last_key_value().map(|(&ts, _)| ts)
    }

    /// Whether the topic has this reading.
    pub(super) fn holds(&self, reading: &Reading) -> bool {
        self.seen
            .get(&story_time(reading.ts))
            .is_some_and(|seen| seen.contains(&(reading.device_id.clone(), reading.metric)))
    }

    /// What the devices that reported in the last rounds have not reported in them. `begun` is a round that may have
    /// been begun without a single reading having arrived.
    pub(super) fn lacking(&self, begun: Option<EpochMillis>) -> Lacking {
        let nobody = BTreeSet::new();
        let mut rounds: Vec<_> = self
            .seen
            .iter()
            .filter(|(ts, _)| self.cut.is_none_or(|cut| **ts > cut))
            .map(|(&ts, seen)| (ts, seen))
            .rev()
            .take(RECENT)
            .collect();
        rounds.reverse();
        if let Some(begun) = begun.filter(|begun| self.story_time() < Some(*begun)) {
            rounds.push((begun, &nobody));
        }
        let mut reporting = BTreeSet::new();
        let mut lacking = Lacking::new();
        for (ts, seen) in rounds {
            reporting.extend(seen.iter().map(|(device, _)| device));
            let expected = reporting.iter().flat_map(|&device| {
                Metric::ALL
                    .into_iter()
                    .map(move |metric| (device.clone(), metric))
            });
            let missing: BTreeSet<_> = expected.filter(|one| !seen.contains(one)).collect();
            if !missing.is_empty() {
                lacking.insert(ts, missing);
            }
        }
        lacking
    }

    fn add(&mut self, ts: EpochMillis, device: DeviceId, metric: Metric) {
        self.seen
            .entry(story_time(ts))
            .or_default()
            .insert((device, metric));
    }
}

/// Reads the last readings, enough for the last rounds of so many devices.
///
/// # Errors
/// When Kafka or the registry does not answer.
pub(super) async fn read(kafka: &Kafka, devices: usize) -> anyhow::Result<Tail> {
    let name = kafka.name(topics::RAW_METRICS);
    let Some(topic) = kafka.admin.topic(&name).await? else {
        return Ok(Tail::default());
    };
    let Some(watermarks) = kafka.admin.watermarks(&name).await? else {
        return Ok(Tail::default());
    };
    let ends: BTreeMap<i32, i64> = watermarks
        .iter()
        .filter(|(_, marks)| marks.low < marks.high)
        .map(|(&partition, marks)| (partition, marks.high))
        .collect();
    if ends.is_empty() {
        return Ok(Tail::default());
    }
    // Twice, since every reading may be there twice.
    let enough = i64::try_from(2 * devices.max(1) * Metric::ALL.len() * (RECENT + 1))?;
    let starts: BTreeMap<i32, i64> = watermarks
        .iter()
        .map(|(&partition, marks)| (partition, (marks.high - enough).max(marks.low)))
        .collect();
    let cut = starts
        .iter()
        .filter(|(partition, start)| {
            watermarks
                .get(*partition)
                .is_some_and(|marks| marks.low < **start)
        })
        .map(|(&partition, &start)| (partition, start))
        .collect();

    let tail = Arc::new(Mutex::new(Tail::default()));
    let done = CancellationToken::new();
    let reader = Reader {
        position: Position {
            topic_id: topic.id,
            offsets: starts,
        },
        ends,
        cut,
        keys: Decoder::new(kafka.registry.clone(), subject::RAW_METRICS_KEY.schema()),
        values: Decoder::new(kafka.registry.clone(), subject::RAW_METRICS_VALUE.schema()),
        tail: tail.clone(),
        done: done.clone(),
    };
    let settings = ConsumerSettings::new(name, "hc-api-tail");
    let consumer = ConsumerLoop::new(
        &kafka.config,
        settings,
        kafka.admin.clone(),
        kafka.dead_letters(),
    );
    let finished = timeout(LIMIT, consumer.run(reader, done.clone())).await;
    done.cancel();
    match finished {
        Ok(result) => result.context("reading the last readings")?,
        Err(_) => bail!(
            "the last readings could not be read within {} s",
            LIMIT.as_secs()
        ),
    }
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut tail))
}

/// Reads from a start in each partition to its end.
struct Reader {
    position: Position,
    /// The end of each partition that is still to be reached.
    ends: BTreeMap<i32, i64>,
    /// The offset where reading begins in partitions that have records before it.
    cut: BTreeMap<i32, i64>,
    keys: Decoder,
    values: Decoder,
    tail: Arc<Mutex<Tail>>,
    done: CancellationToken,
}

impl Reader {
    async fn reading(&self, record: &Record) -> Result<Option<Reading>, CodecError> {
        let (Some(key), Some(value)) = (&record.key, &record.value) else {
            return Ok(None);
        };
        let key: DeviceMetricKey = self.keys.decode(key).await?;
        let value: DeviceMetricValue = self.values.decode(value).await?;
        Ok(value.into_reading(key).ok())
    }

    fn keep(&self, record: &Record, reading: Reading) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cut.get(&record.partition) == Some(&record.offset) {
            tail.cut = tail.cut.max(Some(story_time(reading.ts)));
        }
        tail.add(reading.ts, reading.device_id, reading.metric);
    }
}

impl Handler for Reader {
    async fn position(&mut self, _: &Topic) -> Result<Option<Position>, HandlerError> {
        Ok(Some(self.position.clone()))
    }

    async fn reset(&mut self, _: &Topic, reason: &ResetReason) -> Result<(), HandlerError> {
        Err(format!("the topic changed while its end was read: {reason:?}").into())
    }

    async fn handle(&mut self, batch: &Batch) -> Outcome {
        for record in &batch.records {
            match self.reading(record).await {
                Ok(Some(reading)) => self.keep(record, reading),
                Err(error) if error.is_transient() => {
                    return Outcome::Retry {
                        reason: error.to_string(),
                    };
                }
                // It says nothing about the story.
                Ok(None) => tracing::warn!("a record at the end of the topic is no reading"),
                Err(error) => {
                    tracing::warn!(%error, "a record at the end of the topic is no reading");
                }
            }
        }
        self.ends.retain(|partition, end| {
            batch
                .next_offsets
                .get(partition)
                .is_none_or(|next| next < end)
        });
        if self.ends.is_empty() {
            self.done.cancel();
        }
        Outcome::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tail with these rounds, each with the devices that have reported all metrics.
    fn tail(rounds: &[(EpochMillis, &[&str])]) -> Tail {
        let mut tail = Tail::default();
        for (ts, devices) in rounds {
            for device in *devices {
                for metric in Metric::ALL {
                    tail.add(*ts, device.parse().unwrap(), metric);
                }
            }
        }
        tail
    }

    fn lacking(tail: &Tail, begun: Option<EpochMillis>) -> Vec<String> {
        tail.lacking(begun)
            .into_iter()
            .flat_map(|(ts, ones)| {
                ones.into_iter()
                    .map(move |(device, metric)| format!("{ts} {device} {metric}"))
            })
            .collect()
    }

    #[test]
    fn the_last_round_is_completed_for_the_devices_that_reported_before() {
        let mut crashed = tail(&[(2, &["A", "B"]), (4, &["A"])]);
        crashed.add(4, "B".parse().unwrap(), Metric::Pressure);
        assert_eq!(lacking(&crashed, None), ["4 B FlowRate", "4 B FlowLevel"]);
        assert_eq!(crashed.story_time(), Some(4));
    }

    #[test]
    fn a_round_that_was_begun_counts_also_when_nothing_of_it_arrived() {
        let crashed = tail(&[(2, &["A"])]);
        assert_eq!(
            lacking(&crashed, Some(4)),
            ["4 A Pressure", "4 A FlowRate", "4 A FlowLevel"]
        );
        assert_eq!(lacking(&crashed, Some(2)), [] as [&str; 0]);
        assert_eq!(lacking(&Tail::default(), Some(4)), [] as [&str; 0]);
    }

    #[test]
    fn devices_that_came_later_or_left_long_ago_lack_nothing() {
        let rounds: Vec<(EpochMillis, &[&str])> = vec![
            (2, &["A", "B"]),
            (4, &["A"]),
            (6, &["A"]),
            (8, &["A"]),
            (10, &["A"]),
            (12, &["A", "C"]),
        ];
        assert_eq!(lacking(&tail(&rounds), None), [] as [&str; 0]);
    }

    #[test]
    fn a_round_that_reading_began_within_is_not_judged() {
        let mut cut = tail(&[(2, &["A"]), (4, &["A", "B"])]);
        cut.add(2, "B".parse().unwrap(), Metric::FlowLevel);
        assert_eq!(lacking(&cut, None), ["2 B Pressure", "2 B FlowRate"]);
        cut.cut = Some(2);
        assert_eq!(lacking(&cut, None), [] as [&str; 0]);
    }

    #[test]
    fn a_wrong_clock_is_seen_through() {
        let mut tail = tail(&[(600_000, &["A"])]);
        tail.add(
            600_000 + hc_simulator::CLOCK_SKEW,
            "B".parse().unwrap(),
            Metric::Pressure,
        );
        assert_eq!(tail.story_time(), Some(600_000));
        assert_eq!(
            lacking(&tail, None),
            ["600000 B FlowRate", "600000 B FlowLevel"]
        );
    }
}
