use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use hc_flink_gateway::client::{Client, ClientArgs, Remote};
use hc_flink_gateway::flink::job_manager::{Job, JobManager};
use hc_flink_gateway::model::Phase;
use hc_kafka::{Admin, KafkaConfig, Registry, RegistryConfig};
use tempfile::TempDir;
use uuid::Uuid;

/// Longest wait for anything; a busy machine is slow, not wrong.
const PATIENCE: Duration = Duration::from_secs(90);

/// Checkpoints come fast in tests.
const TUNING: &str = r#"
[defaults]
reason = "fast tests"
[defaults.config]
"execution.checkpointing.interval" = "500 ms"
"execution.checkpointing.externalized-checkpoint-retention" = "RETAIN_ON_CANCELLATION"
"#;

/// Addresses of the servers.
pub(crate) type Env = BTreeMap<String, String>;

/// The servers that the environment names.
pub(crate) fn shared_env() -> Env {
    let names = [
        "KAFKA_BOOTSTRAP_SERVERS",
        "SCHEMA_REGISTRY_URL",
        "FLINK_REST_URL",
        "SQL_GATEWAY_URL",
    ];
    names
        .into_iter()
        .map(|name| match std::env::var(name) {
            Ok(value) => (name.to_owned(), value),
            Err(_) => panic!("{name} is not set: run through ./run_tests.sh or hc-platform exec"),
        })
        .collect()
}

/// A gateway process with a store of its own.
pub(crate) struct Gateway {
    pub(crate) env: Env,
    pub(crate) dir: TempDir,
    port: u16,
    process: Child,
}

impl Gateway {
    /// Starts a gateway on the shared servers.
    pub(crate) async fn start() -> Self {
        Self::start_on(shared_env()).await
    }

