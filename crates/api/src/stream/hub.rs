//! The newest events of all topics.
//!
//! An event is serialised once, when it is published. Events that are published within a moment become one batch, which
//! readers see together: one wake-up for all of it, and one piece of memory that they share. Readers hold no queue, only
//! the sequence number of the next event they want, so the memory is bounded by the hub's capacity whatever the number
//! and speed of readers. Who falls behind the oldest event learns how many events are gone.
//!
//! One sequence counts the events of all topics, and readers see them in its order. So the id of the last event that a
//! client has seen says for every topic where to go on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hc_domain::{DeviceId, Metric};
use serde::Serialize;
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    log::Log,
    subscriber::Subscriber,
    topic::{Filter, Subject, Topic, Wanted},
};

/// Batches are shown at least this far apart, so that a flood of events costs few wake-ups and writes. The first event
/// after a pause is shown at once.
const COALESCE: Duration = Duration::from_millis(25);
/// A batch is closed at so many events, also when it is not time to show it.
const MAX_BATCH: usize = 256;

/// Keeps and numbers events.
#[derive(Debug)]
pub struct Hub {
    /// Tells one run of the service from the next: sequence numbers start over.
    boot: String,
    inner: Mutex<Inner>,
    /// Something waits to be shown.
    published: Notify,
    /// Changes when there is something to read.
    pub(super) wake: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) struct Inner {
    logs: [Log; Topic::ALL.len()],
    pub(super) next: u64,
    /// Readers see everything before this number.
    pub(super) shown: u64,
    /// Numbers of the devices that events were about, from 1.
    devices: HashMap<DeviceId, u32>,
    pub(super) closed: bool,
}

impl Inner {
    pub(super) fn log(&self, topic: Topic) -> &Log {
        &self.logs[topic as usize]
    }

    fn seal(&mut self) {
        // All at once, so that nobody sees an event before one with a smaller number.
        self.logs.iter_mut().for_each(Log::seal);
        self.shown = self.next;
    }

    fn subject(&mut self, device: &DeviceId, metric: Metric) -> Subject {
        let number = match self.devices.get(device) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.devices.len() + 1).unwrap_or(u32::MAX - 1);
                self.devices.insert(device.clone(), number);
                number
            }
        };
        Subject::new(number, metric)
    }

    pub(super) fn wanted(&self, filter: &Filter) -> Wanted {
        let number = filter
            .device
            .as_ref()
            .and_then(|device| self.devices.get(device));
        Wanted::new(filter, number.copied())
    }
}

impl Hub {
    /// A hub that keeps this many events of each topic. `boot` tells this run of the service from others.
    pub fn new(boot: String, capacity: usize) -> Self {
        let inner = Inner {
            logs: Topic::ALL.map(|_| Log::new(capacity.max(1))),
            next: 0,
            shown: 0,
            devices: HashMap::new(),
            closed: false,
        };
        Self {
            boot,
            inner: Mutex::new(inner),
            published: Notify::new(),
            wake: watch::Sender::new(()),
        }
    }

    /// Numbers and keeps an event about a device and a metric.
    ///
    /// # Errors
    /// When the data cannot be written as JSON; nothing is published then.
    pub fn publish(
        &self,
        topic: Topic,
        event: &str,
        about: (&DeviceId, Metric),
        data: &impl Serialize,
    ) -> serde_json::Result<()> {
        let mut inner = self.lock();
        let subject = inner.subject(about.0, about.1);
        self.add(inner, topic, event, subject, data)
    }

    /// Numbers and keeps an event that is about no device.
    ///
    /// # Errors
    /// When the data cannot be written as JSON; nothing is published then.
    pub fn publish_to_all(
        &self,
        topic: Topic,
        event: &str,
        data: &impl Serialize,
    ) -> serde_json::Result<()> {
        self.add(self.lock(), topic, event, Subject::NOTHING, data)
    }

    fn add(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        topic: Topic,
        event: &str,
        subject: Subject,
        data: &impl Serialize,
    ) -> serde_json::Result<()> {
        let seq = inner.next;
        let open = inner.logs[topic as usize].add(&self.boot, seq, event, subject, data)?;
        inner.next = seq + 1;
        if open == MAX_BATCH {
            inner.seal();
        }
        drop(inner);
        self.published.notify_one();
        Ok(())
    }

    /// Takes back everything that was published about a topic: its readers, and whoever comes back, are told to start
    /// over.
    pub fn reset(&self, topic: Topic) {
        let mut inner = self.lock();
        // One number is left out, so that no id from before is the newest.
        inner.next += 1;
        let next = inner.next;
        inner.logs[topic as usize].reset(next);
        drop(inner);
        self.published.notify_one();
    }

    /// Shows readers what was published since the last time.
    pub fn flush(&self) {
        self.lock().seal();
        self.wake.send_replace(());
    }

    /// Shows events until `shutdown` is cancelled; then every reader comes to its end.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let pace = async {
            loop {
                self.published.notified().await;
                self.flush();
                sleep(COALESCE).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = pace => {}
        }
        self.lock().closed = true;
        self.flush();
    }

    /// Reads what matches of these topics, after the event with the id `<boot>-<seq>`, or from now on.
    pub fn subscribe(
        self: &Arc<Self>,
        topics: &[Topic],
        filter: Filter,
        after: Option<&str>,
    ) -> Subscriber {
        // Before the position is taken, so that nothing in between goes unnoticed.
        let wake = self.wake.subscribe();
        let mut inner = self.lock();
        inner.seal();
        let after = after.map(|id| self.position(id, &inner));
        Subscriber::new(Arc::clone(self), wake, &inner, topics, filter, after)
    }

    /// The sequence number after an id of this run.
    fn position(&self, id: &str, inner: &Inner) -> Option<u64> {
        let (boot, seq) = id.rsplit_once('-')?;
        let next = seq.parse::<u64>().ok()?.checked_add(1)?;
        (boot == self.boot && next <= inner.next).then_some(next)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // What a panic may leave behind is one event that is not there.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
