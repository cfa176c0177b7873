use std::time::Duration;

use hc_api::stream::{Kind, Topic};
use insta::assert_snapshot;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    connections::{LONG, listen},
    socket::Socket,
    support::{Events, MAX_SUBSCRIBERS, TestApp},
};

fn publish(app: &TestApp, device: &str, ts: i64) {
    let data = json!({"deviceId": device, "ts": ts});
    app.publish(Topic::Drift, device, &data);
}

async fn times(events: &mut Events, count: usize) -> Vec<i64> {
    let events = events.take(count).await;
    events
        .iter()
        .map(|event| event.data["ts"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let app = TestApp::demo().await;
    let mut events = app.events("/drift/stream", None).await;
    for ts in 0..4 {
        publish(&app, "DEV-P001", ts);
    }
    let seen = events.take(2).await;
    drop(events);
    let id = seen[1].id.as_deref();
    assert_eq!(id, Some("b00t-1"));

    let mut by_header = app.events("/drift/stream?after=b00t-0", id).await;
    assert_eq!(times(&mut by_header, 2).await, [2, 3]);
    let mut by_query = app.events("/drift/stream?after=b00t-2", None).await;
    assert_eq!(times(&mut by_query, 1).await, [3]);

    let mut unknown = app.events("/drift/stream", Some("0ther-1")).await;
    let reset = unknown.next().await.unwrap();
    assert_eq!((reset.name.as_str(), reset.id), ("reset", None));
    assert_eq!(reset.data, json!({"topic": "drift"}));
    publish(&app, "DEV-P001", 4);
    assert_eq!(unknown.next().await.unwrap().data["ts"], 4);
    app.stop().await;
}

#[tokio::test]
async fn a_stream_can_be_of_one_device_and_metric() {
    let app = TestApp::demo().await;
    let mut by_device = app.events("/drift/stream?device_id=DEV-P002", None).await;
    let both = "/drift/stream?deviceId=DEV-P002&metric=Pressure";
    let mut by_both = app.events(both, None).await;
    let mut other = app.events("/drift/stream?metric=FlowRate", None).await;
    for ts in 0..10 {
        publish(&app, if ts % 2 == 0 { "DEV-P001" } else { "DEV-P002" }, ts);
    }
    for events in [&mut by_device, &mut by_both] {
        assert_eq!(times(events, 5).await, [1, 3, 5, 7, 9]);
    }
    let about = (&"DEV-P001".parse().unwrap(), hc_domain::Metric::FlowRate);
    let hub = &app.state.hub;
    hub.publish(Topic::Drift, "drift", about, &json!({"ts": 10}))
        .unwrap();
    assert_eq!(times(&mut other, 1).await, [10]);

    for (path, parameter) in [
        ("/drift/stream?deviceId=DEV/1", "deviceId"),
        ("/telemetry/stream?metric=Speed", "metric"),
        ("/events?metric=", "metric"),
        ("/events?topic=drift", "topic"),
    ] {
        let bad = app.get(path).await;
        assert_eq!(bad.status, 400, "{path}");
        assert_eq!(bad.json()["errors"][0]["parameter"], parameter, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn several_topics_come_in_one_stream_and_go_on_after_one_id() {
    let app = TestApp::demo().await;
    let mut events = app.events("/events?topics=drift,telemetry", None).await;
    for ts in 0..6 {
        let topic = [Topic::Telemetry, Topic::Drift, Topic::Simulation][ts % 3];
        app.publish(topic, "DEV-P001", &json!({"ts": ts}));
    }
    let seen = events.take(3).await;
    let names: Vec<_> = seen.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["telemetry", "drift", "telemetry"]);
    drop(events);

    // The same topics, others, and the stream of one of them.
    let id = seen[1].id.as_deref();
    for (path, expected) in [
        ("/events?topics=telemetry,drift", vec![3, 4]),
        ("/events", vec![2, 3, 4, 5]),
        ("/events?topics=simulation", vec![2, 5]),
        ("/drift/stream", vec![4]),
    ] {
        let mut events = app.events(path, id).await;
        assert_eq!(times(&mut events, expected.len()).await, expected, "{path}");
    }
    assert_snapshot!(app.get("/events?topics=telemetry,alarms").await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "Parameter topics: \"alarms\" is not a topic; expected telemetry, drift or simulation.",
      "errors": [
        {
          "detail": "\"alarms\" is not a topic; expected telemetry, drift or simulation",
          "parameter": "topics"
        }
      ],
      "requestId": "c680488a-0d74-4233-9cc4-56696589ef0f",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
    app.stop().await;
}

#[tokio::test]
async fn the_simulation_tells_when_it_starts_and_stops() {
    let app = TestApp::demo().await;
    let mut events = app
        .events("/events?topics=simulation&deviceId=DEV-P001", None)
        .await;
    for running in [true, false] {
        let path = if running {
            "/simulation/start"
        } else {
            "/simulation/stop"
        };
        assert_eq!(app.post(path, json!({})).await.status, 200);
        let told = events.next().await.unwrap();
        assert_eq!(told.name, "simulation");
        assert_eq!(told.data["running"], running);
        let mut fields: Vec<_> = told.data.as_object().unwrap().keys().collect();
        let status = app.get("/simulation/status").await.json();
        let mut expected: Vec<_> = status.as_object().unwrap().keys().collect();
        fields.sort();
        expected.sort();
        assert_eq!(fields, expected);
    }
    app.stop().await;
}

#[tokio::test]
async fn subscribers_beyond_the_limit_are_told_so_until_one_leaves() {
    let app = TestApp::demo().await;
    let address = listen(&app, 100, LONG).await;
    let mut open = Vec::new();
    for path in ["/events", "/telemetry/stream"]
        .into_iter()
        .cycle()
        .take(MAX_SUBSCRIBERS)
    {
        let mut socket = Socket::open(address).await;
        assert!(socket.get(path).await.starts_with("http/1.1 200 "));
        open.push(socket);
    }
    assert_snapshot!(app.get("/drift/stream").await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    retry-after: 2
    {
      "detail": "All 8 places for event streams are taken; close one, or try again.",
      "requestId": "c9769a35-fb13-4de4-a4f4-557f17fef863",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
    let metrics = app.get("/metrics").await.text;
    for line in [
        "sse_subscribers_max 8",
        "sse_subscribers{stream=\"events\"} 4",
        "sse_subscribers{stream=\"telemetry\"} 4",
        "sse_subscribers_refused_total{stream=\"drift\"} 1",
        "sse_subscribers_refused_total{stream=\"events\"} 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} is not in\n{metrics}"
        );
    }
    assert_eq!(app.get("/health").await.status, 200);

    open.pop();
    let left = async {
        while app.state.gate.counts(Kind::Telemetry).open() == 4 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), left).await.unwrap();
    app.events("/drift/stream", None).await;
    app.stop().await;
}

/// Production goes on, and every event is either delivered or counted.
#[tokio::test]
async fn a_client_that_does_not_read_learns_what_it_missed() {
    const EVENTS: u64 = 5_000;
    let app = TestApp::demo().await;
    let address = listen(&app, 10, LONG).await;
    let mut slow = Socket::open(address).await;
    slow.ask("/telemetry/stream?deviceId=DEV-P002").await;
    slow.until("retry: ").await;
    // Much more than the kernel and the hub keep; half of it for somebody else.
    let text = "x".repeat(10_000);
    for number in 1..=2 * EVENTS {
        let device = if number % 2 == 0 {
            "DEV-P002"
        } else {
            "DEV-P001"
        };
        app.publish(
            Topic::Telemetry,
            device,
            &json!({"number": number, "text": text}),
        );
    }
    let last = format!("\"number\":{},", 2 * EVENTS);
    slow.until(&last).await;
    app.shutdown.cancel();
    let received = slow.rest().await;
    let delivered = received.matches("event: telemetry\n").count() as u64;
    let missed: u64 = received
        .split("event: missed\ndata: {\"topic\":\"telemetry\",\"count\":")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert!(missed > 0 && delivered > 0, "{missed} {delivered}");
    assert_eq!(missed + delivered, EVENTS);
    assert_eq!(app.state.gate.counts(Kind::Telemetry).missed(), missed);
    app.stop().await;
}

#[tokio::test]
async fn streams_end_when_the_service_stops() {
    let app = TestApp::demo().await;
    let mut events = app.events("/telemetry/stream", None).await;
    publish(&app, "DEV-P001", 0);
    app.shutdown.cancel();
    assert_eq!(events.next().await, None);
    assert_eq!(app.events("/events", None).await.next().await, None);
    app.stop().await;
}