    pub(crate) async fn start_on(env: Env) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tuning.toml"), TUNING).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = spawn(&env, dir.path(), port);
        let gateway = Self {
            env,
            dir,
            port,
            process,
        };
        gateway.until_ready().await;
        gateway
    }

    /// Kills the process without a word, and starts another one on the same store.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.process.kill().ok();
        self.process.wait().unwrap();
        self.process = spawn(&self.env, self.dir.path(), self.port);
        self.until_ready().await;
    }

    /// Asks the process to stop, as a supervisor does, and gives the time it took.
    pub(crate) async fn terminate(&mut self) -> Duration {
        let started = Instant::now();
        let pid = nix::unistd::Pid::from_raw(self.process.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let status = eventually("the gateway to stop", async || {
            self.process.try_wait().unwrap()
        })
        .await;
        assert!(status.success(), "{status}");
        started.elapsed()
    }

    async fn until_ready(&self) {
        let url = format!("{}/health", self.url());
        eventually("the gateway to listen", async || {
            reqwest::get(&url).await.ok().map(drop)
        })
        .await;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address of the statements.
    pub(crate) fn statements(&self) -> String {
        format!(
            "{}/sql/v1/organizations/00000000-0000-0000-0000-000000000000/environments/env-000000/statements",
            self.url()
        )
    }

    /// A request for what the client does not offer.
    pub(crate) fn http(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new().request(method, format!("{}{path}", self.statements()))
    }

    /// Stops or resumes a statement, as far as the answer to the request.
    pub(crate) async fn set_stopped(&self, name: &str, stopped: bool) {
        let body =
            serde_json::json!([{ "op": "replace", "path": "/spec/stopped", "value": stopped }]);
        let request = self
            .http(reqwest::Method::PATCH, &format!("/{name}"))
            .json(&body);
        let response = request.send().await.unwrap();
        let status = response.status();
        assert!(
            status.is_success(),
            "{status} {}",
            response.text().await.unwrap()
        );
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.dir.path().join("checkpoints")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.client_args())
    }

    pub(crate) fn client_args(&self) -> ClientArgs {
        #[derive(Parser)]
        struct Cli {
            #[command(flatten)]
            client: ClientArgs,
        }
        Cli::parse_from(["test", "--url", &self.url()]).client
    }

    pub(crate) fn jobs(&self) -> JobManager {
        JobManager::new(&self.env["FLINK_REST_URL"])
    }

    pub(crate) fn kafka(&self) -> Admin {
        Admin::new(&KafkaConfig::plaintext(
            &self.env["KAFKA_BOOTSTRAP_SERVERS"],
        ))
        .unwrap()
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(&RegistryConfig::plain(&self.env["SCHEMA_REGISTRY_URL"])).unwrap()
    }

    /// Sends a statement and waits for the end of PENDING and DEGRADED.
    pub(crate) async fn run(&self, name: &str, sql: &str) -> Remote {
        let client = self.client();
        let posted = client.post(name, sql, &BTreeMap::new()).await.unwrap();
        client.settle(posted).await.unwrap()
    }

    /// The same for a statement that must reach a phase.
    pub(crate) async fn must(&self, name: &str, sql: &str, phase: Phase) {
        let statement = self.run(name, sql).await;
        assert_eq!(
            statement.status.phase, phase,
            "{name}: {}",
            statement.status.detail
        );
    }

    /// Runs a statement whose name does not matter; it must reach a phase.
    pub(crate) async fn exec(&self, sql: &str, phase: Phase) {
        let statement = self.try_exec(sql).await;
        assert_eq!(
            statement.status.phase, phase,
            "{sql}: {}",
            statement.status.detail
        );
    }

    /// The same, whatever becomes of it. Jobs of all gateways run in one Flink: no two have one name.
    pub(crate) async fn try_exec(&self, sql: &str) -> Remote {
        self.run(&format!("test-{}", Uuid::new_v4().simple()), sql)
            .await
    }

    /// Waits until a statement has a phase.
    pub(crate) async fn until_phase(&self, name: &str, phase: Phase) -> Remote {
        let client = self.client();
        eventually(&format!("{name} to be {phase}"), async || {
            client
                .get(name)
                .await
                .ok()
                .flatten()
                .filter(|found| found.status.phase == phase)
        })
        .await
    }

    /// The running jobs of a statement.
    pub(crate) async fn running(&self, name: &str) -> Vec<Job> {
        let jobs = self.jobs().jobs().await.unwrap_or_default();
        jobs.into_iter()
            .filter(|job| job.name == name && !job.state.is_terminal())
            .collect()
    }

    /// Records ever written to a topic.
    pub(crate) async fn written(&self, topic: &str) -> i64 {
        let partitions = self
            .kafka()
            .watermarks(topic)
            .await
            .unwrap()
            .unwrap_or_default();
        partitions.values().map(|partition| partition.high).sum()
    }

    /// Waits until a topic has at least so many records.
    pub(crate) async fn until_written(&self, topic: &str, count: i64) {
        eventually(&format!("{count} records in {topic}"), async || {
            (self.written(topic).await >= count).then_some(())
        })
        .await;
    }

    /// Waits until a job has completed a checkpoint that was begun after this call.
    pub(crate) async fn until_checkpoint(&self, job: &str) {
        let url = format!("{}/jobs/{job}/checkpoints", self.env["FLINK_REST_URL"]);
        let completed = async || {
            let body: serde_json::Value = reqwest::get(&url).await.ok()?.json().await.ok()?;
            body.pointer("/counts/completed")?.as_i64()
        };
        let before = eventually("the job's checkpoints", completed).await;
        // The first one to complete may have begun before.
        eventually("two more checkpoints", async || {
            completed().await.filter(|now| *now >= before + 2)
        })
        .await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn spawn(env: &Env, dir: &Path, port: u16) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_hc-flink-gateway"))
        .arg("serve")
        .args(["--port", &port.to_string()])
        .arg("--store-dir")
        .arg(dir.join("store"))
        .arg("--checkpoint-dir")
        .arg(dir.join("checkpoints"))
        .arg("--tuning")
        .arg(dir.join("tuning.toml"))
        .envs(env)
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A name that no other test has, `_` between its parts.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", &Uuid::new_v4().simple().to_string()[..8])
}

/// The table's name as a statement's name.
pub(crate) fn dashed(prefix: &str, table: &str) -> String {
    format!("{prefix}-{}", table.replace('_', "-"))
}

/// CREATE TABLE of an append table with one bucket: `id BIGINT, text STRING`.
pub(crate) fn create(table: &str) -> String {
    format!("CREATE TABLE {table} (id BIGINT NOT NULL, text STRING) DISTRIBUTED INTO 1 BUCKETS")
}

/// INSERT of rows with these ids.
pub(crate) fn values(table: &str, ids: &[i64]) -> String {
    let rows: Vec<String> = ids.iter().map(|id| format!("({id}, 'row {id}')")).collect();
    format!("INSERT INTO {table} VALUES {}", rows.join(", "))
}
