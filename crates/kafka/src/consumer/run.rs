//! The loop itself.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{
    Batch, ConsumerError, ConsumerSettings, ConsumerState, Handler, HandlerError, Outcome,
    Progress, Rejected, ResetReason, Topic, backoff::Backoff, reader::Reader,
};
use crate::{
    admin::{Admin, Watermarks},
    config::KafkaConfig,
    dead_letters::DeadLetters,
};

/// How long the cluster may take to tell the ends of a topic.
const ENDS_LIMIT: Duration = Duration::from_secs(5);

/// Reads one topic for one handler. One loop per projection.
pub struct ConsumerLoop {
    config: KafkaConfig,
    settings: ConsumerSettings,
    admin: Admin,
    dead_letters: DeadLetters,
    state: watch::Sender<ConsumerState>,
    progress: watch::Sender<Progress>,
}

impl ConsumerLoop {
    pub fn new(
        config: &KafkaConfig,
        settings: ConsumerSettings,
        admin: Admin,
        dead_letters: DeadLetters,
    ) -> Self {
        Self {
            config: config.clone(),
            settings,
            admin,
            dead_letters,
            state: watch::Sender::new(ConsumerState::Starting),
            progress: watch::Sender::default(),
        }
    }

    /// Follows what the loop is doing.
    pub fn state(&self) -> watch::Receiver<ConsumerState> {
        self.state.subscribe()
    }

    /// Follows how far the loop has read.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Reads until cancelled; a batch that is being handled is finished first. Whatever fails on the way is
    /// logged, shown in the state and tried again. The error is that the configuration makes no client.
    pub async fn run<H: Handler>(
        self,
        mut handler: H,
        cancel: CancellationToken,
    ) -> Result<(), ConsumerError> {
        let mut backoff = Backoff::new(self.settings.backoff, self.settings.max_backoff);
        let mut result = Ok(());
        while result.is_ok() && !cancel.is_cancelled() {
            match self.session(&mut handler, &mut backoff, &cancel).await {
                Ok(()) => {}
                Err(error @ ConsumerError::Client(_)) => result = Err(error),
                Err(error) => {
                    self.back_off(&error.to_string(), &mut backoff, &cancel)
                        .await
                }
            }
        }
        self.set(ConsumerState::Stopped);
        result
    }

    /// From finding the topic until it is another one, or until cancelled.
    async fn session<H: Handler>(
        &self,
        handler: &mut H,
        backoff: &mut Backoff,
        cancel: &CancellationToken,
    ) -> Result<(), ConsumerError> {
        let start = async {
            let topic = self.await_topic().await?;
            let offsets = self.start_offsets(&topic, handler).await?;
            Ok::<_, ConsumerError>((topic, offsets))
        };
        let Some(start) = cancel.run_until_cancelled(start).await else {
            return Ok(());
        };
        let (topic, offsets) = start?;
        tracing::info!(topic = topic.name, topic_id = topic.id, ?offsets, "reading");
        self.progress
            .send_replace(Progress::start(&topic.id, &offsets));
        let mut reader = Reader::assign(&self.config, &self.settings, topic.clone(), &offsets)?;
        self.set(ConsumerState::Reading { caught_up: false });
        let result = tokio::select! {
            result = self.read(&topic, &mut reader, handler, backoff, cancel) => result,
            never = self.follow_ends(&topic) => match never {},
        };
        reader.close().await;
        self.progress
            .send_modify(|progress| progress.set_ends(None));
        result
    }

    /// Beside the reading, which may be held up by the handler just when the lag is of interest.
    async fn follow_ends(&self, topic: &Topic) -> Infallible {
        let mut check = check_interval(self.settings.topic_check);
        loop {
            let names = vec![topic.name.clone()];
            let found = self.admin.offsets(names, ENDS_LIMIT).await.ok();
            let marks = found.as_ref().and_then(|found| found.get(&topic.name));
            self.progress
                .send_modify(|progress| progress.set_ends(marks));
            due(&mut check).await;
        }
    }

    async fn await_topic(&self) -> Result<Topic, ConsumerError> {
        loop {
            if let Some(found) = self.admin.topic(&self.settings.topic).await? {
                return Ok(Topic {
                    name: found.name,
                    id: found.id,
                    partitions: found.partitions,
                });
            }
            self.set(ConsumerState::WaitingForTopic);
            tokio::time::sleep(self.settings.topic_check).await;
        }
    }

    /// Where to read from: the handler's position as far as it is about this very topic.
    async fn start_offsets<H: Handler>(
        &self,
        topic: &Topic,
        handler: &mut H,
    ) -> Result<BTreeMap<i32, i64>, ConsumerError> {
        let failed = |cause: HandlerError| ConsumerError::Handler {
            topic: topic.name.clone(),
            cause,
        };
        let position = handler.position(topic).await.map_err(failed)?;
        let marks = self.admin.watermarks(&topic.name).await?;
        let marks = marks.ok_or_else(|| ConsumerError::Vanished {
            topic: topic.name.clone(),
        })?;
        let mut stored = BTreeMap::new();
        if let Some(position) = position {
            let beyond = position
                .offsets
                .iter()
                .find(|(partition, offset)| {
                    marks
                        .get(*partition)
                        .is_none_or(|marks| **offset > marks.high)
                })
                .map(|(partition, offset)| ResetReason::OffsetBeyondEnd {
                    partition: *partition,
                    offset: *offset,
                });
            let lost = if position.topic_id == topic.id {
                beyond
            } else {
                Some(ResetReason::TopicRecreated {
                    old_id: position.topic_id,
                })
            };
            match lost {
                Some(reason) => {
                    tracing::warn!(topic = topic.name, ?reason, "starting over");
                    handler.reset(topic, &reason).await.map_err(failed)?;
                }
                None => stored = position.offsets,
            }
        }
        Ok(marks
            .into_iter()
            .map(|(partition, marks)| (partition, first_offset(topic, partition, marks, &stored)))
            .collect())
    }

