//! How many may listen at a time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::ApiError;

/// A stream that one can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Telemetry,
    Drift,
    Events,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Telemetry, Self::Drift, Self::Events];

    /// The name in `/metrics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::Drift => "drift",
            Self::Events => "events",
        }
    }
}

/// Lets subscribers in, over all streams, and counts what happens to them.
#[derive(Debug)]
pub struct Gate {
    limit: usize,
    places: Arc<Semaphore>,
    counts: [Counts; Kind::ALL.len()],
}

/// Of one kind of stream.
#[derive(Debug, Default)]
pub struct Counts {
    open: AtomicU64,
    refused: AtomicU64,
    missed: AtomicU64,
}

impl Counts {
    /// How many read now.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// How many were turned away.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many events subscribers were too slow for, over all of them.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl Gate {
    /// Room for so many subscribers.
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            limit,
            places: Arc::new(Semaphore::new(limit)),
            counts: Kind::ALL.map(|_| Counts::default()),
        }
    }

    /// Most subscribers at a time.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What happened to the subscribers of this stream.
    pub fn counts(&self, kind: Kind) -> &Counts {
        &self.counts[kind as usize]
    }

    /// A place for one more subscriber.
    ///
    /// # Errors
    /// 503 when all are taken.
    pub fn enter(self: &Arc<Self>, kind: Kind) -> Result<Ticket, ApiError> {
        let counts = self.counts(kind);
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ApiError::unavailable(format!(
                "All {} places for event streams are taken; close one, or try again.",
                self.limit
            )));
        };
        counts.open.fetch_add(1, Ordering::Relaxed);
        Ok(Ticket {
            gate: Arc::clone(self),
            kind,
            _place: place,
        })
    }
}

/// The place of one subscriber, free again when this is dropped.
#[derive(Debug)]
pub struct Ticket {
    gate: Arc<Gate>,
    kind: Kind,
    _place: OwnedSemaphorePermit,
}

impl Ticket {
    /// Counts events that the subscriber was too slow for.
    pub fn missed(&self, count: u64) {
        let counts = self.gate.counts(self.kind);
        counts.missed.fetch_add(count, Ordering::Relaxed);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let counts = self.gate.counts(self.kind);
        counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}
