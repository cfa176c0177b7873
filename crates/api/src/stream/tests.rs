//! What readers see of the hub.

use std::sync::Arc;

use futures::FutureExt as _;
use hc_domain::{DeviceId, Metric};

use super::{Filter, Hub, Next, Subscriber, Topic};

fn hub(capacity: usize) -> Arc<Hub> {
    Arc::new(Hub::new("b00t".to_owned(), capacity))
}

fn device(name: &str) -> DeviceId {
    name.parse().unwrap()
}

fn of(name: &str) -> Filter {
    Filter {
        device: Some(device(name)),
        metric: None,
    }
}

/// One event in a batch of its own.
fn publish_to(hub: &Hub, topic: Topic, name: &str, data: u32) {
    hub.publish(topic, "e", (&device(name), Metric::Pressure), &data)
        .unwrap();
    hub.flush();
}

fn publish(hub: &Hub, name: &str, data: u32) {
    publish_to(hub, Topic::Telemetry, name, data);
}

fn listen(hub: &Arc<Hub>, filter: Filter, after: Option<&str>) -> Subscriber {
    hub.subscribe(&[Topic::Telemetry], filter, after)
}

/// What is there now, as `data` or in words.
fn read(subscriber: &mut Subscriber) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(Some(next)) = subscriber.next().now_or_never() {
        match next {
            Next::Reset(topic) => all.push(format!("{topic} reset")),
            Next::Missed(topic, count) => all.push(format!("{topic} missed {count}")),
            Next::Frames(pieces) => {
                let text = String::from_utf8(pieces.concat()).unwrap();
                let data = |frame: &str| frame.rsplit_once("data: ").unwrap().1.to_owned();
                all.extend(text.split_terminator("\n\n").map(data));
            }
        }
    }
    all
}

fn pieces(subscriber: &mut Subscriber) -> Vec<bytes::Bytes> {
    match subscriber.next().now_or_never() {
        Some(Some(Next::Frames(pieces))) => pieces,
        other => panic!("no frames but {other:?}"),
    }
}

#[test]
fn events_of_a_moment_are_one_piece_of_memory_for_all_readers() {
    let hub = hub(8);
    let mut first = listen(&hub, Filter::default(), None);
    let mut second = hub.subscribe(&Topic::ALL, Filter::default(), None);
    for data in [1, 2] {
        let about = (&device("A"), Metric::Pressure);
        hub.publish(Topic::Telemetry, "e", about, &data).unwrap();
    }
    assert_eq!(first.next().now_or_never(), None, "not shown yet");
    hub.flush();
    let (first, second) = (pieces(&mut first), pieces(&mut second));
    assert_eq!(
        first,
        ["id: b00t-0\nevent: e\ndata: 1\n\nid: b00t-1\nevent: e\ndata: 2\n\n"]
    );
    assert_eq!(first[0].as_ptr(), second[0].as_ptr());
}

#[test]
fn a_filter_is_for_a_device_and_a_metric_and_lets_general_events_pass() {
    let hub = hub(64);
    let readers = [
        (None, None),
        (Some("A"), None),
        (None, Some(Metric::FlowRate)),
        (Some("A"), Some(Metric::FlowRate)),
        (Some("C"), None),
    ]
    .map(|(name, metric)| {
        let filter = Filter {
            device: name.map(device),
            metric,
        };
        hub.subscribe(&Topic::ALL, filter, None)
    });
    for (name, metric, data) in [
        ("A", Metric::Pressure, 1),
        ("B", Metric::FlowRate, 2),
        ("A", Metric::FlowRate, 3),
    ] {
        let about = (&device(name), metric);
        hub.publish(Topic::Telemetry, "e", about, &data).unwrap();
    }
    hub.publish_to_all(Topic::Simulation, "s", &4).unwrap();
    hub.flush();
    let expected: [&[&str]; 5] = [
        &["1", "2", "3", "4"],
        &["1", "3", "4"],
        &["2", "3", "4"],
        &["3", "4"],
        &["4"],
    ];
    for (mut reader, expected) in readers.into_iter().zip(expected) {
        assert_eq!(read(&mut reader), expected);
    }
}

#[test]
fn who_is_too_slow_learns_how_much_is_gone() {
    let hub = hub(3);
    let mut all = listen(&hub, Filter::default(), None);
    let [mut only_b, mut only_c] = ["B", "C"].map(|name| listen(&hub, of(name), None));
    let flow_rate = Filter {
        device: None,
        metric: Some(Metric::FlowRate),
    };
    let mut other_metric = listen(&hub, flow_rate, None);
    for (name, data) in [("A", 0), ("B", 1), ("B", 2), ("A", 3), ("B", 4), ("A", 5)] {
        publish(&hub, name, data);
    }
    assert_eq!(read(&mut all), ["telemetry missed 3", "3", "4", "5"]);
    assert_eq!(read(&mut only_b), ["telemetry missed 2", "4"]);
    assert_eq!(read(&mut only_c), [""; 0]);
    assert_eq!(read(&mut other_metric), [""; 0]);
    for data in 6..10 {
        publish(&hub, "B", data);
    }
    assert_eq!(read(&mut only_b), ["telemetry missed 1", "7", "8", "9"]);
}

