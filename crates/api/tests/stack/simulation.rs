use std::{collections::BTreeMap, time::Duration};

use hc_api::{kafka::Kafka, simulation::Status};
use hc_contracts::{DeviceMetricKey, DeviceMetricValue, subject, topics};
use hc_domain::Reading;
use hc_kafka::{Decoder, Encoder, Outgoing};
use serde_json::json;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::{
    kafka,
    support::{STORY_START, TestApp, records},
};

/// Every reading of the topic, in the order of its partitions.
pub(crate) async fn readings(kafka: &Kafka) -> Vec<Reading> {
    let keys = Decoder::new(kafka.registry.clone(), subject::RAW_METRICS_KEY.schema());
    let values = Decoder::new(kafka.registry.clone(), subject::RAW_METRICS_VALUE.schema());
    let mut readings = Vec::new();
    for record in kafka::read_all(kafka, &kafka.name(topics::RAW_METRICS)).await {
        let key: DeviceMetricKey = keys.decode(&record.key.unwrap()).await.unwrap();
        let value: DeviceMetricValue = values.decode(&record.value.unwrap()).await.unwrap();
        readings.push(value.into_reading(key).unwrap());
    }
    readings
}

/// The times of each device and metric, in the order of the topic.
pub(crate) fn series(readings: &[Reading]) -> BTreeMap<(String, &'static str), Vec<i64>> {
    let mut series: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for reading in readings {
        let key = (reading.device_id.to_string(), reading.metric.as_str());
        series.entry(key).or_default().push(reading.ts);
    }
    series
}

/// Every device has reported all metrics in every round, once and in order.
pub(crate) fn assert_complete(readings: &[Reading], devices: usize) {
    let series = series(readings);
    assert_eq!(series.len(), 3 * devices);
    let rounds = series.values().map(Vec::len).max();
    for (of, times) in series {
        let wrong: Vec<_> = times
            .windows(2)
            .filter(|pair| pair[1] - pair[0] != 300_000)
            .collect();
        assert!(wrong.is_empty(), "{of:?}: {wrong:?}");
        assert_eq!(Some(times.len()), rounds, "{of:?}");
    }
}

