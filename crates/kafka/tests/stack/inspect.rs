//! Records that cannot be read, found, shown and deleted on a real broker.

use hc_kafka::{
    AdminError, Encoder, Flaw, InspectError, Inspector, Outgoing, Part, TopicSpec, Unreadable,
};
use rdkafka::error::RDKafkaErrorCode;

use crate::support::{admin, kafka, producer, registry, topic, unique};

const NUMBER: &str =
    r#"{"type": "record", "name": "N", "fields": [{"name": "n", "type": "long"}]}"#;
const TEXT: &str =
    r#"{"type": "record", "name": "N", "fields": [{"name": "t", "type": "string"}]}"#;

#[derive(serde::Serialize)]
struct Number {
    n: i64,
}

/// The value of a record and what is wrong with it.
async fn values(topic: &str) -> Vec<(Option<Vec<u8>>, Option<Flaw>)> {
    let registry = registry();
    let id = registry
        .register(&format!("{topic}-value"), NUMBER)
        .await
        .unwrap();
    let stranger = registry.register(&unique("text"), TEXT).await.unwrap();
    let schema = registry.schema_by_id(id).await.unwrap();
    let good = Encoder::new(id, schema).unwrap().encode(&Number { n: 7 });
    let good = good.unwrap();
    let of = |id: u32, datum: &[u8]| Some([&[0], &id.to_be_bytes()[..], datum].concat());
    vec![
        (Some(good.clone()), None),
        (
            Some(b"no Avro".to_vec()),
            Some(Flaw::NotFramed(Part::Value)),
        ),
        (Some(good.clone()), None),
        (of(id, &[]), Some(Flaw::Misfit(Part::Value, id))),
        (
            of(stranger, &[2, b'x']),
            Some(Flaw::Misfit(Part::Value, stranger)),
        ),
        (
            of(4_000_000, &[2]),
            Some(Flaw::UnknownSchema(Part::Value, 4_000_000)),
        ),
        (None, Some(Flaw::NoValue)),
        (Some(good), None),
    ]
}

#[tokio::test]
async fn what_cannot_be_read_is_found_and_passed() {
    let topic = topic("inspect").await;
    let values = values(&topic).await;
    for (value, _) in &values {
        let record = Outgoing {
            topic: topic.clone(),
            key: Some(b"k".to_vec()),
            value: value.clone(),
            ..Outgoing::default()
        };
        producer().deliver(record).await.unwrap();
    }
    let inspector = Inspector::new(&kafka(), admin(), registry());
    let readers = inspector.readers(&topic, false).await.unwrap();
    let expected: Vec<Unreadable> = (0..)
        .zip(&values)
        .filter_map(|(offset, (_, flaw))| {
            flaw.map(|flaw| Unreadable {
                partition: 0,
                offset,
                flaw,
            })
        })
        .collect();
    let search = async |since, most| inspector.unreadable(&topic, &readers, since, most).await;
    assert_eq!(search(None, 100).await.unwrap(), expected);
    assert_eq!(search(None, 1).await.unwrap(), expected[..1]);

    // By time: everything since the last record but one, and nothing of the future.
    let record = async |offset| inspector.record(&topic, 0, offset).await.unwrap();
    let tombstone = record(6).await.unwrap();
    assert_eq!(tombstone.value, None);
    let recent = search(tombstone.timestamp, 100).await.unwrap();
    assert!(
        expected.ends_with(&recent) && !recent.is_empty(),
        "{recent:?}"
    );
    let later = tombstone.timestamp.map(|ts| ts + 3_600_000);
    assert_eq!(search(later, 100).await.unwrap(), []);
    let compacted = inspector.readers(&topic, true).await.unwrap();
    assert_eq!(compacted.flaw(&tombstone).await.unwrap(), None);

    assert_eq!(admin().delete_before(&topic, 0, 2).await.unwrap(), 2);
    assert_eq!(search(None, 100).await.unwrap(), expected[1..]);
    assert_eq!(record(8).await, None, "not written yet");
    let beyond = admin().delete_before(&topic, 0, 99).await.unwrap_err();
    assert!(
        matches!(
            beyond,
            AdminError::Refused {
                code: RDKafkaErrorCode::OffsetOutOfRange,
                ..
            }
        ),
        "{beyond}"
    );
    let nowhere = inspector.record(&unique("none"), 0, 0).await.unwrap_err();
    assert!(matches!(nowhere, InspectError::NoTopic(_)), "{nowhere}");

    let compacted = unique("compacted");
    let spec = TopicSpec::new(&compacted, 1).config("cleanup.policy", "compact");
    admin().create_topic(&spec).await.unwrap();
    let refused = admin().delete_before(&compacted, 0, 0).await.unwrap_err();
    assert!(
        matches!(refused, AdminError::OnlyCompacted { .. }),
        "{refused}"
    );
}
