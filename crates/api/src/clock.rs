//! Time and randomness, passed in so that tests choose them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};
use hc_domain::{DeviceId, EpochMillis, PrescriptionId};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// Wall time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Stands still at this many epoch milliseconds until a test moves it.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still.
    pub fn fixed(now: EpochMillis) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(now)))
    }

    /// Epoch milliseconds.
    pub fn now_millis(&self) -> EpochMillis {
        match self {
            Self::System => Utc::now().timestamp_millis(),
            Self::Fixed(now) => now.load(Ordering::Relaxed),
        }
    }

    /// The same instant as a date and time.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_millis()).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// Draws identifiers.
#[derive(Debug)]
pub struct Ids(Mutex<StdRng>);

impl Ids {
    /// Identifiers that nobody can guess.
    pub fn random() -> Self {
        Self(Mutex::new(StdRng::from_os_rng()))
    }

    /// The same identifiers each time.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// An identifier for a request.
    pub fn request(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.with(|rng| rng.fill_bytes(&mut bytes));
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// An identifier for a prescription of this device.
    pub fn prescription(&self, device: &DeviceId) -> PrescriptionId {
        self.with(|rng| PrescriptionId::generate(device, rng))
    }

    /// Eight hexadecimal digits that tell one run of the service from the next, for the ids of stream frames.
    pub fn boot(&self) -> String {
        format!("{:08x}", self.with(RngCore::next_u32))
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        // A panic while drawing leaves a usable generator behind.
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
