//! The projection of the topic of verdicts.

use std::time::Duration;

use hc_api::kafka::Kafka;
use hc_contracts::{DriftKey, DriftValue, subject, topics};
use hc_domain::{DriftDirection, DriftEvent, Metric};
use hc_kafka::{ConsumerState, DeadLetters, Encoder, Outgoing, TopicSpec};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::timeout;

use crate::{
    kafka,
    support::{Event, Events, TestApp, records},
};

pub(crate) fn verdict(ts: i64, actual: f64) -> DriftEvent {
    DriftEvent {
        key: hc_domain::DriftKey {
            device_id: "DEV-P003".parse().unwrap(),
            metric: Metric::Pressure,
            ts,
            prescription_id: "RX-1".parse().unwrap(),
        },
        patient_id: "P003".parse().unwrap(),
        prescribed_value: 12.0,
        actual_value: actual,
        tolerance: 1.0,
        deviation: actual - 12.0,
        drift_direction: DriftDirection::Above,
        message: "above".to_owned(),
    }
}

/// Writes the topic as the pipeline does.
pub(crate) struct Pipeline {
    kafka: Kafka,
    topic: String,
    key: Encoder,
    value: Encoder,
}

impl Pipeline {
    pub(crate) async fn new(kafka: &Kafka) -> Self {
        let (key, value) = (&subject::DRIFT_KEY, &subject::DRIFT_VALUE);
        let encoder = async |subject: &'static hc_contracts::Subject| {
            Encoder::new(kafka.register(subject).await.unwrap(), subject.schema()).unwrap()
        };
        let pipeline = Self {
            topic: kafka.name(topics::DRIFT),
            key: encoder(key).await,
            value: encoder(value).await,
            kafka: kafka.clone(),
        };
        pipeline.create().await;
        pipeline
    }

    pub(crate) async fn create(&self) {
        let spec = TopicSpec::new(&self.topic, 1);
        assert!(self.kafka.admin.create_topic(&spec).await.unwrap());
    }

    pub(crate) async fn put(&self, event: &DriftEvent) {
        let key = self.key.encode(&DriftKey::from(&event.key)).unwrap();
        let value = self.value.encode(&DriftValue::from(event)).unwrap();
        self.send(Outgoing::new(&self.topic, key, value)).await;
    }

    async fn clear(&self, event: &DriftEvent) {
        let key = self.key.encode(&DriftKey::from(&event.key)).unwrap();
        self.send(Outgoing::tombstone(&self.topic, key)).await;
    }

    async fn send(&self, record: Outgoing) {
        self.kafka.producer.deliver(record).await.unwrap();
    }
}

async fn next(events: &mut Events) -> (String, Value) {
    let Event { name, data, .. } = events.next().await.unwrap();
    (name, data)
}

