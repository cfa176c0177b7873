//! [`Stack`], as the tests of other crates use it.

use std::pin::pin;
use std::time::Duration;

use hc_platform::health::Health;
use hc_platform::{Server, Stack, proc};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use crate::home::until_async;

#[tokio::test]
async fn postgres_starts_when_the_last_backend_of_a_killed_one_has_gone() {
    let stack = Stack::builder()
        .servers([Server::Postgres])
        .start()
        .await
        .unwrap();
    let mut connection = PgConnection::connect(&stack.env()["DATABASE_URL"])
        .await
        .unwrap();
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let backend = Pid::from_raw(backend);
    signal::kill(backend, Signal::SIGSTOP).unwrap();
    let mut restart = pin!(stack.restart(Server::Postgres));
    let early = timeout(Duration::from_secs(2), &mut restart).await;
    assert!(early.is_err(), "a backend still holds the data: {early:?}");
    signal::kill(backend, Signal::SIGCONT).unwrap();
    restart.await.unwrap();
}

#[tokio::test]
async fn a_server_is_killed_and_started_again_on_its_data() {
    let stack = Stack::builder()
        .servers([Server::Kafka, Server::Registry])
        .start()
        .await
        .unwrap();
    let env = stack.env();
    // The registry keeps its schemas in Postgres.
    for name in [
        "DATABASE_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "SCHEMA_REGISTRY_URL",
    ] {
        assert!(env.contains_key(name), "{name}");
    }
    assert!(!env.contains_key("CONNECT_URL"));
    let url = &env["DATABASE_URL"];
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("CREATE TABLE kept (id int)")
        .execute(&mut connection)
        .await
        .unwrap();
    let schema = serde_json::json!({ "schema": "\"string\"" });
    let subject = format!(
        "{}/subjects/kept-value/versions",
        env["SCHEMA_REGISTRY_URL"]
    );
    let client = reqwest::Client::new();
    client
        .post(&subject)
        .json(&schema)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();

    let kafka = Health::Kafka {
        port: stack.ports().kafka,
    };
    kafka.check(0).await.unwrap();
    let before = stack.pid(Server::Kafka).await.unwrap();
    for server in [Server::Kafka, Server::Postgres] {
        stack.kill(server).await.unwrap();
    }
    assert!(!proc::is_alive(before));
    assert!(kafka.check(0).await.is_err());
    assert!(PgConnection::connect(url).await.is_err());

    for server in [Server::Postgres, Server::Kafka] {
        stack.restart(server).await.unwrap();
    }
    kafka.check(0).await.unwrap();
    assert_ne!(stack.pid(Server::Kafka).await.unwrap(), before);
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("SELECT id FROM kept")
        .execute(&mut connection)
        .await
        .unwrap();
    // Its connections died with Postgres, and until it has made others it answers with an error.
    let versions = until_async("the registry to answer again", async || {
        let answer = client.get(&subject).send().await.ok()?;
        answer
            .error_for_status()
            .ok()?
            .json::<Vec<u32>>()
            .await
            .ok()
    })
    .await;
    assert_eq!(versions, [1]);

    let (data, registry) = (
        stack.data().to_owned(),
        stack.pid(Server::Registry).await.unwrap(),
    );
    drop(stack);
    assert!(!proc::is_alive(registry));
    assert!(!data.exists());
}
