use std::collections::BTreeMap;

use hc_api::{kafka::Kafka, state::Records};
use hc_contracts::{DeviceMetricKey, DeviceMetricValue, subject, topics};
use hc_domain::Reading;
use hc_kafka::Decoder;
use serde_json::json;
use sqlx::PgPool;

use crate::{
    kafka,
    support::{STORY_START, TestApp},
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

    let series = series(&in_kafka);
    assert_eq!(series.len(), 15);
    for (of, times) in series {
        assert_eq!(times[0], STORY_START, "{of:?}");
        assert!(times.is_sorted_by(|a, b| a < b), "{of:?}: {times:?}");
    }
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
    let second = TestApp::with_kafka(Records::Postgres(pool), Some(kafka)).await;
    assert_eq!(second.simulation.story_time(), STORY_START);
    let mut events = second.events("/telemetry/stream", None).await;
    assert_eq!(
        second.post("/simulation/start", json!({})).await.status,
        200
    );
    assert_eq!(events.next().await.unwrap().data["ts"], last + 300_000);
    second.stop().await;
}
