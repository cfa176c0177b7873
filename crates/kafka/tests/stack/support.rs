//! Addresses, names, and a projection that keeps its rows in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use hc_kafka::{
    Admin, Batch, ConsumerError, ConsumerLoop, ConsumerSettings, ConsumerState, DeadLetters,
    Handler, KafkaConfig, Outcome, Outgoing, Position, Producer, ProducerSettings, Progress,
    Record, Registry, RegistryConfig, ResetReason, Topic, TopicSpec,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Nothing here takes long; whoever waits this long waits in vain.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run through ./run_tests.sh or hc-platform exec")
    })
}

pub(crate) fn kafka() -> KafkaConfig {
    KafkaConfig::plaintext(address("KAFKA_BOOTSTRAP_SERVERS"))
}

pub(crate) fn registry_config() -> RegistryConfig {
    RegistryConfig::plain(address("SCHEMA_REGISTRY_URL"))
}

pub(crate) fn registry() -> Registry {
    Registry::new(&registry_config()).unwrap()
}

pub(crate) fn admin() -> Admin {
    Admin::new(&kafka()).unwrap()
}

pub(crate) fn producer() -> Producer {
    Producer::new(&kafka(), &ProducerSettings::default()).unwrap()
}

/// A name that no other test and no earlier run has used.
pub(crate) fn unique(name: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{n}", since.as_micros())
}

/// A new topic with one partition.
pub(crate) async fn topic(name: &str) -> String {
    let topic = unique(name);
    let created = admin().create_topic(&TopicSpec::new(&topic, 1)).await;
    assert!(created.unwrap());
    topic
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("waited {LIMIT:?} in vain for {what}"))
}

/// Writes values to partition 0, all with the key `k`.
pub(crate) async fn write(topic: &str, values: &[&str]) {
    let producer = producer();
    for value in values {
        let record = Outgoing::new(topic, b"k".to_vec(), value.as_bytes().to_vec());
        producer.deliver(record).await.unwrap();
    }
}

/// What a projection stores: the effect and the position, together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) records: Vec<Record>,
    pub(crate) position: Option<Position>,
    pub(crate) resets: Vec<ResetReason>,
}

impl Store {
    pub(crate) fn values(&self) -> Vec<String> {
        self.records
            .iter()
            .map(|record| match &record.value {
                Some(value) => String::from_utf8_lossy(value).into_owned(),
                None => "tombstone".to_owned(),
            })
            .collect()
    }

    pub(crate) fn at(topic_id: &str, offset: i64) -> Self {
        Self {
            position: Some(Position {
                topic_id: topic_id.to_owned(),
                offsets: BTreeMap::from([(0, offset)]),
            }),
            ..Self::default()
        }
    }
}

type Judge = Box<dyn FnMut(&Batch) -> Outcome + Send>;

/// Stores every batch for which `judge` says done, and announces each change of the store.
pub(crate) struct Projection {
    store: watch::Sender<Store>,
    judge: Judge,
}

impl Handler for Projection {
    async fn position(
        &mut self,
        _topic: &Topic,
    ) -> Result<Option<Position>, hc_kafka::HandlerError> {
        Ok(self.store.borrow().position.clone())
    }

    async fn reset(
        &mut self,
        _topic: &Topic,
        reason: &ResetReason,
    ) -> Result<(), hc_kafka::HandlerError> {
        self.store.send_modify(|store| {
            store.records.clear();
            store.position = None;
            store.resets.push(reason.clone());
        });
        Ok(())
    }

    async fn handle(&mut self, batch: &Batch) -> Outcome {
        let outcome = (self.judge)(batch);
        if outcome == Outcome::Done {
            self.store.send_modify(|store| {
                store.records.extend(batch.records.iter().cloned());
                let position = store.position.get_or_insert_with(|| Position {
                    topic_id: batch.topic.id.clone(),
                    offsets: BTreeMap::new(),
                });
                position.topic_id = batch.topic.id.clone();
                position.offsets.extend(batch.next_offsets.clone());
            });
        }
        outcome
    }
}

/// A running loop and what its projection has stored.
pub(crate) struct Running {
    pub(crate) store: watch::Receiver<Store>,
    pub(crate) state: watch::Receiver<ConsumerState>,
    pub(crate) progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), ConsumerError>>,
}

pub(crate) fn accept_all() -> Judge {
    Box::new(|_| Outcome::Done)
}

pub(crate) fn run(topic: &str, store: Store, judge: Judge) -> Running {
    let store = watch::Sender::new(store);
    let settings = ConsumerSettings {
        topic_check: Duration::from_millis(50),
        backoff: Duration::from_millis(5),
        ..ConsumerSettings::new(topic, "hc-test")
    };
    let dead_letters = DeadLetters::new(admin(), producer());
    let consumer = ConsumerLoop::new(&kafka(), settings, admin(), dead_letters);
    let cancel = CancellationToken::new();
    Running {
        store: store.subscribe(),
        state: consumer.state(),
        progress: consumer.progress(),
        task: tokio::spawn(consumer.run(Projection { store, judge }, cancel.clone())),
        cancel,
    }
}

impl Running {
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Store) -> bool) -> Store {
        let found = within(what, self.store.wait_for(done)).await;
        found.expect("the loop runs").clone()
    }

    pub(crate) async fn until_values(&mut self, values: &[&str]) -> Store {
        self.until(&format!("{values:?}"), |store| store.values() == values)
            .await
    }

    pub(crate) async fn until_state(&mut self, state: ConsumerState) {
        let what = format!("{state:?}");
        let found = within(&what, self.state.wait_for(|now| *now == state)).await;
        found.expect("the loop runs");
    }

    /// Stops the loop and returns what is stored.
    pub(crate) async fn stop(self) -> Store {
        self.cancel.cancel();
        within("the loop to stop", self.task)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*self.state.borrow(), ConsumerState::Stopped);
        self.store.borrow().clone()
    }

    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
    }
}

/// Judges that tell the test what they saw.
pub(crate) fn recorded(
    mut judge: impl FnMut(usize, &Batch) -> Outcome + Send + 'static,
) -> (Judge, mpsc::UnboundedReceiver<Batch>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let calls = Arc::new(Mutex::new(0));
    let judge = move |batch: &Batch| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        sender.send(batch.clone()).unwrap();
        judge(*calls, batch)
    };
    (Box::new(judge), seen)
}
