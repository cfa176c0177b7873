//! Drift verdicts: upserts and tombstones of the topic become rows, and then events for the screen.

use std::{collections::HashMap, sync::Arc};

use hc_contracts::{DriftValue, subject};
use hc_domain::{DriftEvent, DriftKey};
use hc_kafka::{
    Batch, CodecError, Decoder, Handler, HandlerError, Outcome, Position, Record, Registry,
    Rejected, ResetReason, Topic,
};

use crate::{
    database::Pool,
    routes::drift::{DriftKeyOut, DriftOut},
    store::{self, offsets::StoredOffset},
    stream::{Hub, Topic::Drift},
};

/// Names this projection in the table of offsets.
pub(super) const CONSUMER: &str = "drift";

/// What the screen is told about.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// The verdict is new, or has become another one.
    Put(DriftEvent),
    /// The verdict no longer holds.
    Clear(DriftKey),
}

/// Keeps `read.drift_events` equal to the topic.
pub struct DriftProjection {
    pool: Pool,
    hub: Arc<Hub>,
    keys: Decoder,
    values: Decoder,
}

/// Why a record has no effect.
enum Failure {
    /// It will never have one.
    Poison(String),
    /// It may have one later.
    Transient(String),
}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        if error.is_transient() {
            Self::Transient(error.to_string())
        } else {
            Self::Poison(error.to_string())
        }
    }
}

impl DriftProjection {
    pub fn new(pool: Pool, hub: Arc<Hub>, registry: Registry) -> Self {
        Self {
            pool,
            hub,
            keys: Decoder::new(registry.clone(), subject::DRIFT_KEY.schema()),
            values: Decoder::new(registry, subject::DRIFT_VALUE.schema()),
        }
    }

    async fn decode(&self, record: &Record) -> Result<Change, Failure> {
        let poison = |error: &dyn std::fmt::Display| Failure::Poison(error.to_string());
        let Some(key) = &record.key else {
            return Err(Failure::Poison("the record has no key".to_owned()));
        };
        let key: hc_contracts::DriftKey = self.keys.decode(key).await?;
        let Some(value) = &record.value else {
            return Ok(Change::Clear(
                key.try_into().map_err(|error| poison(&error))?,
            ));
        };
        let value: DriftValue = self.values.decode(value).await?;
        let event = value.into_event(key).map_err(|error| poison(&error))?;
        if event.message.contains('\0') {
            return Err(Failure::Poison(
                "Postgres cannot store a zero character in the message".to_owned(),
            ));
        }
        Ok(Change::Put(event))
    }

    /// Applies the changes and the position in one transaction; the changes that made a difference.
    async fn apply(&self, batch: &Batch, changes: Vec<Change>) -> sqlx::Result<Vec<Change>> {
        let mut tx = self.pool.begin().await?;
        let mut effective = Vec::with_capacity(changes.len());
        for change in changes {
            let made_a_difference = match &change {
                Change::Put(event) => store::drift::upsert(&mut tx, event).await?,
                Change::Clear(key) => store::drift::delete(&mut tx, key).await?,
            };
            if made_a_difference {
                effective.push(change);
            }
        }
        for (&partition_id, &next_offset) in &batch.next_offsets {
            let offset = StoredOffset {
                partition_id,
                topic_id: batch.topic.id.clone(),
                next_offset,
            };
            store::offsets::store(&mut tx, CONSUMER, &batch.topic.name, &offset).await?;
        }
        tx.commit().await?;
        Ok(effective)
    }

    fn publish(&self, change: Change) {
        let published = match change {
            Change::Put(event) => {
                let (device, metric) = (event.key.device_id.clone(), event.key.metric);
                let out = DriftOut::from(event);
                self.hub.publish(Drift, "drift", (&device, metric), &out)
            }
            Change::Clear(key) => {
                let (device, metric) = (key.device_id.clone(), key.metric);
                let out = DriftKeyOut::from(key);
                self.hub
                    .publish(Drift, "drift-cleared", (&device, metric), &out)
            }
        };
        if let Err(error) = published {
            tracing::error!(%error, "a verdict could not be written as JSON");
        }
    }
}

/// The last change of each verdict, in the order of these. A changed verdict arrives as a tombstone and a new value;
/// in one batch, that is one change.
fn last_of_each(changes: Vec<Change>) -> Vec<Change> {
    let key = |change: &Change| match change {
        Change::Put(event) => event.key.clone(),
        Change::Clear(key) => key.clone(),
    };
    let last: HashMap<DriftKey, usize> = changes
        .iter()
        .enumerate()
        .map(|(index, change)| (key(change), index))
        .collect();
    changes
        .into_iter()
        .enumerate()
        .filter(|(index, change)| last.get(&key(change)) == Some(index))
        .map(|(_, change)| change)
        .collect()
}

impl Handler for DriftProjection {
    async fn position(&mut self, topic: &Topic) -> Result<Option<Position>, HandlerError> {
        let mut db = self.pool.acquire().await?;
        let stored = store::offsets::list(&mut db, CONSUMER, &topic.name).await?;
        db.release();
        let Some(first) = stored.first() else {
            return Ok(None);
        };
        Ok(Some(Position {
            topic_id: first.topic_id.clone(),
            offsets: stored
                .iter()
                .map(|offset| (offset.partition_id, offset.next_offset))
                .collect(),
        }))
    }

    async fn reset(&mut self, topic: &Topic, reason: &ResetReason) -> Result<(), HandlerError> {
        let mut tx = self.pool.begin().await?;
        let rows = store::drift::clear(&mut tx).await?;
        store::offsets::delete(&mut tx, CONSUMER, &topic.name).await?;
        tx.commit().await?;
        self.hub.reset(Drift);
        tracing::warn!(
            topic = topic.name,
            ?reason,
            rows,
            "verdicts are read again from the beginning"
        );
        Ok(())
    }

    async fn handle(&mut self, batch: &Batch) -> Outcome {
        let mut changes = Vec::with_capacity(batch.records.len());
        let mut rejected = Vec::new();
        for (index, record) in batch.records.iter().enumerate() {
            match self.decode(record).await {
                Ok(change) => changes.push(change),
                Err(Failure::Poison(reason)) => rejected.push(Rejected { index, reason }),
                Err(Failure::Transient(reason)) => return Outcome::Retry { reason },
            }
        }
        if !rejected.is_empty() {
            return Outcome::DeadLetter(rejected);
        }
        match self.apply(batch, last_of_each(changes)).await {
            Ok(effective) => {
                effective
                    .into_iter()
                    .for_each(|change| self.publish(change));
                Outcome::Done
            }
            Err(error) => Outcome::Retry {
                reason: format!("writing verdicts to the database: {error}"),
            },
        }
    }
}
