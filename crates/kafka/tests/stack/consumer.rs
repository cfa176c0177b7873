use std::time::Duration;

use hc_kafka::{ConsumerState, Outcome, ResetReason, TopicSpec};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::support::{Store, accept_all, admin, kafka, recorded, run, topic, unique, write};

const CAUGHT_UP: ConsumerState = ConsumerState::Reading { caught_up: true };

#[tokio::test]
async fn goes_on_where_the_store_says() {
    let topic = topic("position").await;
    write(&topic, &["1", "2"]).await;
    let mut running = run(&topic, Store::default(), accept_all());
    running.until_values(&["1", "2"]).await;
    running.until_state(CAUGHT_UP).await;
    let stored = running.stop().await;

    write(&topic, &["3"]).await;
    let mut running = run(&topic, stored, accept_all());
    let store = running.until_values(&["1", "2", "3"]).await;
    assert_eq!(store.resets, []);
    running.stop().await;
}

#[tokio::test]
async fn an_empty_topic_is_caught_up_with_at_once() {
    let topic = topic("empty").await;
    let mut running = run(&topic, Store::default(), accept_all());
    running.until_state(CAUGHT_UP).await;
    running.stop().await;
}

#[tokio::test]
async fn waits_for_a_topic_that_does_not_exist_yet() {
    let topic = unique("late");
    let mut running = run(&topic, Store::default(), accept_all());
    running.until_state(ConsumerState::WaitingForTopic).await;
    let spec = TopicSpec::new(&topic, 1);
    admin().create_topic(&spec).await.unwrap();
    write(&topic, &["1"]).await;
    running.until_values(&["1"]).await;
    running.stop().await;
}

#[tokio::test]
async fn stops_while_waiting_for_a_topic() {
    let mut running = run(&unique("never"), Store::default(), accept_all());
    running.until_state(ConsumerState::WaitingForTopic).await;
    running.stop().await;
}

#[tokio::test]
async fn a_topic_made_again_while_reading_starts_the_projection_over() {
    let topic = topic("recreated").await;
    let old_id = admin().topic(&topic).await.unwrap().unwrap().id;
    write(&topic, &["1", "2", "3"]).await;
    let mut running = run(&topic, Store::default(), accept_all());
    running.until_values(&["1", "2", "3"]).await;

    admin().delete_topic(&topic).await.unwrap();
    let spec = TopicSpec::new(&topic, 1);
    admin().create_topic(&spec).await.unwrap();
    // More than before, so that the old offset exists in the new topic.
    write(&topic, &["a", "b", "c", "d"]).await;

    let store = running.until_values(&["a", "b", "c", "d"]).await;
    assert_eq!(store.resets, [ResetReason::TopicRecreated { old_id }]);
    running.stop().await;
}

#[tokio::test]
async fn a_topic_made_again_while_stopped_starts_the_projection_over() {
    let topic = topic("swapped").await;
    write(&topic, &["a", "b"]).await;
    let stale = Store::at("an-earlier-topic", 1);
    let mut running = run(&topic, stale, accept_all());
    let store = running.until_values(&["a", "b"]).await;
    let old_id = "an-earlier-topic".to_owned();
    assert_eq!(store.resets, [ResetReason::TopicRecreated { old_id }]);
    running.stop().await;
}

#[tokio::test]
async fn an_offset_beyond_the_end_starts_the_projection_over() {
    let topic = topic("beyond").await;
    write(&topic, &["a"]).await;
    let id = admin().topic(&topic).await.unwrap().unwrap().id;
    let mut running = run(&topic, Store::at(&id, 7), accept_all());
    let store = running.until_values(&["a"]).await;
    let reason = ResetReason::OffsetBeyondEnd {
        partition: 0,
        offset: 7,
    };
    assert_eq!(store.resets, [reason]);
    running.stop().await;
}

#[tokio::test]
async fn records_that_retention_removed_are_passed_over_without_starting_over() {
    let topic = topic("retention").await;
    write(&topic, &["1", "2", "3"]).await;
    let native: AdminClient<DefaultClientContext> = native_config().create().unwrap();
    let mut removed = TopicPartitionList::new();
    removed
        .add_partition_offset(&topic, 0, Offset::Offset(2))
        .unwrap();
    native
        .delete_records(&removed, &AdminOptions::new())
        .await
        .unwrap();

    let id = admin().topic(&topic).await.unwrap().unwrap().id;
    let mut running = run(&topic, Store::at(&id, 1), accept_all());
    let store = running.until_values(&["3"]).await;
    assert_eq!(store.resets, []);
    running.stop().await;
}

#[tokio::test]
async fn a_retry_brings_the_same_batch_again() {
    let topic = topic("retry").await;
    write(&topic, &["1", "2"]).await;
    let (judge, mut seen) = recorded(|call, _| match call {
        1 | 2 => Outcome::Retry {
            reason: "the store is away".to_owned(),
        },
        _ => Outcome::Done,
    });
    let mut running = run(&topic, Store::default(), judge);
    running.until_values(&["1", "2"]).await;
    running.stop().await;
    let first = seen.recv().await.unwrap();
    for _ in 0..2 {
        assert_eq!(seen.recv().await.unwrap(), first);
    }
}

#[tokio::test]
async fn stopping_during_retries_leaves_the_batch_for_the_next_start() {
    let topic = topic("give-up").await;
    write(&topic, &["1"]).await;
    let (judge, mut seen) = recorded(|_, _| Outcome::Retry {
        reason: "the store is away".to_owned(),
    });
    let mut running = run(&topic, Store::default(), judge);
    seen.recv().await.unwrap();
    running
        .until_state(ConsumerState::BackingOff {
            reason: "the store is away".to_owned(),
        })
        .await;
    let stored = running.stop().await;
    assert_eq!(stored, Store::default());
    let mut running = run(&topic, stored, accept_all());
    running.until_values(&["1"]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_finishes_the_batch_in_hand() {
    let topic = topic("in-hand").await;
    write(&topic, &["1"]).await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (judge, mut seen) = recorded(move |_, _| {
        tokio::task::block_in_place(|| released.recv()).unwrap();
        Outcome::Done
    });
    let running = run(&topic, Store::default(), judge);
    seen.recv().await.unwrap();
    running.cancel();
    release.send(()).unwrap();
    assert_eq!(running.stop().await.values(), ["1"]);
}

#[tokio::test]
async fn aborted_transactions_are_not_read() {
    let topic = topic("transactions").await;
    let sent = topic.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let producer: BaseProducer = native_config()
            .set("transactional.id", &sent)
            .create()
            .unwrap();
        let timeout = Duration::from_secs(30);
        producer.init_transactions(timeout).unwrap();
        for (value, keep) in [("lost", false), ("kept", true)] {
            producer.begin_transaction().unwrap();
            let record = BaseRecord::to(&sent).key("k").payload(value);
            producer.send(record).unwrap();
            if keep {
                producer.commit_transaction(timeout).unwrap();
            } else {
                // Written to the log before it is taken back.
                producer.flush(timeout).unwrap();
                producer.abort_transaction(timeout).unwrap();
            }
        }
    });
    writing.await.unwrap();
    let mut running = run(&topic, Store::default(), accept_all());
    running.until_values(&["kept"]).await;
    running.until_state(CAUGHT_UP).await;
    running.stop().await;
}

fn native_config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka().bootstrap_servers);
    config
}
