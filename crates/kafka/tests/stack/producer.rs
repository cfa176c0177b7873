use std::time::Duration;

use hc_kafka::{Outgoing, Producer, ProducerSettings, TopicSpec};

use crate::support::{LIMIT, admin, kafka, topic, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tiny_queue_slows_the_senders_and_drops_nothing() {
    const SENDERS: usize = 4;
    const EACH: usize = 2_500;
    const ROOM: usize = 10;
    let topic = topic("room").await;
    let settings = ProducerSettings {
        max_in_flight: ROOM,
        linger: Duration::ZERO,
        ..ProducerSettings::default()
    };
    let producer = Producer::new(&kafka(), &settings).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let (producer, topic) = (producer.clone(), topic.clone());
        tasks.spawn(async move {
            for i in 0..EACH {
                let value = format!("{sender}/{i}").into_bytes();
                let record = Outgoing::new(&topic, b"k".to_vec(), value);
                producer.send(record).await.unwrap();
                let in_flight = producer.stats().in_flight();
                assert!(in_flight <= ROOM as u64, "{in_flight} in flight");
            }
        });
    }
    within("all sent", tasks.join_all()).await;
    producer.flush(LIMIT).await.unwrap();

    let stats = producer.stats();
    let total = (SENDERS * EACH) as u64;
    assert_eq!(
        (stats.taken, stats.acknowledged, stats.failed),
        (total, total, 0)
    );
    assert_eq!(stats.in_flight(), 0);
    assert_eq!((stats.capacity, stats.waiting), (ROOM as u64, 0));
    let marks = admin().watermarks(&topic).await.unwrap().unwrap();
    assert_eq!(marks[&0].high, i64::try_from(total).unwrap());
}

#[tokio::test]
async fn a_queue_that_is_full_in_bytes_drops_nothing_either() {
    let topic = topic("bytes").await;
    let settings = ProducerSettings {
        max_in_flight_kib: 1,
        linger: Duration::ZERO,
        ..ProducerSettings::default()
    };
    let producer = Producer::new(&kafka(), &settings).unwrap();
    let sending = async {
        for _ in 0..200 {
            let record = Outgoing::new(&topic, b"k".to_vec(), vec![b'v'; 600]);
            producer.send(record).await.unwrap();
        }
    };
    within("all sent", sending).await;
    producer.flush(LIMIT).await.unwrap();
    assert_eq!(producer.stats().acknowledged, 200);
    let marks = admin().watermarks(&topic).await.unwrap().unwrap();
    assert_eq!(marks[&0].high, 200);
}

#[tokio::test]
async fn an_absent_topic_is_a_failure_and_not_a_silence() {
    let settings = ProducerSettings {
        delivery_timeout: Duration::from_secs(1),
        ..ProducerSettings::default()
    };
    let producer = Producer::new(&kafka(), &settings).unwrap();
    let mut failures = producer.failures();
    let absent = crate::support::unique("absent");
    let record = Outgoing::new(&absent, b"k".to_vec(), b"v".to_vec());
    producer.send(record).await.unwrap();
    let failure = within("the failure", failures.recv()).await.unwrap();
    assert_eq!(failure.topic, absent);
    assert_eq!(failure.value.as_deref(), Some(b"v".as_slice()));
    assert_eq!(producer.stats().failed, 1);
}

#[tokio::test]
async fn a_topic_made_again_is_written_to_by_the_same_producer() {
    let topic = topic("outlived").await;
    let producer = crate::support::producer();
    let record = || Outgoing::new(&topic, b"k".to_vec(), b"v".to_vec());
    for _ in 0..3 {
        producer.deliver(record()).await.unwrap();
    }
    admin().delete_topic(&topic).await.unwrap();
    let spec = TopicSpec::new(&topic, 1);
    admin().create_topic(&spec).await.unwrap();
    let delivered = within("the acknowledgement", producer.deliver(record())).await;
    assert_eq!(delivered.unwrap().offset, 0);
    producer.deliver(record()).await.unwrap();
    let marks = admin().watermarks(&topic).await.unwrap().unwrap();
    assert_eq!(marks[&0].high, 2);
}