#[tokio::test]
async fn readings_reach_kafka_and_the_screen_alike() {
    let kafka = kafka::shared("alike");
    let app = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    let mut events = app.events("/telemetry/stream", None).await;
    let started = app.post("/simulation/start", json!({})).await;
    assert_eq!(started.status, 200, "{started}");
    let mut on_screen = events.take(60).await;
    assert!(app.simulation.stop().await);
    let status = app.simulation.status();
    assert_eq!((status.errors, status.last_error), (0, None));

    let in_kafka = readings(&kafka).await;
    assert_eq!(
        in_kafka.len() as u64,
        status.records,
        "nothing is under way after a stop"
    );
    on_screen.extend(events.take(in_kafka.len() - 60).await);
    let shown = |reading: &Reading| {
        json!({
            "deviceId": reading.device_id,
            "patientId": reading.patient_id,
            "ts": reading.ts,
            "metricName": reading.metric,
            "metricValue": reading.value,
            "softwareVersion": reading.software_version,
        })
        .to_string()
    };
    let mut expected: Vec<String> = in_kafka.iter().map(shown).collect();
    let mut found: Vec<String> = on_screen
        .iter()
        .map(|event| event.data.to_string())
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);

    assert_complete(&in_kafka, 5);
    assert_eq!(
        in_kafka.iter().map(|reading| reading.ts).min(),
        Some(STORY_START)
    );
    assert_eq!(
        app.get("/ready").await.json()["dependencies"][1]["status"],
        "ok"
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_topic_knows_better_than_the_database_where_the_story_stands(pool: PgPool) {
    let kafka = kafka::shared("resume");
    let first = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    let mut events = first.events("/telemetry/stream", None).await;
    assert_eq!(first.post("/simulation/start", json!({})).await.status, 200);
    events.take(45).await;
    first.simulation.stop().await;
    first.stop().await;
    let last = readings(&kafka)
        .await
        .iter()
        .map(|reading| reading.ts)
        .max()
        .unwrap();

    // As after a crash: the database has an older time, or none.
    let mut db = pool.acquire().await.unwrap();
    hc_api::store::story_clock::advance(&mut db, STORY_START)
        .await
        .unwrap();
    drop(db);
    let second = TestApp::seeded(pool.clone()).await;
    second.stop().await;
    let second = TestApp::with_kafka(records(&pool), Some(kafka)).await;
    assert_eq!(second.simulation.story_time(), STORY_START);
    let mut events = second.events("/telemetry/stream", None).await;
    assert_eq!(
        second.post("/simulation/start", json!({})).await.status,
        200
    );
    assert_eq!(events.next().await.unwrap().data["ts"], last + 300_000);
    second.stop().await;
}

#[tokio::test]
async fn a_round_that_was_cut_short_is_completed() {
    let kafka = kafka::shared("cut");
    let first = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    assert_eq!(first.post("/simulation/start", json!({})).await.status, 200);
    let mut events = first.events("/telemetry/stream", None).await;
    events.take(45).await;
    first.simulation.stop().await;
    first.stop().await;
    let before = readings(&kafka).await;

    // As if the service had been killed after two readings of the next round.
    let ts = before.iter().map(|reading| reading.ts).max().unwrap() + 300_000;
    let (key, value) = (&subject::RAW_METRICS_KEY, &subject::RAW_METRICS_VALUE);
    let keys = Encoder::new(kafka.register(key).await.unwrap(), key.schema()).unwrap();
    let values = Encoder::new(kafka.register(value).await.unwrap(), value.schema()).unwrap();
    for reading in before.iter().take(2) {
        let reading = Reading {
            ts,
            ..reading.clone()
        };
        let record = Outgoing::new(
            kafka.name(topics::RAW_METRICS),
            keys.encode(&DeviceMetricKey::from(&reading)).unwrap(),
            values.encode(&DeviceMetricValue::from(&reading)).unwrap(),
        );
        kafka.producer.deliver(record).await.unwrap();
    }
    let second = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    let mut events = second.events("/telemetry/stream", None).await;
    assert_eq!(
        second.post("/simulation/start", json!({})).await.status,
        200
    );
    let shown = events.take(28).await;
    assert!(shown[..13].iter().all(|event| event.data["ts"] == ts));
    assert!(
        shown[13..]
            .iter()
            .all(|event| event.data["ts"] == ts + 300_000)
    );
    second.simulation.stop().await;
    assert_complete(&readings(&kafka).await, 5);
    second.stop().await;
}

#[tokio::test]
async fn delivery_goes_wrong_only_as_the_defect_says() {
    let kafka = kafka::shared("delivery");
    let app = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    for (device, kind) in [
        ("DEV-P001", "duplicate_delivery"),
        ("DEV-P002", "late_delivery"),
        ("DEV-P003", "clock_skew"),
        ("DEV-P004", "silence"),
    ] {
        let path = format!("/device/{device}/simulator/{kind}");
        assert_eq!(app.post(&path, json!({})).await.status, 202);
    }
    let mut events = app.events("/telemetry/stream", None).await;
    assert_eq!(app.post("/simulation/start", json!({})).await.status, 200);
    events.take(15 * 8).await;
    assert!(app.simulation.stop().await);
    let series = series(&readings(&kafka).await);
    let times = |device: &str| &series[&(device.to_owned(), "Pressure")];
    let rounds = i64::try_from(times("DEV-P005").len()).unwrap();
    let round = |n: i64| STORY_START + n * 300_000;
    let all: Vec<i64> = (0..rounds).map(round).collect();
    assert_eq!(*times("DEV-P005"), all);
    let twice: Vec<i64> = all.iter().flat_map(|ts| [*ts, *ts]).collect();
    assert_eq!(*times("DEV-P001"), twice);
    assert_eq!(
        *times("DEV-P002"),
        all[..all.len() - 3],
        "three rounds are held back"
    );
    let behind: Vec<i64> = all.iter().map(|ts| ts + hc_simulator::CLOCK_SKEW).collect();
    assert_eq!(*times("DEV-P003"), behind);
    assert!(!series.contains_key(&("DEV-P004".to_owned(), "Pressure")));
    app.stop().await;
}

#[tokio::test]
async fn a_topic_that_was_deleted_is_made_again_and_the_round_goes_on() {
    let kafka = kafka::shared("deleted");
    let app = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    assert_eq!(app.post("/simulation/start", json!({})).await.status, 200);
    let enough = async |condition: fn(&Status) -> bool| {
        let mut status = app.simulation.watch();
        let waited = timeout(Duration::from_secs(60), status.wait_for(condition));
        waited.await.unwrap().unwrap();
    };
    enough(|status| status.records > 60).await;
    let topic = kafka.name(topics::RAW_METRICS);
    assert!(kafka.admin.delete_topic(&topic).await.unwrap());
    enough(|status| status.errors > 0).await;
    enough(|status| status.last_error.is_none()).await;
    assert!(app.simulation.stop().await);
    for (of, times) in series(&readings(&kafka).await) {
        let wrong: Vec<_> = times
            .windows(2)
            .filter(|pair| pair[1] - pair[0] != 300_000)
            .collect();
        assert!(wrong.is_empty(), "{of:?}: {wrong:?}");
    }
    app.stop().await;
}
