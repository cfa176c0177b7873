//! What change data capture needs of the running Postgres.

use sqlx::{Connection as _, PgConnection, query_scalar};

use super::Findings;

/// The publication that the connector reads, and what it must hold.
const PUBLICATION: &str = "debezium_healthcare";
const PUBLISHED: [&str; 4] = ["debezium_heartbeat", "devices", "patients", "prescriptions"];
const SLOT: &str = "debezium_healthcare_slot";

pub(super) async fn check(findings: &mut Findings, url: &str) {
    if let Err(error) = ask(findings, url).await {
        findings.problem(format!(
            "Postgres was not asked about change data capture: {error}; see `hc-platform logs postgres`"
        ));
    }
}

async fn ask(findings: &mut Findings, url: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;

    let level: String = query_scalar("SHOW wal_level")
        .fetch_one(&mut connection)
        .await?;
    if level == "logical" {
        findings.good("wal_level is logical");
    } else {
        findings.problem(format!(
            "wal_level is {level}; set it to logical in platform/postgres/postgresql.conf and start again"
        ));
    }

    let role: String = query_scalar("SELECT current_user::text")
        .fetch_one(&mut connection)
        .await?;
    let replicates: bool = query_scalar(
        "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(&mut connection)
    .await?;
    if replicates {
        findings.good(format!("role {role} may replicate"));
    } else {
        findings.problem(format!(
            "role {role} may not replicate; as a superuser: ALTER ROLE {role} REPLICATION"
        ));
    }

    let published: Vec<String> =
        query_scalar("SELECT tablename::text FROM pg_publication_tables WHERE pubname = $1")
            .bind(PUBLICATION)
            .fetch_all(&mut connection)
            .await?;
    let missing: Vec<&str> = PUBLISHED
        .into_iter()
        .filter(|table| !published.iter().any(|name| name == table))
        .collect();
    if missing.is_empty() {
        findings.good(format!(
            "publication {PUBLICATION} has every captured table"
        ));
    } else if published.is_empty() {
        findings.problem(format!(
            "there is no publication {PUBLICATION}; `hc-api migrate` makes it"
        ));
    } else {
        findings.problem(format!(
            "publication {PUBLICATION} lacks {}; ALTER PUBLICATION {PUBLICATION} ADD TABLE {}",
            missing.join(", "),
            missing.join(", ")
        ));
    }

    let slot: Option<bool> =
        query_scalar("SELECT active FROM pg_replication_slots WHERE slot_name = $1")
            .bind(SLOT)
            .fetch_optional(&mut connection)
            .await?;
    match slot {
        Some(true) => findings.good(format!("replication slot {SLOT} is being read")),
        Some(false) => findings.problem(format!(
            "nobody reads replication slot {SLOT}; see `hc-platform logs connect`"
        )),
        None => findings.note(format!(
            "there is no replication slot {SLOT} yet; the connector makes it"
        )),
    }
    connection.close().await
}
