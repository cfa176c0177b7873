//! Start, watch, stop: whatever ends the supervisor, nothing is left behind.

use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use sqlx::{Connection, PgConnection};

use crate::home::{Home, pid, signal, text, until};

const SERVERS: [&str; 3] = ["up", "--only", "postgres,kafka"];

#[tokio::test]
async fn a_lost_server_comes_back_and_a_second_start_finds_the_data() {
    let home = Home::new();
    let mut first = home.start(&SERVERS);
    let units = home.ready();
    let names: Vec<&str> = units
        .iter()
        .map(|unit| unit["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["kafka", "postgres"]);
    assert!(
        units
            .iter()
            .all(|unit| unit["memoryBytes"].as_u64().unwrap() > 1_000_000)
    );
    execute(&home, "CREATE TABLE kept (id int PRIMARY KEY)").await;

    let postgres = home.unit("postgres")["pid"].as_u64().unwrap();
    kill(pid(u32::try_from(postgres).unwrap()), Signal::SIGKILL).unwrap();
    until("Postgres to run again", || {
        let unit = home.unit("postgres");
        (unit["restarts"] == 1 && unit["state"] == "ready" && unit["pid"] != postgres).then_some(())
    });
    execute(&home, "INSERT INTO kept VALUES (1)").await;

    // Running, it can be neither started twice nor reset.
    let again = home.run(&SERVERS);
    assert!(!again.status.success());
    assert!(
        text(&again.stderr).contains(&format!("process {}", first.id())),
        "{}",
        text(&again.stderr)
    );
    assert!(!home.run(&["reset", "--yes"]).status.success());

    signal(&first, Signal::SIGTERM);
    assert!(first.wait().unwrap().success());
    home.silent();

    let mut second = home.start(&SERVERS);
    home.ready();
    execute(&home, "INSERT INTO kept VALUES (2)").await;
    assert!(home.run(&["down"]).status.success());
    assert!(second.wait().unwrap().success());
    home.silent();
}

#[test]
fn a_killed_supervisor_takes_its_servers_along() {
    let home = Home::new();
    let mut supervisor = home.start(&SERVERS);
    home.ready();
    assert!(home.processes().len() > 3, "{:?}", home.processes());
    signal(&supervisor, Signal::SIGKILL);
    supervisor.wait().unwrap();
    home.silent();
    assert!(home.units().is_empty());
}

#[test]
fn a_killed_parent_ends_the_supervisor_in_good_order() {
    let home = Home::new();
    // A shell that is not replaced by the command it runs.
    let mut shell = Command::new("sh");
    home.surround(&mut shell);
    let mut parent = shell
        .args([
            "-c",
            "\"$0\" up --only postgres; exit $?",
            env!("CARGO_BIN_EXE_hc-platform"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    home.ready();
    signal(&parent, Signal::SIGKILL);
    parent.wait().unwrap();
    home.silent();
    // A killed Postgres would leave its process file.
    let postgres = home
        .outside()
        .unwrap_or_else(|| home.data().join("postgres"));
    assert!(!postgres.join("data/postmaster.pid").exists());
}

#[test]
fn exec_hands_over_the_addresses_and_the_status_and_leaves_nothing() {
    let home = Home::new();
    let script = "echo \"$DATABASE_URL|${KAFKA_BOOTSTRAP_SERVERS-unset}\"; exit 7";
    let mut command = home.command(&["exec", "--servers", "postgres", "--", "sh", "-c", script]);
    let output = command
        .env("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    let answer = text(&output.stdout);
    let (url, kafka) = answer.trim().split_once('|').unwrap();
    // Ports of its own, and nothing of the servers that were not asked for.
    assert!(
        url.starts_with("postgresql://demo:demo@127.0.0.1:") && url != home.database(),
        "{url}"
    );
    assert_eq!(kafka, "unset");
    home.silent();
}

async fn execute(home: &Home, sql: &'static str) {
    let mut connection = PgConnection::connect(&home.database()).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
}
