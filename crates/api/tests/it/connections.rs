//! Limits of connections, over real sockets.

use std::{net::SocketAddr, time::Duration};

use hc_api::{
    app::router,
    connections::{self, Limits},
    stream::{Kind, Topic},
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};

use crate::{socket::Socket, support::TestApp};

pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) async fn listen(app: &TestApp, connections: usize, idle: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { connections, idle };
    let server = connections::serve(listener, app.router.clone(), limits, app.shutdown.clone());
    tokio::spawn(server);
    address
}

#[tokio::test]
async fn a_connection_that_asks_nothing_or_only_half_is_closed() {
    let app = TestApp::demo().await;
    let address = listen(&app, 10, Duration::from_millis(300)).await;
    for start in ["", "GET /health HTTP/1.1\r\nhost:"] {
        let mut socket = Socket::open(address).await;
        socket.write(start).await;
        assert_eq!(socket.rest().await, "", "{start:?}");
    }
    // One that has been served, too.
    let mut socket = Socket::open(address).await;
    for _ in 0..2 {
        let head = socket.get("/health").await;
        assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    }
    assert_eq!(socket.rest().await, "");
    app.stop().await;
}

#[tokio::test]
async fn a_stream_is_not_idle() {
    let app = TestApp::demo().await;
    let address = listen(&app, 10, Duration::from_millis(100)).await;
    let mut stream = Socket::open(address).await;
    let head = stream.get("/drift/stream").await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    // Opened later and closed for being idle, while the stream stays.
    assert_eq!(Socket::open(address).await.rest().await, "");
    app.publish(Topic::Drift, "DEV-P001", &json!({"ts": 1}));
    stream.until("event: drift").await;
    app.stop().await;
    let rest = stream.rest().await;
    assert!(rest.ends_with("0\r\n\r\n"), "ends in good order: {rest:?}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut app = TestApp::demo().await;
    app.router = router(app.state.clone(), &[], Duration::from_millis(300));
    let address = listen(&app, 10, LONG).await;
    let mut socket = Socket::open(address).await;
    socket
        .write("POST /patients HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n")
        .await;
    socket.write("content-length: 100\r\n\r\n{").await;
    let head = socket.answer().await.expect("an answer");
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert_eq!(socket.rest().await, "");
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut() {
    let app = TestApp::demo().await;
    let address = listen(&app, 10, Duration::from_millis(300)).await;
    let mut deaf = Socket::open(address).await;
    deaf.get("/drift/stream").await;
    let subscribers = || app.state.gate.counts(Kind::Drift).open();
    assert_eq!(subscribers(), 1);
    // More than the kernel keeps for somebody who does not read.
    let data = json!({"text": "x".repeat(1_000_000)});
    for _ in 0..30 {
        app.publish(Topic::Drift, "DEV-P001", &data);
    }
    let cut = async {
        while subscribers() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), cut).await.unwrap();
    drop(deaf);
    app.stop().await;
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so_until_one_leaves() {
    let app = TestApp::demo().await;
    let address = listen(&app, 2, LONG).await;
    let mut regular = [Socket::open(address).await, Socket::open(address).await];
    for socket in &mut regular {
        socket.get("/health").await;
    }

    let mut refused = Socket::open(address).await;
    let head = refused.get("/patients").await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert!(head.contains("\r\nretry-after: 2\r\n"), "{head}");
    assert!(head.contains("\r\nx-request-id: "), "{head}");
    assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
    assert_eq!(refused.rest().await, "");

    // Whoever watches the service still can.
    for path in ["/health", "/ready", "/metrics"] {
        let mut watching = Socket::open(address).await;
        let head = watching.get(path).await;
        assert!(head.starts_with("http/1.1 200 ok"), "{path}: {head}");
        assert_eq!(watching.rest().await, "");
    }
    // And a connection within the limit is served as before.
    let head = regular[0].get("/patients").await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");

    drop(regular);
    let served = async {
        while !Socket::open(address)
            .await
            .get("/patients")
            .await
            .starts_with("http/1.1 200 ok")
        {}
    };
    timeout(Duration::from_secs(20), served).await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn silent_connections_over_the_limit_make_room_soon() {
    let app = TestApp::demo().await;
    let address = listen(&app, 1, LONG).await;
    let mut regular = Socket::open(address).await;
    regular.get("/health").await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(Socket::open(address).await);
    }
    let mut watching = Socket::open(address).await;
    let head = watching.get("/health").await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    app.stop().await;
}
