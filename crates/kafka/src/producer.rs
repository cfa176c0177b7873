//! A producer that never drops: idempotent, acknowledged by all replicas, and when the queue is full the
//! caller waits.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext,
    client::DefaultClientContext,
    error::KafkaError,
    message::Message,
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, oneshot};

use crate::{
    config::KafkaConfig,
    record::{Outgoing, native_headers},
};

/// Longest wait before a full queue is tried again.
const RETRY_FULL: Duration = Duration::from_millis(5);

/// Failures that a slow listener may lag behind before it misses one. The counters miss none.
const FAILURES_KEPT: usize = 256;

/// How the producer trades latency for throughput.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerSettings {
    pub client_id: String,
    /// Records handed over and not yet acknowledged; the next `send` waits.
    pub max_in_flight: usize,
    /// The same limit for keys and values, in KiB.
    pub max_in_flight_kib: u32,
    /// How long a record waits for company.
    pub linger: Duration,
    /// A record that is not acknowledged in this time is reported as failed. Zero never gives up, so that nothing has
    /// to be sent again by the caller: the client repeats itself without making duplicates, and the caller could not.
    pub delivery_timeout: Duration,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            client_id: "hc-producer".to_owned(),
            max_in_flight: 10_000,
            max_in_flight_kib: 64 * 1024,
            linger: Duration::from_millis(5),
            delivery_timeout: Duration::from_secs(120),
        }
    }
}

/// Why a record was not taken or not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    #[error("Kafka refused a record for topic {topic}: {cause}")]
    Refused { topic: String, cause: KafkaError },
    #[error("Kafka did not acknowledge a record for topic {topic}: {cause}")]
    NotDelivered { topic: String, cause: KafkaError },
    #[error("{in_flight} records were not acknowledged before the time limit")]
    NotFlushed { in_flight: u64 },
    #[error("the producer is closed")]
    Closed,
}

/// A record that was taken, and then given up.
#[derive(Debug, Clone)]
pub struct DeliveryFailure {
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub code: Option<RDKafkaErrorCode>,
    pub reason: String,
}

/// Counters since the producer was made, and its queue now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProducerStats {
    pub taken: u64,
    pub acknowledged: u64,
    pub failed: u64,
    /// Records that were not taken, for another reason than a full queue.
    pub refused: u64,
    /// Errors of the client itself, such as a lost connection; it mends them when it can.
    pub errors: u64,
    /// Senders that wait for room, now.
    pub waiting: u64,
    /// Most records in flight.
    pub capacity: u64,
}

impl ProducerStats {
    pub fn in_flight(&self) -> u64 {
        self.taken.saturating_sub(self.acknowledged + self.failed)
    }
}

/// Where a record went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    pub partition: i32,
    pub offset: i64,
}

/// Sends records. Clones share one queue and one connection.
#[derive(Clone)]
pub struct Producer {
    client: Arc<RwLock<ThreadedProducer<Reports>>>,
    config: Arc<(KafkaConfig, ProducerSettings)>,
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
}

struct Shared {
    taken: AtomicU64,
    acknowledged: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
    waiting: AtomicU64,
    capacity: u64,
    failures: broadcast::Sender<DeliveryFailure>,
    /// Signalled with every delivery report.
    reported: Notify,
}

/// Receives delivery reports on the client's thread.
struct Reports(Arc<Shared>);

/// What a record carries while it is under way. Dropping it makes room for the next.
struct InFlight {
    _room: OwnedSemaphorePermit,
    acknowledge: Option<oneshot::Sender<Result<Delivered, SendError>>>,
}

impl Producer {
    /// Makes the client; it connects by itself, so an absent broker is no error yet.
    pub fn new(config: &KafkaConfig, settings: &ProducerSettings) -> Result<Self, KafkaError> {
        let shared = Arc::new(Shared {
            taken: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            capacity: u64::try_from(settings.max_in_flight).unwrap_or(u64::MAX),
            failures: broadcast::channel(FAILURES_KEPT).0,
            reported: Notify::new(),
        });
        let client = connect(config, settings, &shared)?;
        Ok(Self {
            client: Arc::new(RwLock::new(client)),
            config: Arc::new((config.clone(), settings.clone())),
            shared,
            room: Arc::new(Semaphore::new(settings.max_in_flight)),
        })
    }

    /// Goes on with a new client, after an error that the old one does not recover from, such as a topic that was
    /// deleted and made again under it. What the old one has not delivered yet is reported as failed.
    pub fn renew(&self) -> Result<(), KafkaError> {
        let (config, settings) = &*self.config;
        let client = connect(config, settings, &self.shared)?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }

    fn client(&self) -> ThreadedProducer<Reports> {
        self.client
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for room and hands the record over. Its delivery is reported by the counters and, when it
    /// fails, by [`Producer::failures`].
    pub async fn send(&self, record: Outgoing) -> Result<(), SendError> {
        self.hand_over(record, None).await
    }

    /// Hands the record over and waits until all replicas have it.
    pub async fn deliver(&self, record: Outgoing) -> Result<Delivered, SendError> {
        let (acknowledge, acknowledged) = oneshot::channel();
        self.hand_over(record, Some(acknowledge)).await?;
        acknowledged.await.map_err(|_dropped| SendError::Closed)?
    }

    /// Waits until every record handed over so far is acknowledged or given up.
    pub async fn flush(&self, limit: Duration) -> Result<(), SendError> {
        let client = self.client();
        let flushed = tokio::task::spawn_blocking(move || client.flush(limit))
            .await
            .map_err(|_cancelled| SendError::Closed)?;
        flushed.map_err(|_cause| SendError::NotFlushed {
            in_flight: self.stats().in_flight(),
        })
    }

    pub fn stats(&self) -> ProducerStats {
        // Outcomes before `taken`, so that in-flight is never below the truth.
        let acknowledged = self.shared.acknowledged.load(Ordering::Acquire);
        let failed = self.shared.failed.load(Ordering::Acquire);
        ProducerStats {
            taken: self.shared.taken.load(Ordering::Acquire),
            acknowledged,
            failed,
            refused: self.shared.refused.load(Ordering::Acquire),
            errors: self.shared.errors.load(Ordering::Acquire),
            waiting: self.shared.waiting.load(Ordering::Acquire),
            capacity: self.shared.capacity,
        }
    }

    /// Failed deliveries from now on. A listener that lags is told how many it missed.
    pub fn failures(&self) -> broadcast::Receiver<DeliveryFailure> {
        self.shared.failures.subscribe()
    }

    async fn hand_over(
        &self,
        record: Outgoing,
        acknowledge: Option<oneshot::Sender<Result<Delivered, SendError>>>,
    ) -> Result<(), SendError> {
        let waiting = Waiting::new(&self.shared);
        let room = Arc::clone(&self.room)
            .acquire_owned()
            .await
            .map_err(|_closed| SendError::Closed)?;
        let mut in_flight = Box::new(InFlight {
            _room: room,
            acknowledge,
        });
        let client = self.client();
        loop {
            // Registered before the attempt, so a report in between is not missed.
            let reported = self.shared.reported.notified();
            match client.send(native(&record, in_flight)) {
                Ok(()) => {
                    self.shared.taken.fetch_add(1, Ordering::AcqRel);
                    drop(waiting);
                    return Ok(());
                }
                // No room in bytes. It is made shortly after a report, so the report alone may come too early.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    in_flight = refused.delivery_opaque;
                    let _early_or_late = tokio::time::timeout(RETRY_FULL, reported).await;
                }
                Err((cause, _)) => {
                    self.shared.refused.fetch_add(1, Ordering::AcqRel);
                    return Err(SendError::Refused {
                        topic: record.topic,
                        cause,
                    });
                }
            }
        }
    }
}

/// Counts a sender as waiting until it is dropped, also when the sender gives up.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.waiting.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

fn connect(
    config: &KafkaConfig,
    settings: &ProducerSettings,
    shared: &Arc<Shared>,
) -> Result<ThreadedProducer<Reports>, KafkaError> {
    config
        .client(&settings.client_id)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("compression.type", "lz4")
        // The partition of a key is then the one that Java clients, Connect and Flink compute.
        .set("partitioner", "murmur2_random")
        .set("linger.ms", settings.linger.as_millis().to_string())
        .set(
            "delivery.timeout.ms",
            settings.delivery_timeout.as_millis().to_string(),
        )
        // The client counts a record until after its report, so its own limit must leave some room: the
        // semaphore is what limits.
        .set(
            "queue.buffering.max.messages",
            (settings.max_in_flight.saturating_mul(2)).to_string(),
        )
        .set(
            "queue.buffering.max.kbytes",
            settings.max_in_flight_kib.to_string(),
        )
        .create_with_context(Reports(Arc::clone(shared)))
}

fn native(
    record: &Outgoing,
    in_flight: Box<InFlight>,
) -> BaseRecord<'_, [u8], [u8], Box<InFlight>> {
    let mut native = BaseRecord::with_opaque_to(&record.topic, in_flight);
    native.partition = record.partition;
    native.key = record.key.as_deref();
    native.payload = record.value.as_deref();
    native.headers = native_headers(&record.headers);
    native.timestamp = record.timestamp;
    native
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.errors.fetch_add(1, Ordering::AcqRel);
        DefaultClientContext.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<InFlight>;

    fn delivery(&self, result: &DeliveryResult<'_>, in_flight: Box<InFlight>) {
        let answer = match result {
            Ok(message) => {
                self.0.acknowledged.fetch_add(1, Ordering::AcqRel);
                Ok(Delivered {
                    partition: message.partition(),
                    offset: message.offset(),
                })
            }
            Err((cause, message)) => {
                self.0.failed.fetch_add(1, Ordering::AcqRel);
                tracing::warn!(topic = message.topic(), %cause, "a record was not delivered");
                // Without a listener the counter still tells.
                let _no_listener = self.0.failures.send(DeliveryFailure {
                    topic: message.topic().to_owned(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    code: cause.rdkafka_error_code(),
                    reason: cause.to_string(),
                });
                Err(SendError::NotDelivered {
                    topic: message.topic().to_owned(),
                    cause: cause.clone(),
                })
            }
        };
        let InFlight { _room, acknowledge } = *in_flight;
        if let Some(acknowledge) = acknowledge {
            // The sender may have stopped waiting.
            let _gone = acknowledge.send(answer);
        }
        drop(_room);
        self.0.reported.notify_waiters();
    }
}