    async fn read<H: Handler>(
        &self,
        topic: &Topic,
        reader: &mut Reader,
        handler: &mut H,
        backoff: &mut Backoff,
        cancel: &CancellationToken,
    ) -> Result<(), ConsumerError> {
        let mut check = check_interval(self.settings.topic_check);
        loop {
            let arrived = async {
                tokio::select! {
                    batch = reader.next() => batch.map(Some),
                    () = due(&mut check) => Ok(None),
                }
            };
            match cancel.run_until_cancelled(arrived).await.transpose()? {
                None => return Ok(()),
                Some(Some(Some(batch))) => self.apply(batch, handler, backoff, cancel).await,
                Some(Some(None)) => {}
                Some(None) => {
                    if self.is_another(topic, cancel).await {
                        return Ok(());
                    }
                }
            }
            self.set(ConsumerState::Reading {
                caught_up: reader.caught_up(),
            });
        }
    }

    /// Hands the batch over until it is done. Cancelled in between, it is left undone, and comes again after
    /// the next start.
    async fn apply<H: Handler>(
        &self,
        mut batch: Batch,
        handler: &mut H,
        backoff: &mut Backoff,
        cancel: &CancellationToken,
    ) {
        while !cancel.is_cancelled() {
            let trouble = match handler.handle(&batch).await {
                Outcome::Done => {
                    backoff.reset();
                    self.progress
                        .send_modify(|progress| progress.advance(&batch.next_offsets));
                    return;
                }
                Outcome::Retry { reason } => reason,
                Outcome::DeadLetter(rejected) => match self.bury(&mut batch, rejected).await {
                    Ok(()) => continue,
                    Err(reason) => reason,
                },
            };
            self.back_off(&trouble, backoff, cancel).await;
        }
    }

    /// Writes dead letters and takes them out of the batch. The position still passes over them.
    async fn bury(&self, batch: &mut Batch, mut rejected: Vec<Rejected>) -> Result<(), String> {
        if rejected.is_empty() {
            return Err("the handler rejected a batch without naming a record".to_owned());
        }
        // From the back, so that indices stay right while records are taken out.
        rejected.sort_by_key(|rejected| std::cmp::Reverse(rejected.index));
        rejected.dedup_by_key(|rejected| rejected.index);
        for Rejected { index, reason } in rejected {
            let Some(record) = batch.records.get(index) else {
                return Err(format!(
                    "the handler rejected record {index} of a shorter batch"
                ));
            };
            self.dead_letters
                .write(record, &reason)
                .await
                .map_err(|cause| format!("a dead letter could not be written: {cause}"))?;
            let record = batch.records.remove(index);
            tracing::warn!(
                topic = record.topic,
                partition = record.partition,
                offset = record.offset,
                reason,
                "a record went to the dead letters"
            );
        }
        Ok(())
    }

    /// Whether the topic was deleted, made again or given more partitions. When the cluster cannot be asked,
    /// nothing is known to have changed.
    async fn is_another(&self, topic: &Topic, cancel: &CancellationToken) -> bool {
        let asked = self.admin.topic(&topic.name);
        match cancel.run_until_cancelled(asked).await {
            Some(Ok(Some(found))) => found.id != topic.id || found.partitions != topic.partitions,
            Some(Ok(None)) => true,
            Some(Err(error)) => {
                tracing::debug!(topic = topic.name, %error, "the topic could not be checked");
                false
            }
            None => false,
        }
    }

    async fn back_off(&self, reason: &str, backoff: &mut Backoff, cancel: &CancellationToken) {
        let wait = backoff.take();
        let topic = &self.settings.topic;
        tracing::warn!(topic, reason, wait_ms = wait.as_millis(), "trying again");
        self.set(ConsumerState::BackingOff {
            reason: reason.to_owned(),
        });
        let _cancelled = cancel.run_until_cancelled(tokio::time::sleep(wait)).await;
    }

    fn set(&self, state: ConsumerState) {
        self.state.send_if_modified(|current| {
            let changed = *current != state;
            if changed {
                *current = state;
            }
            changed
        });
    }
}

/// The stored offset, or the first that there is.
fn first_offset(
    topic: &Topic,
    partition: i32,
    marks: Watermarks,
    stored: &BTreeMap<i32, i64>,
) -> i64 {
    match stored.get(&partition) {
        None => marks.low,
        Some(offset) if *offset < marks.low => {
            tracing::warn!(
                topic = topic.name,
                partition,
                from = offset,
                to = marks.low,
                "retention removed records before they were read"
            );
            marks.low
        }
        Some(offset) => *offset,
    }
}

fn check_interval(period: Duration) -> Interval {
    let first = tokio::time::Instant::now() + period;
    let mut interval = tokio::time::interval_at(first, period.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn due(interval: &mut Interval) {
    interval.tick().await;
}
