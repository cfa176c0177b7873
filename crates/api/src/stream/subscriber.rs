//! One reader of the hub.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::{
    hub::{Hub, Inner},
    log::Batch,
    topic::{Filter, Topic, Wanted},
};

/// About how many bytes one read gives at the most, so that a slow client holds little memory at a time.
const MAX_READ: usize = 128 * 1024;
/// Below so many bytes, a piece costs more on its way to the socket than its copy.
const WORTH_SHARING: usize = 4 * 1024;

/// Reads what the hub shows, in order.
#[derive(Debug)]
pub struct Subscriber {
    hub: Arc<Hub>,
    wake: watch::Receiver<()>,
    filter: Filter,
    /// The next sequence number to look at.
    cursor: u64,
    topics: Vec<Place>,
}

/// Where a reader is in a topic.
#[derive(Debug)]
struct Place {
    topic: Topic,
    /// Nothing before this number is for this reader.
    from: u64,
    /// Matching events since the last reset that were read, missed, or older than the subscription.
    seen: u64,
    /// Resets of the topic that this reader knows of.
    resets: u64,
    /// The position asked for is not known here.
    lost: bool,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The position that was asked for is not known, or everything was taken back; what follows of this topic begins now.
    Reset(Topic),
    /// So many matching events of the topic are gone before they were read.
    Missed(Topic, u64),
    /// Frames as they go on the wire, one or more in each piece.
    Frames(Vec<Bytes>),
}

impl Subscriber {
    /// `after` is the number to begin at, or `None` in it when the id was not of this run.
    pub(super) fn new(
        hub: Arc<Hub>,
        wake: watch::Receiver<()>,
        inner: &Inner,
        topics: &[Topic],
        filter: Filter,
        after: Option<Option<u64>>,
    ) -> Self {
        let wanted = inner.wanted(&filter);
        let place = |topic: &Topic| {
            let log = inner.log(*topic);
            let known = after.map(|after| after.filter(|seq| *seq >= log.complete_from()));
            let from = known.flatten().unwrap_or(inner.next);
            Place {
                topic: *topic,
                from,
                seen: log.before(from, wanted),
                resets: log.resets(),
                lost: known == Some(None),
            }
        };
        let topics: Vec<_> = topics.iter().map(place).collect();
        let cursor = topics.iter().map(|place| place.from).min();
        Self {
            wake,
            filter,
            cursor: cursor.unwrap_or(inner.next),
            topics,
            hub,
        }
    }

    /// Waits for something to read; `None` when the service stops. Cancel safe: what was not returned is returned by
    /// the next call.
    pub async fn next(&mut self) -> Option<Next> {
        loop {
            self.wake.borrow_and_update();
            match self.read() {
                Read::Some(next) => return Some(next),
                Read::Closed => return None,
                Read::Nothing => {}
            }
            // The hub is held by this reader, so its sender lives.
            self.wake.changed().await.ok()?;
        }
    }

    fn read(&mut self) -> Read {
        loop {
            let inner = self.hub.lock();
            let wanted = inner.wanted(&self.filter);
            if let Some(notice) = self
                .topics
                .iter_mut()
                .find_map(|place| place.notice(&inner, self.cursor, wanted))
            {
                return Read::Some(notice);
            }
            let mut end = inner.shown;
            let parts: Vec<_> = self
                .topics
                .iter()
                .enumerate()
                .flat_map(|(index, place)| {
                    let (batches, last) = place.collect(&inner, self.cursor);
                    end = end.min(last.unwrap_or(end));
                    batches.into_iter().map(move |batch| (index, batch))
                })
                .collect();
            let closed = inner.closed;
            let rest = inner.shown > end;
            drop(inner);
            let frames = self.frames(&parts, end, wanted);
            self.cursor = end;
            if !frames.is_empty() {
                return Read::Some(Next::Frames(frames));
            }
            if closed {
                return Read::Closed;
            }
            if !rest {
                return Read::Nothing;
            }
        }
    }

    /// The matching frames of these batches up to `end`, in order.
    fn frames(&mut self, parts: &[(usize, Arc<Batch>)], end: u64, wanted: Wanted) -> Vec<Bytes> {
        let cursor = self.cursor;
        if wanted.everything() && can_be_shared(parts) {
            let slice = |(index, batch): &(usize, Arc<Batch>)| {
                let place = &mut self.topics[*index];
                let (count, bytes) = batch.slice(&place.range(cursor, end));
                place.seen += count;
                bytes
            };
            let slices = parts.iter().map(slice);
            return slices.filter(|bytes| !bytes.is_empty()).collect();
        }
        let mut frames = Vec::new();
        for (index, batch) in parts {
            let place = &mut self.topics[*index];
            let before = frames.len();
            frames.extend(batch.frames(&place.range(cursor, end), wanted));
            place.seen += (frames.len() - before) as u64;
        }
        if self.topics.len() > 1 {
            frames.sort_unstable_by_key(|(seq, _)| *seq);
        }
        // A copy, because a slow client would keep the whole batches for the few frames of them that it wants.
        let mut bytes = BytesMut::with_capacity(frames.iter().map(|(_, frame)| frame.len()).sum());
        for (_, frame) in frames {
            bytes.extend_from_slice(frame);
        }
        Vec::from_iter((!bytes.is_empty()).then(|| bytes.freeze()))
    }
}

/// Whether these batches follow each other and are worth a piece of their own each.
fn can_be_shared(parts: &[(usize, Arc<Batch>)]) -> bool {
    let bytes: usize = parts.iter().map(|(_, batch)| batch.len()).sum();
    let one_topic = parts.windows(2).all(|two| two[0].0 == two[1].0);
    one_topic && (parts.len() == 1 || bytes / parts.len().max(1) >= WORTH_SHARING)
}

enum Read {
    Some(Next),
    Nothing,
    Closed,
}

impl Place {
    fn range(&self, cursor: u64, end: u64) -> Range<u64> {
        self.from.max(cursor)..end
    }

    /// What must be said before the next events of this topic.
    fn notice(&mut self, inner: &Inner, cursor: u64, wanted: Wanted) -> Option<Next> {
        let log = inner.log(self.topic);
        if self.resets != log.resets() {
            self.resets = log.resets();
            self.seen = 0;
            self.lost = true;
        }
        if std::mem::take(&mut self.lost) {
            return Some(Next::Reset(self.topic));
        }
        if self.range(cursor, 0).start >= log.complete_from() {
            return None;
        }
        let missed = log.dropped(wanted).saturating_sub(self.seen);
        self.seen += missed;
        (missed > 0).then(|| Next::Missed(self.topic, missed))
    }

    /// Batches from the cursor on, and the number after them unless they are all.
    fn collect(&self, inner: &Inner, cursor: u64) -> (Vec<Arc<Batch>>, Option<u64>) {
        let mut batches = Vec::new();
        let mut bytes = 0;
        for batch in inner.log(self.topic).from(self.range(cursor, 0).start) {
            if bytes >= MAX_READ {
                let last = batches
                    .last()
                    .map(|batch: &Arc<Batch>| batch.last_seq() + 1);
                return (batches, last);
            }
            bytes += batch.len();
            batches.push(Arc::clone(batch));
        }
        (batches, None)
    }
}