#[test]
fn reading_goes_on_after_a_known_id_and_starts_over_after_an_unknown_one() {
    let hub = hub(3);
    for data in 0..5 {
        publish(&hub, "A", data);
    }
    let after = |id: &str| read(&mut listen(&hub, Filter::default(), Some(id)));
    assert_eq!(after("b00t-2"), ["3", "4"]);
    assert_eq!(
        after("b00t-1"),
        ["2", "3", "4"],
        "the oldest event is the next one"
    );
    assert_eq!(after("b00t-4"), [""; 0], "nothing is new");
    for (id, why) in [
        ("b00t-0", "event 1 is gone"),
        ("b00t-5", "not published yet"),
        ("other-3", "another run of the service"),
        ("nonsense", "no id"),
    ] {
        assert_eq!(after(id), ["telemetry reset"], "{why}");
    }
    let mut filtered = listen(&hub, of("A"), Some("b00t-2"));
    assert_eq!(read(&mut filtered), ["3", "4"]);
    for data in 5..9 {
        publish(&hub, "A", data);
    }
    assert_eq!(read(&mut filtered), ["telemetry missed 1", "6", "7", "8"]);
}

#[test]
fn one_id_says_where_to_go_on_in_every_topic() {
    let hub = hub(3);
    let mut reader = hub.subscribe(&Topic::ALL, Filter::default(), None);
    let script = [Topic::Drift, Topic::Telemetry, Topic::Simulation];
    for (data, topic) in (0..6).zip(script.into_iter().cycle()) {
        publish_to(&hub, topic, "A", data);
    }
    assert_eq!(
        read(&mut reader),
        ["0", "1", "2", "3", "4", "5"],
        "in order"
    );
    let after = |id: &str| read(&mut hub.subscribe(&Topic::ALL, Filter::default(), Some(id)));
    assert_eq!(after("b00t-1"), ["2", "3", "4", "5"]);

    // One topic loses what the others still have.
    for data in 6..10 {
        publish(&hub, "A", data);
    }
    assert_eq!(after("b00t-2"), ["telemetry reset", "3", "5"]);
    assert_eq!(after("b00t-6"), ["7", "8", "9"]);
    let drift = hub.subscribe(&[Topic::Drift], Filter::default(), Some("b00t-2"));
    assert_eq!(read(&mut { drift }), ["3"]);
    assert_eq!(read(&mut reader), ["telemetry missed 1", "7", "8", "9"]);
}

#[test]
fn after_a_reset_the_readers_of_the_topic_start_over() {
    let hub = hub(3);
    let mut all = hub.subscribe(&Topic::ALL, Filter::default(), None);
    let mut of_a = listen(&hub, of("A"), None);
    let mut drift = hub.subscribe(&[Topic::Drift], Filter::default(), None);
    for data in 0..5 {
        publish(&hub, "A", data);
    }
    publish_to(&hub, Topic::Drift, "A", 5);
    hub.reset(Topic::Telemetry);
    publish(&hub, "A", 6);
    assert_eq!(read(&mut all), ["telemetry reset", "5", "6"]);
    assert_eq!(read(&mut of_a), ["telemetry reset", "6"]);
    assert_eq!(read(&mut drift), ["5"]);
    let mut back = listen(&hub, Filter::default(), Some("b00t-4"));
    assert_eq!(read(&mut back), ["telemetry reset"]);
    for data in 7..11 {
        publish(&hub, "A", data);
    }
    for reader in [&mut all, &mut of_a] {
        assert_eq!(read(reader), ["telemetry missed 1", "8", "9", "10"]);
    }
}

#[test]
fn a_large_backlog_is_read_in_parts_and_in_order() {
    let hub = hub(20_000);
    let mut reader = hub.subscribe(&Topic::ALL, Filter::default(), None);
    let mut filtered = hub.subscribe(&Topic::ALL, of("A"), None);
    let padding = "x".repeat(100);
    for data in 0..10_000_u32 {
        let topic = if data % 7 == 0 {
            Topic::Drift
        } else {
            Topic::Telemetry
        };
        let data = format!("{data} {padding}");
        hub.publish(topic, "e", (&device("A"), Metric::Pressure), &data)
            .unwrap();
    }
    hub.flush();
    let largest = pieces(&mut reader).concat().len();
    assert!(largest < 512 * 1024, "{largest}");
    let read_all = |reader: &mut Subscriber| -> Vec<u32> {
        let number = |data: &String| data[1..].split(' ').next().unwrap().parse().unwrap();
        read(reader).iter().map(number).collect()
    };
    let numbers = read_all(&mut filtered);
    assert_eq!(numbers, (0..10_000).collect::<Vec<_>>());
    let rest = read_all(&mut reader);
    assert_eq!(rest, numbers[numbers.len() - rest.len()..]);
}
