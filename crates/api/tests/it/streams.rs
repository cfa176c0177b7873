use serde_json::json;

use crate::support::TestApp;

async fn publish(app: &TestApp, device: &str, ts: i64) {
    let data = json!({"deviceId": device, "ts": ts});
    app.drift
        .publish("drift", &device.parse().unwrap(), &data)
        .unwrap();
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let app = TestApp::demo().await;
    let mut events = app.events("/drift/stream", None).await;
    for ts in 0..4 {
        publish(&app, "DEV-P001", ts).await;
    }
    let seen = events.take(2).await;
    drop(events);
    let id = seen[1].id.as_deref();
    assert_eq!(id, Some("b00t-1"));

    let by_header = app
        .events("/drift/stream?after=b00t-0", id)
        .await
        .take(2)
        .await;
    assert_eq!(
        (&by_header[0].data["ts"], &by_header[1].data["ts"]),
        (&json!(2), &json!(3))
    );
    let by_query = app
        .events("/drift/stream?after=b00t-2", None)
        .await
        .take(1)
        .await;
    assert_eq!(by_query[0].data["ts"], 3);

    let mut unknown = app.events("/drift/stream", Some("0ther-1")).await;
    let reset = unknown.next().await.unwrap();
    assert_eq!((reset.name.as_str(), reset.id), ("reset", None));
    publish(&app, "DEV-P001", 4).await;
    assert_eq!(unknown.next().await.unwrap().data["ts"], 4);
    app.stop().await;
}

#[tokio::test]
async fn a_stream_can_be_of_one_device_and_says_what_was_missed() {
    let app = TestApp::demo().await;
    let mut one = app.events("/drift/stream?deviceId=DEV-P002", None).await;
    for ts in 0..10 {
        publish(&app, if ts % 2 == 0 { "DEV-P001" } else { "DEV-P002" }, ts).await;
    }
    let events = one.take(5).await;
    assert!(
        events
            .iter()
            .all(|event| event.data["deviceId"] == "DEV-P002")
    );

    // More than the hub keeps, without a read.
    for ts in 0..1_500 {
        publish(&app, "DEV-P002", ts).await;
    }
    let missed = one.next().await.unwrap();
    assert_eq!(
        (missed.name.as_str(), missed.data),
        ("missed", json!({"count": 500}))
    );
    assert_eq!(one.next().await.unwrap().data["ts"], 500);

    let bad = app.get("/drift/stream?deviceId=DEV/1").await;
    assert_eq!(bad.status, 400);
    app.stop().await;
}

#[tokio::test]
async fn streams_end_when_the_service_stops() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    publish(&app, "DEV-P001", 0).await;
    app.shutdown.cancel();
    assert_eq!(events.next().await, None);
}