async fn listed(app: &TestApp) -> Vec<(i64, f64)> {
    let rows = app.get("/drift").await.json();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| {
        (
            row["ts"].as_i64().unwrap(),
            row["actualValue"].as_f64().unwrap(),
        )
    })
    .collect()
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn verdicts_are_put_changed_and_cleared(pool: PgPool) {
    let kafka = kafka::shared("verdicts");
    let app = TestApp::with_kafka(records(&pool), Some(kafka.clone())).await;
    let mut state = app.state.readiness.drift.clone().unwrap().state;
    let waiting = state.wait_for(|state| *state == ConsumerState::WaitingForTopic);
    timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(listed(&app).await, []);

    let pipeline = Pipeline::new(&kafka).await;
    let mut events = app.events("/drift/stream", None).await;
    pipeline.put(&verdict(1, 14.5)).await;
    let (name, data) = next(&mut events).await;
    assert_eq!(name, "drift");
    assert_eq!(
        data,
        json!({
            "deviceId": "DEV-P003", "metricName": "Pressure", "ts": 1, "prescriptionId": "RX-1",
            "patientId": "P003", "prescribedValue": 12.0, "actualValue": 14.5, "tolerance": 1.0,
            "deviation": 2.5, "driftDirection": "above", "message": "above",
        })
    );
    assert_eq!(app.get("/drift").await.json(), json!([data]));

    pipeline.put(&verdict(1, 15.0)).await;
    assert_eq!(next(&mut events).await.1["actualValue"], 15.0);
    assert_eq!(listed(&app).await, [(1, 15.0)]);

    // The same verdict again is no news; the next event is the tombstone's.
    pipeline.put(&verdict(1, 15.0)).await;
    pipeline.clear(&verdict(1, 15.0)).await;
    let (name, data) = next(&mut events).await;
    assert_eq!(name, "drift-cleared");
    let key = json!({"deviceId": "DEV-P003", "metricName": "Pressure", "ts": 1, "prescriptionId": "RX-1"});
    assert_eq!(data, key);
    assert_eq!(listed(&app).await, []);
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_restart_goes_on_at_the_stored_offset(pool: PgPool) {
    let kafka = kafka::shared("restart");
    let pipeline = Pipeline::new(&kafka).await;
    let records = records(&pool);
    let first = TestApp::with_kafka(records.clone(), Some(kafka.clone())).await;
    let mut events = first.events("/drift/stream", None).await;
    pipeline.put(&verdict(1, 14.5)).await;
    pipeline.put(&verdict(2, 14.5)).await;
    assert_eq!(next(&mut events).await.1["ts"], 1);
    assert_eq!(next(&mut events).await.1["ts"], 2);
    first.stop().await;

    // Gone by hand; if the topic were read again, it would be back.
    sqlx::query("DELETE FROM read.drift_events WHERE ts = 1")
        .execute(&pool)
        .await
        .unwrap();
    pipeline.put(&verdict(3, 14.5)).await;
    pipeline.clear(&verdict(2, 14.5)).await;
    let second = TestApp::with_kafka(records, Some(kafka)).await;
    let mut events = second.events("/drift/stream", Some("b00t-x")).await;
    assert_eq!(next(&mut events).await.0, "reset");
    pipeline.put(&verdict(4, 14.5)).await;
    while next(&mut events).await.1["ts"] != 4 {}
    assert_eq!(listed(&second).await, [(4, 14.5), (3, 14.5)]);
    second.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_topic_that_was_made_again_is_read_from_its_beginning(pool: PgPool) {
    let kafka = kafka::shared("recreated");
    let pipeline = Pipeline::new(&kafka).await;
    let app = TestApp::with_kafka(records(&pool), Some(kafka.clone())).await;
    let mut events = app.events("/drift/stream", None).await;
    pipeline.put(&verdict(1, 14.5)).await;
    pipeline.put(&verdict(2, 14.5)).await;
    while next(&mut events).await.1["ts"] != 2 {}

    assert!(kafka.admin.delete_topic(&pipeline.topic).await.unwrap());
    pipeline.create().await;
    pipeline.put(&verdict(2, 16.0)).await;
    assert_eq!(
        next(&mut events).await.0,
        "reset",
        "what is on screens is void"
    );
    assert_eq!(next(&mut events).await.1["actualValue"], 16.0);
    assert_eq!(
        listed(&app).await,
        [(2, 16.0)],
        "nothing of the old topic is left"
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn records_that_nobody_understands_are_set_aside(pool: PgPool) {
    let kafka = kafka::shared("poison");
    let pipeline = Pipeline::new(&kafka).await;
    let app = TestApp::with_kafka(records(&pool), Some(kafka.clone())).await;
    let mut events = app.events("/drift/stream", None).await;
    let bad = Outgoing {
        headers: vec![hc_kafka::Header::new("trace", "7")],
        ..Outgoing::new(
            &pipeline.topic,
            b"not avro".to_vec(),
            b"not avro either".to_vec(),
        )
    };
    pipeline.send(bad).await;
    pipeline.put(&verdict(1, 14.5)).await;
    assert_eq!(
        next(&mut events).await.1["ts"],
        1,
        "the records behind it are not held up"
    );

    let letters = kafka::read(&kafka, &DeadLetters::topic(&pipeline.topic), 1).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].key.as_deref(), Some(&b"not avro"[..]));
    assert_eq!(letters[0].value.as_deref(), Some(&b"not avro either"[..]));
    let header = |name: &str| {
        let found = letters[0]
            .headers
            .iter()
            .find(|header| header.name == name)
            .unwrap();
        String::from_utf8(found.value.clone().unwrap()).unwrap()
    };
    assert_eq!(header("trace"), "7");
    assert_eq!(header("dead-letter-offset"), "0");
    assert!(
        header("dead-letter-reason").contains("wire format"),
        "{}",
        header("dead-letter-reason")
    );
    app.stop().await;
}
