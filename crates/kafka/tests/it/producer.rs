use std::time::Duration;

use futures::FutureExt;
use hc_kafka::{KafkaConfig, Outgoing, Producer, ProducerSettings, SendError};

/// Nobody listens on port 1.
fn without_broker(max_in_flight: usize) -> Producer {
    let settings = ProducerSettings {
        max_in_flight,
        delivery_timeout: Duration::from_millis(500),
        ..ProducerSettings::default()
    };
    Producer::new(&KafkaConfig::plaintext("127.0.0.1:1"), &settings).unwrap()
}

fn record(i: usize) -> Outgoing {
    Outgoing::new("topic", b"key".to_vec(), i.to_string().into_bytes())
}

#[tokio::test]
async fn a_full_queue_makes_the_sender_wait_and_failures_are_reported() {
    let producer = without_broker(3);
    let mut failures = producer.failures();
    for i in 0..3 {
        producer.send(record(i)).now_or_never().unwrap().unwrap();
    }
    // Pinned: the same attempt that waits is the one that succeeds later.
    let mut fourth = Box::pin(producer.send(record(3)));
    assert!(fourth.as_mut().now_or_never().is_none(), "no room");
    assert_eq!(producer.stats().taken, 3);

    // The broker stays away, the first three are given up, and there is room.
    fourth.await.unwrap();
    let mut values = Vec::new();
    for _ in 0..4 {
        let failure = failures.recv().await.unwrap();
        assert_eq!(failure.topic, "topic");
        assert_eq!(failure.key.as_deref(), Some(b"key".as_slice()));
        values.push(String::from_utf8(failure.value.unwrap()).unwrap());
    }
    assert_eq!(values, ["0", "1", "2", "3"]);
    let stats = producer.stats();
    assert_eq!((stats.taken, stats.acknowledged, stats.failed), (4, 0, 4));
}

#[tokio::test]
async fn a_delivery_that_fails_says_so() {
    let producer = without_broker(3);
    let error = producer.deliver(record(0)).await.unwrap_err();
    assert!(matches!(error, SendError::NotDelivered { .. }), "{error}");
}

#[tokio::test]
async fn flushing_without_a_broker_ends_at_the_limit() {
    let settings = ProducerSettings::default();
    let config = KafkaConfig::plaintext("127.0.0.1:1");
    let producer = Producer::new(&config, &settings).unwrap();
    producer.send(record(0)).await.unwrap();
    let error = producer.flush(Duration::from_millis(50)).await.unwrap_err();
    assert!(
        matches!(error, SendError::NotFlushed { in_flight: 1 }),
        "{error}"
    );
}
