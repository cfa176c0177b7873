use hc_contracts::{DeviceEventKey, DeviceEventValue, subject, topics};
use hc_kafka::Decoder;
use serde_json::{Value, json};

use crate::{
    kafka,
    support::{STORY_START, TestApp},
};

#[tokio::test]
async fn events_of_devices_reach_kafka() {
    let kafka = kafka::shared("events");
    let app = TestApp::with_kafka(TestApp::demo_records(), Some(kafka.clone())).await;
    let post = async |path: &str, body: Value| {
        let answer = app.post(path, body).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.json()
    };
    let press = "/device/DEV-P001/events/button-press";
    assert_eq!(post(press, json!({})).await["pressCount"], 1);
    let other = json!({"patient_id": "P002"});
    assert_eq!(post(press, other).await["pressCount"], 2);
    let power = json!({"batteryLevel": 5, "plugged": false});
    let power = post("/device/DEV-P002/events/power-status", power).await;
    assert_eq!(
        (&power["batteryLevel"], &power["plugged"]),
        (&json!(5), &json!(false))
    );
    let outside = json!({"insideGeofence": false});
    let gps = post("/device/DEV-P003/events/gps", outside).await;
    assert_eq!(gps["insideGeofence"], false);
    let all = post("/device-events/simulate-all", json!({})).await;
    assert_eq!(all["events"].as_array().unwrap().len(), 20);
    let one = post("/device-events/simulate-all?device_id=DEV-P005", json!({})).await;
    let one = one["events"].as_array().unwrap();
    let kinds: Vec<&str> = one
        .iter()
        .map(|event| &event["eventId"].as_str().unwrap()[..4])
        .collect();
    assert_eq!(kinds, ["but-", "pow-", "gps-", "gps-"]);
    assert_eq!(
        (&one[2]["insideGeofence"], &one[3]["insideGeofence"]),
        (&json!(true), &json!(false))
    );

    let keys = Decoder::new(kafka.registry.clone(), subject::RAW_EVENTS_KEY.schema());
    let values = Decoder::new(kafka.registry.clone(), subject::RAW_EVENTS_VALUE.schema());
    let mut sent = std::collections::BTreeMap::new();
    for record in kafka::read_all(&kafka, &kafka.name(topics::RAW_EVENTS)).await {
        let key: DeviceEventKey = keys.decode(&record.key.unwrap()).await.unwrap();
        let value: DeviceEventValue = values.decode(&record.value.unwrap()).await.unwrap();
        assert_eq!(value.ts, STORY_START - 300_000, "now is the story's");
        assert_eq!(sent.insert(key.event_id, value), None);
    }
    assert_eq!(sent.len(), 4 + 20 + 4);
    let of = |answer: &Value| sent[answer["eventId"].as_str().unwrap()].clone();
    let power = of(&power);
    assert_eq!(
        (
            power.event_type.as_str(),
            power.battery_level,
            power.plugged,
            power.lat
        ),
        ("POWER_STATUS", Some(5), Some(false), None)
    );
    assert_eq!(
        (power.device_id.as_str(), power.patient_id.as_str()),
        ("DEV-P002", "P002")
    );
    assert_eq!(power.hw_model.as_deref(), Some("RMD-100"));
    let place = of(&gps);
    assert_eq!(place.event_type, "GPS");
    assert_eq!(
        (&json!(place.lat), &json!(place.lng)),
        (&gps["lat"], &gps["lng"])
    );
    // The wearer, and the one that the request named.
    let pressed = |patient: &str| {
        let of = |event: &&DeviceEventValue| {
            event.device_id == "DEV-P001"
                && event.event_type == "BUTTON_PRESSED"
                && event.patient_id == patient
        };
        sent.values().filter(of).count()
    };
    assert_eq!((pressed("P001"), pressed("P002")), (2, 1));
    app.stop().await;
}
