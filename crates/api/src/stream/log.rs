//! The newest events of one topic.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;
use serde::Serialize;

use super::topic::{Counts, Subject, Wanted};

/// One event of a batch.
#[derive(Debug, Clone, Copy)]
struct Entry {
    seq: u64,
    subject: Subject,
    /// Where its frame ends in the bytes of the batch.
    end: usize,
}

/// Events that were published shortly after each other, as they go on the wire: one piece of memory that all readers
/// share.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    bytes: Bytes,
}

impl Batch {
    pub(super) fn last_seq(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.seq)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The events with sequence numbers in this range.
    fn range(&self, seqs: &Range<u64>) -> Range<usize> {
        let at = |seq| self.entries.partition_point(|entry| entry.seq < seq);
        at(seqs.start)..at(seqs.end)
    }

    fn start(&self, index: usize) -> usize {
        index
            .checked_sub(1)
            .map_or(0, |before| self.entries[before].end)
    }

    /// The frames of this range that match, with their sequence numbers.
    pub(super) fn frames(
        &self,
        seqs: &Range<u64>,
        wanted: Wanted,
    ) -> impl Iterator<Item = (u64, &[u8])> {
        self.range(seqs)
            .filter(move |index| wanted.has(self.entries[*index].subject))
            .map(|index| {
                let entry = &self.entries[index];
                (entry.seq, &self.bytes[self.start(index)..entry.end])
            })
    }

    /// All frames of this range and how many they are, without a copy.
    pub(super) fn slice(&self, seqs: &Range<u64>) -> (u64, Bytes) {
        let range = self.range(seqs);
        let bytes = self
            .bytes
            .slice(self.start(range.start)..self.start(range.end));
        (range.len() as u64, bytes)
    }
}

/// Keeps at least the newest so many events.
#[derive(Debug)]
pub(super) struct Log {
    capacity: usize,
    batches: VecDeque<Arc<Batch>>,
    /// Events in `batches`.
    kept: usize,
    /// Frames that no reader sees yet.
    open: Vec<u8>,
    open_entries: Vec<Entry>,
    /// Events that were dropped since the last reset.
    dropped: Counts,
    /// From here on, every event is still here.
    complete_from: u64,
    /// How often everything was taken back.
    resets: u64,
}

impl Log {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            batches: VecDeque::new(),
            kept: 0,
            open: Vec::new(),
            open_entries: Vec::new(),
            dropped: Counts::default(),
            complete_from: 0,
            resets: 0,
        }
    }

    /// Adds an event as a frame. Returns how many wait to be sealed.
    ///
    /// # Errors
    /// When the data cannot be written as JSON; nothing is added then.
    pub(super) fn add(
        &mut self,
        boot: &str,
        seq: u64,
        event: &str,
        subject: Subject,
        data: &impl Serialize,
    ) -> serde_json::Result<usize> {
        let start = self.open.len();
        let written = self.write(boot, seq, event, data);
        if let Err(error) = written {
            self.open.truncate(start);
            return Err(error);
        }
        let end = self.open.len();
        self.open_entries.push(Entry { seq, subject, end });
        Ok(self.open_entries.len())
    }

    fn write(
        &mut self,
        boot: &str,
        seq: u64,
        event: &str,
        data: &impl Serialize,
    ) -> serde_json::Result<()> {
        let out = &mut self.open;
        write!(out, "id: {boot}-{seq}\nevent: {event}\ndata: ").map_err(io_error)?;
        serde_json::to_writer(&mut *out, data)?;
        out.extend_from_slice(b"\n\n");
        Ok(())
    }

    /// Shows readers what was added, and drops what is too much.
    pub(super) fn seal(&mut self) {
        if self.open_entries.is_empty() {
            return;
        }
        self.kept += self.open_entries.len();
        self.batches.push_back(Arc::new(Batch {
            entries: std::mem::take(&mut self.open_entries),
            bytes: std::mem::take(&mut self.open).into(),
        }));
        while let Some(oldest) = self.batches.front()
            && self.kept - oldest.entries.len() >= self.capacity
        {
            self.kept -= oldest.entries.len();
            self.complete_from = oldest.last_seq() + 1;
            for entry in &oldest.entries {
                self.dropped.add(entry.subject);
            }
            self.batches.pop_front();
        }
    }

    /// Takes everything back; what is published from `next` on is kept again.
    pub(super) fn reset(&mut self, next: u64) {
        let resets = self.resets + 1;
        *self = Self::new(self.capacity);
        self.complete_from = next;
        self.resets = resets;
    }

    pub(super) fn complete_from(&self) -> u64 {
        self.complete_from
    }

    pub(super) fn resets(&self) -> u64 {
        self.resets
    }

    /// Matching events that were dropped since the last reset.
    pub(super) fn dropped(&self, wanted: Wanted) -> u64 {
        self.dropped.of(wanted)
    }

    /// The batches that have events from this sequence number on.
    pub(super) fn from(&self, seq: u64) -> impl Iterator<Item = &Arc<Batch>> {
        let first = self.batches.partition_point(|batch| batch.last_seq() < seq);
        self.batches.range(first..)
    }

    /// Matching events before this sequence number since the last reset.
    pub(super) fn before(&self, seq: u64, wanted: Wanted) -> u64 {
        let kept: usize = self
            .batches
            .iter()
            .map(|batch| batch.frames(&(0..seq), wanted).count())
            .sum();
        self.dropped(wanted) + kept as u64
    }
}

/// Writing to memory does not fail, but its type says that it may.
fn io_error(error: io::Error) -> serde_json::Error {
    serde::ser::Error::custom(error)
}
