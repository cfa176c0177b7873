//! The newest frames of one kind of event.
//!
//! A frame is serialised once, when it is published. Subscribers hold no queue, only the sequence number of the next
//! frame they want, so the memory is bounded by the hub's capacity whatever the number and speed of subscribers.
//! Who falls behind the oldest frame learns how many frames are gone.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use hc_domain::DeviceId;
use serde::Serialize;
use tokio::sync::watch;

/// Most frames that one read gives, so that a slow client holds little memory at a time.
const MAX_BATCH: usize = 512;

/// Keeps and numbers frames.
#[derive(Debug)]
pub struct Hub {
    /// Tells one run of the service from the next: sequence numbers start over.
    boot: String,
    capacity: usize,
    inner: Mutex<Inner>,
    /// The sequence number that the next frame will have.
    next: watch::Sender<u64>,
    /// Frames that subscribers were too slow for, over all of them.
    missed: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Frame>,
    next: u64,
    /// Frames published so far, by device.
    published: HashMap<DeviceId, u64>,
    /// How often everything was taken back.
    resets: u64,
}

#[derive(Debug)]
struct Frame {
    seq: u64,
    device: DeviceId,
    bytes: Bytes,
}

impl Inner {
    fn first(&self) -> u64 {
        self.frames.front().map_or(self.next, |frame| frame.seq)
    }

    fn published(&self, device: Option<&DeviceId>) -> u64 {
        match device {
            // The numbers that resets left out were never published.
            None => self.next - self.resets,
            Some(device) => self.published.get(device).copied().unwrap_or(0),
        }
    }

    /// Frames that match, from this sequence number on.
    fn from<'a>(
        &'a self,
        seq: u64,
        device: Option<&'a DeviceId>,
    ) -> impl Iterator<Item = &'a Frame> {
        let skip = usize::try_from(seq.saturating_sub(self.first())).unwrap_or(usize::MAX);
        self.frames
            .iter()
            .skip(skip)
            .filter(move |frame| device.is_none_or(|device| frame.device == *device))
    }
}

impl Hub {
    /// A hub that keeps this many frames. `boot` tells this run of the service from others.
    pub fn new(boot: String, capacity: usize) -> Self {
        Self {
            boot,
            capacity: capacity.max(1),
            inner: Mutex::default(),
            next: watch::Sender::new(0),
            missed: AtomicU64::new(0),
        }
    }

    /// Numbers and keeps an event about a device, and wakes the subscribers.
    ///
    /// # Errors
    /// When the data cannot be written as JSON; nothing is published then.
    pub fn publish(
        &self,
        event: &str,
        device: &DeviceId,
        data: &impl Serialize,
    ) -> serde_json::Result<()> {
        let json = serde_json::to_string(data)?;
        let mut inner = self.lock();
        let seq = inner.next;
        let frame = Frame {
            seq,
            device: device.clone(),
            bytes: format!("id: {}-{seq}\nevent: {event}\ndata: {json}\n\n", self.boot).into(),
        };
        if inner.frames.len() == self.capacity {
            inner.frames.pop_front();
        }
        inner.frames.push_back(frame);
        inner.next += 1;
        match inner.published.get_mut(device) {
            Some(count) => *count += 1,
            None => {
                inner.published.insert(device.clone(), 1);
            }
        }
        drop(inner);
        self.next.send_replace(seq + 1);
        Ok(())
    }

    /// Takes back everything that was published: every subscriber, and everybody who comes back, is told to start over.
    pub fn reset(&self) {
        let mut inner = self.lock();
        inner.frames.clear();
        // One number is left out, so that no id from before is the newest.
        inner.next += 1;
        inner.resets += 1;
        let next = inner.next;
        drop(inner);
        self.next.send_replace(next);
    }

    /// Reads frames of one device, or of all, after the frame with the id `<boot>-<seq>`, or from now on.
    pub fn subscribe(
        self: &Arc<Self>,
        device: Option<DeviceId>,
        after: Option<&str>,
    ) -> Subscriber {
        // Before the position is taken, so that no frame between the two goes unnoticed.
        let wake = self.next.subscribe();
        let inner = self.lock();
        let position = after.map(|id| self.position(id, &inner));
        let (cursor, reset) = match position {
            None => (inner.next, false),
            Some(Some(position)) => (position, false),
            Some(None) => (inner.next, true),
        };
        let seen = inner.published(device.as_ref())
            - u64::try_from(inner.from(cursor, device.as_ref()).count()).unwrap_or(0);
        let resets = inner.resets;
        drop(inner);
        Subscriber {
            hub: Arc::clone(self),
            wake,
            device,
            cursor,
            seen,
            reset,
            resets,
        }
    }

