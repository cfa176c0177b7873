//! The service is killed while devices report.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use hc_platform::{Server, Stack};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    kafka,
    simulation::{assert_complete, readings},
};

const DEVICES: usize = 50;

/// The service as a process.
struct Service {
    child: Child,
    url: String,
    client: reqwest::Client,
}

fn command(env: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hc-api"));
    command
        .envs(env)
        .env("API_PORT", "0")
        .env("SIMULATION_NUM_PATIENTS", DEVICES.to_string())
        // A round of 150 readings is sent in several batches, so that a kill cuts it short.
        .env("SIMULATION_RECORDS_PER_SECOND", "1500")
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Service {
    async fn start(env: &BTreeMap<String, String>) -> Self {
        let mut child = command(env).arg("serve").spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap().expect("it listens");
            if let Some((_, rest)) = line.split_once("http://") {
                let address = rest.split_once("/docs").unwrap().0;
                break format!("http://{address}");
            }
        };
        // Nobody reads on; a full pipe must not stop the service.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            child,
            url,
            client: reqwest::Client::new(),
        }
    }

    async fn post(&self, path: &str) -> u16 {
        let request = self.client.post(format!("{}{path}", self.url));
        request
            .json(&json!({}))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    async fn status(&self) -> Value {
        let request = self.client.get(format!("{}/simulation/status", self.url));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The status once there are so many readings.
    async fn after(&self, records: u64) -> Value {
        let reached = async {
            loop {
                let status = self.status().await;
                if status["records"].as_u64() >= Some(records) {
                    return status;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), reached).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_round_has_a_gap_or_a_duplicate_after_the_service_was_killed() {
    let stack = Stack::builder()
        .servers([Server::Postgres, Server::Kafka, Server::Registry])
        .start()
        .await
        .unwrap();
    let env = stack.env();
    for step in ["migrate", "seed"] {
        assert!(command(&env).arg(step).status().await.unwrap().success());
    }
    let mut story_time = 0;
    for (run, records) in [1_000, 733, 400, 911].into_iter().enumerate() {
        let mut service = Service::start(&env).await;
        // The devices go on by themselves in the later ones.
        if run == 0 {
            assert_eq!(service.post("/simulation/start").await, 200);
        }
        let status = service.after(records).await;
        let now = status["storyTime"].as_i64().unwrap();
        assert!(now > story_time, "{now} after {story_time}");
        story_time = now;
        service.child.kill().await.unwrap();
    }
    let service = Service::start(&env).await;
    service.after(500).await;
    let pool = PgPool::connect(&env["DATABASE_URL"]).await.unwrap();
    let noted = async || {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM app.running_simulation")
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    assert_eq!(noted().await, 1);
    assert_eq!(service.post("/simulation/stop").await, 200);
    // The note goes after the answer.
    let forgotten = async {
        while noted().await > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), forgotten).await.unwrap();

    let kafka = kafka::clients(
        &env["KAFKA_BOOTSTRAP_SERVERS"],
        &env["SCHEMA_REGISTRY_URL"],
        String::new(),
    );
    let readings = readings(&kafka).await;
    assert!(readings.len() > 3_500, "{}", readings.len());
    assert_complete(&readings, DEVICES);
}
