use hc_kafka::{Batch, DeadLetters, Header, Outcome, Outgoing, Rejected, dead_letters};

use crate::support::{Store, accept_all, producer, recorded, run, topic};

fn value(batch: &Batch, index: usize) -> &[u8] {
    batch.records[index]
        .value
        .as_deref()
        .unwrap_or(b"tombstone")
}

#[tokio::test]
async fn a_rejected_record_is_kept_as_it_was_and_the_others_are_handled() {
    let topic = topic("reject").await;
    let producer = producer();
    let bad = Outgoing {
        topic: topic.clone(),
        key: Some(vec![0xff, 0x00]),
        value: Some(b"bad \xff bytes".to_vec()),
        headers: vec![
            Header::new("trace", "t1"),
            Header {
                name: "empty".to_owned(),
                value: None,
            },
        ],
        ..Outgoing::default()
    };
    let bad_tombstone = Outgoing {
        topic: topic.clone(),
        key: Some(b"gone".to_vec()),
        ..Outgoing::default()
    };
    let good = |text: &str| Outgoing::new(&topic, b"k".to_vec(), text.as_bytes().to_vec());
    for record in [good("1"), bad, good("2"), bad_tombstone, good("3")] {
        producer.deliver(record).await.unwrap();
    }

    let (judge, mut seen) = recorded(|_, batch| {
        let rejected: Vec<_> = (0..batch.records.len())
            .filter(|i| [&b"bad \xff bytes"[..], b"tombstone"].contains(&value(batch, *i)))
            .map(|index| Rejected {
                index,
                reason: format!("not good: offset {}", batch.records[index].offset),
            })
            .collect();
        if rejected.is_empty() {
            Outcome::Done
        } else {
            Outcome::DeadLetter(rejected)
        }
    });
    let mut running = run(&topic, Store::default(), judge);
    let store = running.until_values(&["1", "2", "3"]).await;
    assert_eq!(
        store.position.unwrap().offsets[&0],
        5,
        "passes over the rejected"
    );
    running.stop().await;
    assert!(seen.recv().await.is_some());

    let mut letters = run(&DeadLetters::topic(&topic), Store::default(), accept_all());
    let letters_store = letters
        .until("two dead letters", |store| store.records.len() == 2)
        .await;
    letters.stop().await;
    let find = |key: &[u8]| {
        let found = letters_store.records.iter();
        found
            .clone()
            .find(|r| r.key.as_deref() == Some(key))
            .unwrap()
    };
    let reason = |offset: &str| {
        [
            Header::new(dead_letters::TOPIC, topic.as_str()),
            Header::new(dead_letters::PARTITION, "0"),
            Header::new(dead_letters::OFFSET, offset),
            Header::new(dead_letters::REASON, format!("not good: offset {offset}")),
        ]
    };
    let letter = find(&[0xff, 0x00]);
    assert_eq!(letter.value.as_deref(), Some(&b"bad \xff bytes"[..]));
    assert_eq!(letter.headers[0], Header::new("trace", "t1"));
    assert_eq!(letter.headers[1].name, "empty");
    assert_eq!(letter.headers[1].value, None);
    assert_eq!(letter.headers[2..], reason("1"));
    let letter = find(b"gone");
    assert_eq!(letter.value, None, "a tombstone stays one");
    assert_eq!(letter.headers, reason("3"));
}

#[tokio::test]
async fn a_batch_of_nothing_but_rejects_still_moves_the_position() {
    let topic = topic("all-bad").await;
    crate::support::write(&topic, &["bad"]).await;
    let (judge, _seen) = recorded(|_, batch| match batch.records.len() {
        0 => Outcome::Done,
        _ => Outcome::DeadLetter(vec![Rejected {
            index: 0,
            reason: "bad".to_owned(),
        }]),
    });
    let mut running = run(&topic, Store::default(), judge);
    let store = running
        .until("the position", |store| store.position.is_some())
        .await;
    assert_eq!(store.position.unwrap().offsets[&0], 1);
    assert_eq!(store.records, []);
    running.stop().await;
}
