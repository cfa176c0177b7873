//! The committed connector on a real worker: it captures, and waits for a registry that is away.

use std::path::Path;

use hc_platform::{Server, Stack};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::home::until_async;

#[tokio::test]
async fn a_new_schema_waits_for_a_registry_that_is_away() {
    let stack = Stack::builder()
        .servers([Server::Connect])
        .start()
        .await
        .unwrap();
    let env = stack.env();
    let client = reqwest::Client::new();
    let mut connection = PgConnection::connect(&env["DATABASE_URL"]).await.unwrap();
    for statement in [
        "CREATE TABLE patients (patient_id text PRIMARY KEY, name text NOT NULL)",
        "ALTER TABLE patients REPLICA IDENTITY FULL",
        "CREATE TABLE debezium_heartbeat (id int PRIMARY KEY, beat timestamptz NOT NULL)",
        "CREATE PUBLICATION debezium_healthcare FOR TABLE patients, debezium_heartbeat",
        "INSERT INTO patients VALUES ('P001', 'a')",
    ] {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connect/register-connector.sh");
    let registered = std::process::Command::new(script)
        .env("CONNECT_URL", &env["CONNECT_URL"])
        .output()
        .unwrap();
    assert!(registered.status.success(), "{registered:?}");

    let subject = format!(
        "{}/subjects/healthcare.public.patients-value/versions",
        env["SCHEMA_REGISTRY_URL"]
    );
    let versions = async || {
        client
            .get(&subject)
            .send()
            .await
            .ok()?
            .json::<Vec<u32>>()
            .await
            .ok()
    };
    until_async("the first record", async || {
        versions().await.filter(|all| all == &[1])
    })
    .await;

    stack.kill(Server::Registry).await.unwrap();
    for statement in [
        "ALTER TABLE patients ADD COLUMN nickname text",
        "UPDATE patients SET nickname = 'b'",
    ] {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    // The connector has been sent the change; the registry takes seconds to be back, in which the converter asks for it.
    let written: String = sqlx::query_scalar("SELECT pg_current_wal_lsn()::text")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    // Only the superuser sees how far a sender is.
    let superuser = format!(
        "postgresql://postgres:postgres@127.0.0.1:{}/healthcare",
        stack.ports().postgres
    );
    let superuser = tokio::sync::Mutex::new(PgConnection::connect(&superuser).await.unwrap());
    until_async("the connector to be sent the change", async || {
        sqlx::query_scalar::<_, Option<bool>>(
            "SELECT bool_and(sent_lsn >= $1::text::pg_lsn) FROM pg_stat_replication",
        )
        .bind(&written)
        .fetch_one(&mut *superuser.lock().await)
        .await
        .unwrap()
        .filter(|sent: &bool| *sent)
    })
    .await;
    stack.restart(Server::Registry).await.unwrap();
    until_async("the second schema", async || {
        versions().await.filter(|all| all == &[1, 2])
    })
    .await;

    let status: Value = client
        .get(format!(
            "{}/connectors/debezium-postgres-healthcare/status",
            env["CONNECT_URL"]
        ))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(status["tasks"][0]["state"], "RUNNING", "{status}");
}