    /// How many read now.
    pub fn subscribers(&self) -> usize {
        self.next.receiver_count()
    }

    /// How many frames subscribers were too slow for, over all of them.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// The sequence number after an id, if every frame from there on is still here.
    fn position(&self, id: &str, inner: &Inner) -> Option<u64> {
        let (boot, seq) = id.rsplit_once('-')?;
        let next = seq.parse::<u64>().ok()?.checked_add(1)?;
        (boot == self.boot && (inner.first()..=inner.next).contains(&next)).then_some(next)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics between two changes of the inner state.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a hub's frames in order.
#[derive(Debug)]
pub struct Subscriber {
    hub: Arc<Hub>,
    wake: watch::Receiver<u64>,
    device: Option<DeviceId>,
    /// The next frame to look at.
    cursor: u64,
    /// Frames that match and were read, missed, or older than the subscription.
    seen: u64,
    /// The position asked for is not known here.
    reset: bool,
    /// Resets of the hub that this subscriber knows of.
    resets: u64,
}

/// What a subscriber gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The position that was asked for is not known; what follows begins now.
    Reset,
    /// So many matching frames are gone before they were read.
    Missed(u64),
    /// Frames as they go on the wire, at least one.
    Frames(Vec<Bytes>),
}

impl Subscriber {
    /// Waits for something to read. Cancel safe: what was not returned is returned by the next call.
    pub async fn next(&mut self) -> Next {
        loop {
            self.wake.borrow_and_update();
            if let Some(next) = self.read() {
                return next;
            }
            if self.wake.changed().await.is_err() {
                // The hub is held by this subscriber, so its sender lives.
                std::future::pending::<()>().await;
            }
        }
    }

    fn read(&mut self) -> Option<Next> {
        if std::mem::take(&mut self.reset) {
            return Some(Next::Reset);
        }
        let inner = self.hub.lock();
        let device = self.device.as_ref();
        if self.resets != inner.resets {
            self.resets = inner.resets;
            self.cursor = inner.first();
            let kept = u64::try_from(inner.from(self.cursor, device).count()).unwrap_or(0);
            self.seen = inner.published(device) - kept;
            return Some(Next::Reset);
        }
        if self.cursor < inner.first() {
            self.cursor = inner.first();
            let kept = u64::try_from(inner.from(self.cursor, device).count()).unwrap_or(0);
            let before = inner.published(device) - kept;
            let missed = before - self.seen;
            self.seen = before;
            if missed > 0 {
                self.hub.missed.fetch_add(missed, Ordering::Relaxed);
                return Some(Next::Missed(missed));
            }
        }
        let mut frames = Vec::new();
        let mut cursor = inner.next;
        for frame in inner.from(self.cursor, device).take(MAX_BATCH) {
            frames.push(frame.bytes.clone());
            if frames.len() == MAX_BATCH {
                cursor = frame.seq + 1;
            }
        }
        self.cursor = cursor;
        self.seen += u64::try_from(frames.len()).unwrap_or(0);
        (!frames.is_empty()).then_some(Next::Frames(frames))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn hub(capacity: usize) -> Arc<Hub> {
        Arc::new(Hub::new("b00t".to_owned(), capacity))
    }

    fn device(name: &str) -> DeviceId {
        name.parse().unwrap()
    }

    fn publish(hub: &Hub, name: &str, data: u32) {
        hub.publish("telemetry", &device(name), &data).unwrap();
    }

    /// What is there now, as `data` or in words.
    fn read(subscriber: &mut Subscriber) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(next) = subscriber.next().now_or_never() {
            match next {
                Next::Reset => all.push("reset".to_owned()),
                Next::Missed(count) => all.push(format!("missed {count}")),
                Next::Frames(frames) => all.extend(frames.iter().map(|frame| {
                    let text = std::str::from_utf8(frame).unwrap();
                    text.trim_end().rsplit_once("data: ").unwrap().1.to_owned()
                })),
            }
        }
        all
    }

