use std::sync::LazyLock;

use apache_avro::Schema;
use hc_kafka::{CodecError, Decoder, Encoder, Outgoing, RegistryError};
use serde::{Deserialize, Serialize};

use crate::support::{Store, accept_all, producer, registry, run, topic};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Key {
    id: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Value {
    amount: f64,
    note: Option<String>,
}

const KEY: &str = r#"{"type":"record","name":"k","fields":[{"name":"id","type":"string"}]}"#;
/// As a writer with nullable columns, another name and an integer has it.
const WRITER: &str = r#"{"type":"record","name":"record","namespace":"org.example","fields":[
    {"name":"note","type":["null","string"],"default":null},
    {"name":"amount","type":["null","long"],"default":null}]}"#;
const READER: &str = r#"{"type":"record","name":"v","fields":[
    {"name":"amount","type":"double"},
    {"name":"note","type":["null","string"],"default":null}]}"#;

static KEY_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse_str(KEY).unwrap());
static WRITER_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse_str(WRITER).unwrap());
static READER_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse_str(READER).unwrap());

#[derive(Serialize)]
struct Written {
    note: Option<&'static str>,
    amount: Option<i64>,
}

async fn encoder(subject: &str, text: &str, schema: &'static Schema) -> Encoder {
    let id = registry().register(subject, text).await.unwrap();
    Encoder::new(id, schema).unwrap()
}

#[tokio::test]
async fn avro_goes_through_broker_and_registry_and_comes_back() {
    let topic = topic("wire").await;
    let keys = encoder(&format!("{topic}-key"), KEY, &KEY_SCHEMA).await;
    let values = encoder(&format!("{topic}-value"), WRITER, &WRITER_SCHEMA).await;
    let key = keys
        .encode(&Key {
            id: "k1".to_owned(),
        })
        .unwrap();
    let value = values
        .encode(&Written {
            note: Some("n"),
            amount: Some(7),
        })
        .unwrap();
    let producer = producer();
    let record = Outgoing::new(&topic, key.clone(), value);
    let first = producer.deliver(record).await.unwrap();
    assert_eq!((first.partition, first.offset), (0, 0));
    producer
        .deliver(Outgoing::tombstone(&topic, key))
        .await
        .unwrap();

    let mut running = run(&topic, Store::default(), accept_all());
    let store = running.until("two records", |s| s.records.len() == 2).await;
    let decoder = Decoder::new(registry(), &KEY_SCHEMA);
    for record in &store.records {
        let key: Key = decoder.decode(record.key.as_ref().unwrap()).await.unwrap();
        assert_eq!(
            key,
            Key {
                id: "k1".to_owned()
            }
        );
    }
    let decoder = Decoder::new(registry(), &READER_SCHEMA);
    let bytes = store.records[0].value.as_ref().unwrap();
    let value: Value = decoder.decode(bytes).await.unwrap();
    let expected = Value {
        amount: 7.0,
        note: Some("n".to_owned()),
    };
    assert_eq!(value, expected);
    assert_eq!(
        store.records[1].value, None,
        "a tombstone reaches the handler"
    );
    running.stop().await;
}

#[tokio::test]
async fn bytes_that_cannot_be_read_say_why() {
    let subject = format!("{}-value", crate::support::unique("unreadable"));
    let values = encoder(&subject, WRITER, &WRITER_SCHEMA).await;
    let decoder = Decoder::new(registry(), &READER_SCHEMA);
    let decode = async |bytes: &[u8]| decoder.decode::<Value>(bytes).await.unwrap_err();

    assert!(matches!(decode(b"").await, CodecError::TooShort(0)));
    assert!(matches!(
        decode(&[0, 0, 0, 1]).await,
        CodecError::TooShort(4)
    ));
    assert!(matches!(
        decode(b"{\"a\": 1}").await,
        CodecError::WrongMagic(b'{')
    ));
    assert!(matches!(
        decode(&[0, 0x7f, 0, 0, 0, 1]).await,
        CodecError::Registry(RegistryError::UnknownId { id: 0x7f00_0000 })
    ));
    // A null where the reader needs a number.
    let null = values
        .encode(&Written {
            note: None,
            amount: None,
        })
        .unwrap();
    let error = decode(&null).await;
    assert!(matches!(error, CodecError::Decode { .. }), "{error}");
    let cut = &values
        .encode(&Written {
            note: Some("abc"),
            amount: Some(1),
        })
        .unwrap()[..7];
    assert!(matches!(decode(cut).await, CodecError::Decode { .. }));
    for error in [decode(cut).await, decode(b"").await] {
        assert!(!error.is_transient(), "{error}");
    }
    // The writer's side is checked too.
    assert!(matches!(
        values.encode(&Key { id: "x".to_owned() }),
        Err(CodecError::Encode(_))
    ));
}
