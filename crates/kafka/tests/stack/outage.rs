use hc_kafka::{Admin, KafkaConfig};
use hc_platform::{Server, Stack};

#[tokio::test]
async fn a_broker_that_is_gone_is_not_stormed() {
    let stack = Stack::builder().servers([Server::Kafka]);
    let stack = stack.start().await.unwrap();
    let address = &stack.env()["KAFKA_BOOTSTRAP_SERVERS"];
    let admin = Admin::new(&KafkaConfig::plaintext(address)).unwrap();
    let topic = admin.topic("none").await.unwrap();
    assert_eq!(topic, None, "the broker is known");

    stack.kill(Server::Kafka).await.unwrap();
    let before = refused_connections();
    admin.topic("none").await.unwrap_err();
    // Each broker is tried every 100 ms to 1 s, for 5 s. Without the pauses it was 61 207 times.
    let attempts = refused_connections() - before;
    assert!(attempts < 1000, "{attempts} attempts");
}

/// Of this machine, since it started: a client does not count its own.
fn refused_connections() -> u64 {
    let counters = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut tcp = counters.lines().filter(|line| line.starts_with("Tcp:"));
    let mut names = tcp.next().unwrap().split_whitespace();
    let at = names.position(|name| name == "AttemptFails").unwrap();
    let mut values = tcp.next().unwrap().split_whitespace();
    values.nth(at).unwrap().parse().unwrap()
}