    #[test]
    fn a_frame_has_id_event_and_data() {
        let hub = hub(4);
        let mut subscriber = hub.subscribe(None, None);
        publish(&hub, "A", 7);
        let Some(Next::Frames(frames)) = subscriber.next().now_or_never() else {
            panic!("no frame");
        };
        assert_eq!(frames, ["id: b00t-0\nevent: telemetry\ndata: 7\n\n"]);
    }

    #[test]
    fn subscribers_share_the_bytes_and_read_only_their_device() {
        let hub = hub(8);
        let (mut all, mut only_b) = (
            hub.subscribe(None, None),
            hub.subscribe(Some(device("B")), None),
        );
        for (name, data) in [("A", 1), ("B", 2), ("A", 3), ("B", 4)] {
            publish(&hub, name, data);
        }
        let (Some(Next::Frames(of_all)), Some(Next::Frames(of_b))) =
            (all.next().now_or_never(), only_b.next().now_or_never())
        else {
            panic!("no frames");
        };
        assert_eq!((of_all.len(), of_b.len()), (4, 2));
        assert_eq!(of_all[1].as_ptr(), of_b[0].as_ptr());
    }

    #[test]
    fn who_is_too_slow_learns_how_much_is_gone() {
        let hub = hub(3);
        let mut all = hub.subscribe(None, None);
        let mut only_b = hub.subscribe(Some(device("B")), None);
        let mut only_c = hub.subscribe(Some(device("C")), None);
        for (name, data) in [("A", 0), ("B", 1), ("B", 2), ("A", 3), ("B", 4), ("A", 5)] {
            publish(&hub, name, data);
        }
        assert_eq!(read(&mut all), ["missed 3", "3", "4", "5"]);
        assert_eq!(read(&mut only_b), ["missed 2", "4"]);
        assert_eq!(read(&mut only_c), [""; 0]);
        for data in 6..10 {
            publish(&hub, "B", data);
        }
        assert_eq!(read(&mut only_b), ["missed 1", "7", "8", "9"]);
    }

    #[test]
    fn reading_goes_on_after_a_known_id_and_starts_over_after_an_unknown_one() {
        let hub = hub(3);
        for data in 0..5 {
            publish(&hub, "A", data);
        }
        let after = |id: &str| read(&mut hub.subscribe(None, Some(id)));
        assert_eq!(after("b00t-2"), ["3", "4"]);
        assert_eq!(
            after("b00t-1"),
            ["2", "3", "4"],
            "the oldest frame is the next one"
        );
        assert_eq!(after("b00t-4"), [""; 0], "nothing is new");
        assert_eq!(after("b00t-0"), ["reset"], "frame 1 is gone");
        assert_eq!(after("b00t-5"), ["reset"], "not published yet");
        assert_eq!(after("other-3"), ["reset"], "another run of the service");
        assert_eq!(after("nonsense"), ["reset"]);
        let mut filtered = hub.subscribe(Some(device("A")), Some("b00t-2"));
        assert_eq!(read(&mut filtered), ["3", "4"]);
        for data in 5..9 {
            publish(&hub, "A", data);
        }
        assert_eq!(read(&mut filtered), ["missed 1", "6", "7", "8"]);
    }

    #[test]
    fn after_a_reset_everybody_starts_over() {
        let hub = hub(3);
        let mut subscriber = hub.subscribe(None, None);
        let mut of_a = hub.subscribe(Some(device("A")), None);
        for data in 0..5 {
            publish(&hub, "A", data);
        }
        hub.reset();
        publish(&hub, "A", 5);
        assert_eq!(read(&mut subscriber), ["reset", "5"]);
        assert_eq!(read(&mut of_a), ["reset", "5"]);
        assert_eq!(read(&mut hub.subscribe(None, Some("b00t-4"))), ["reset"]);
        for data in 6..10 {
            publish(&hub, "A", data);
        }
        assert_eq!(read(&mut subscriber), ["missed 1", "7", "8", "9"]);
        assert_eq!(read(&mut of_a), ["missed 1", "7", "8", "9"]);
    }

    #[test]
    fn a_large_backlog_is_read_in_parts() {
        let hub = hub(2_000);
        let mut subscriber = hub.subscribe(None, None);
        for data in 0..1_100 {
            publish(&hub, "A", data);
        }
        let expected: Vec<String> = (0..1_100).map(|data| data.to_string()).collect();
        assert_eq!(read(&mut subscriber), expected);
    }
}
