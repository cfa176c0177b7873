//! The running product: `hc-platform dev` as a child process, and its HTTP interfaces.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::wait::until;

const START_LIMIT: Duration = Duration::from_secs(240);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const PORTS: [&str; 10] = [
    "UI_PORT",
    "API_PORT",
    "CONNECT_PORT",
    "POSTGRES_PORT",
    "KAFKA_PORT",
    "KAFKA_CONTROLLER_PORT",
    "REGISTRY_PORT",
    "FLINK_REST_PORT",
    "SQL_GATEWAY_PORT",
    "STATEMENTS_GATEWAY_PORT",
];

/// Where a product lives: its ports and its data folder. It outlives one run, so that a second start can be tested.
pub(crate) struct Home {
    ports: BTreeMap<&'static str, u16>,
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

/// One server of the product, as `hc-platform status --json` tells.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) pid: Option<i32>,
}

pub(crate) struct Product<'a> {
    home: &'a Home,
    supervisor: Child,
    http: Client,
}

impl Home {
    pub(crate) fn new(settings: &[(&'static str, &str)]) -> Result<Self> {
        let held: Vec<TcpListener> = PORTS
            .iter()
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<std::io::Result<_>>()?;
        let ports = PORTS
            .iter()
            .zip(&held)
            .map(|(name, listener)| Ok((*name, listener.local_addr()?.port())))
            .collect::<Result<_>>()?;
        Ok(Self {
            ports,
            folder: tempfile::Builder::new().prefix("hc-e2e-").tempdir()?,
            settings: settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        })
    }

    pub(crate) fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("dev.log")
    }

    fn platform(&self) -> Command {
        let mut command = Command::new(binary("hc-platform"));
        command
            .current_dir(repository())
            .env("HC_DATA_DIR", self.data())
            .stdin(Stdio::null());
        command.envs(
            self.ports
                .iter()
                .map(|(name, port)| (*name, port.to_string())),
        );
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Starts the product without the simulation and waits until it says that it is ready.
    pub(crate) async fn start(&self) -> Result<Product<'_>> {
        let log = File::create(self.log())?;
        let supervisor = self
            .platform()
            .args(["dev", "--no-simulation"])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("hc-platform does not start; build the workspace first")?;
        let mut product = Product {
            home: self,
            supervisor,
            http: Client::new(),
        };
        let ready = until("the product to be ready", START_LIMIT, async || {
            if let Some(status) = product.supervisor.try_wait()? {
                return Ok(Some(Err(anyhow::anyhow!(
                    "hc-platform dev ended with {status}"
                ))));
            }
            let log = fs::read_to_string(self.log())?;
            Ok(log
                .lines()
                .any(|line| line.starts_with("ready"))
                .then_some(Ok(())))
        })
        .await
        .and_then(|outcome| outcome);
        match ready {
            Ok(()) => Ok(product),
            Err(error) => {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                bail!("{error:#}\n--- output of hc-platform dev ---\n{log}")
            }
        }
    }

    /// The product's servers and their processes.
    pub(crate) fn servers(&self) -> Result<Vec<Server>> {
        let output = self.platform().args(["status", "--json"]).output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// What `hc-platform doctor` says; an error when it finds a problem.
    pub(crate) fn doctor(&self) -> Result<String> {
        let output = self.platform().arg("doctor").output()?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "doctor: {text}");
        Ok(text)
    }

    /// Processes that still belong to this home: found by the data folder in their command line or environment.
    pub(crate) fn processes(&self) -> Result<Vec<String>> {
        let mark = self.folder.path().as_os_str().as_encoded_bytes().to_vec();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let Some(pid) = path
                .file_name()
                .and_then(|name| name.to_str()?.parse::<u32>().ok())
            else {
                continue;
            };
            if pid == std::process::id() {
                continue;
            }
            // A process may end between the listing and the reading.
            let command = fs::read(path.join("cmdline")).unwrap_or_default();
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            if !command.is_empty() && (contains(&command, &mark) || contains(&environment, &mark)) {
                found.push(format!(
                    "{pid} {}",
                    String::from_utf8_lossy(&command).replace('\0', " ")
                ));
            }
        }
        Ok(found)
    }

    /// The ports of this home on which somebody listens.
    pub(crate) fn listening(&self) -> Vec<&'static str> {
        self.ports
            .iter()
            .filter(|(_, port)| std::net::TcpStream::connect(("127.0.0.1", **port)).is_ok())
            .map(|(name, _)| *name)
            .collect()
    }

    /// Waits until no process and no listening port of this home is left.
    pub(crate) async fn silent(&self) -> Result<()> {
        let outcome = until(
            "every process to end and every port to close",
            STOP_LIMIT,
            async || {
                let (processes, ports) = (self.processes()?, self.listening());
                ensure!(
                    processes.is_empty() && ports.is_empty(),
                    "left: {processes:#?}, listening: {ports:?}"
                );
                Ok(Some(()))
            },
        );
        outcome.await
    }
}

impl Product<'_> {
    pub(crate) fn url(&self, port: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.home.port(port))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let response = self.http.get(self.url("API_PORT", path)).send().await?;
        let status = response.status();
        let body = response.text().await?;
        ensure!(status.is_success(), "GET {path}: {status} {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// Sends a write; `version` becomes the `If-Match` precondition.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        version: Option<i64>,
        body: &Value,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self
            .http
            .request(method, self.url("API_PORT", path))
            .json(body);
        if let Some(version) = version {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)?
        };
        Ok((status, body))
    }

    /// Replaces the parameters of a prescription.
    pub(crate) async fn correct(&self, prescription: &str, parameters: Value) -> Result<()> {
        let path = format!("/prescriptions/{prescription}");
        let change = serde_json::json!({ "parameters": parameters });
        let (status, body) = self.send(Method::PATCH, &path, None, &change).await?;
        ensure!(
            status == StatusCode::OK,
            "PATCH {prescription}: {status} {body}"
        );
        Ok(())
    }

    pub(crate) async fn simulate(&self, action: &str) -> Result<()> {
        let (status, body) = self
            .send(
                Method::POST,
                &format!("/simulation/{action}"),
                None,
                &serde_json::json!({}),
            )
            .await?;
        ensure!(status == StatusCode::OK, "{action}: {status} {body}");
        Ok(())
    }

    /// The phase of a Flink statement, as the statements gateway tells.
    pub(crate) async fn phase(&self, statement: &str) -> Result<String> {
        let path = format!(
            "/sql/v1/organizations/00000000-0000-0000-0000-000000000000/environments/env-000000/statements/{statement}"
        );
        let body: Value = self
            .http
            .get(self.url("STATEMENTS_GATEWAY_PORT", &path))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        Ok(body["status"]["phase"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// What Flink's JobManager answers.
    pub(crate) async fn flink(&self, path: &str) -> Result<Value> {
        Ok(self
            .http
            .get(self.url("FLINK_REST_PORT", path))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.http
    }

    pub(crate) fn kafka(&self) -> String {
        format!("127.0.0.1:{}", self.home.port("KAFKA_PORT"))
    }

    pub(crate) fn registry(&self) -> String {
        self.url("REGISTRY_PORT", "/apis/ccompat/v7")
    }

    /// Kills one server with SIGKILL; nobody but the product itself brings it back. Answers the pid that is gone.
    pub(crate) fn kill(&self, name: &str) -> Result<i32> {
        let pid = self
            .pid(name)?
            .with_context(|| format!("{name} has no process"))?;
        kill(Pid::from_raw(pid), Signal::SIGKILL)?;
        Ok(pid)
    }

    fn pid(&self, name: &str) -> Result<Option<i32>> {
        let servers = self.home.servers()?;
        let server = servers.iter().find(|server| server.name == name);
        Ok(server
            .with_context(|| format!("no server {name} among {servers:?}"))?
            .pid)
    }

    /// Waits until a server runs again in another process than `gone`.
    pub(crate) async fn restarted(&self, name: &str, gone: i32) -> Result<()> {
        until(
            &format!("{name} to be restarted"),
            Duration::from_secs(60),
            async || Ok(self.pid(name)?.filter(|pid| *pid != gone).map(|_| ())),
        )
        .await
    }

    /// What Ctrl+C does in a terminal. Waits until the supervisor has ended and says how.
    pub(crate) async fn interrupt(mut self) -> Result<std::process::ExitStatus> {
        kill(
            Pid::from_raw(self.supervisor.id().cast_signed()),
            Signal::SIGINT,
        )?;
        until("hc-platform to end", STOP_LIMIT, async || {
            Ok(self.supervisor.try_wait()?)
        })
        .await
    }

    /// Kills the supervisor so that it has no chance to stop anything.
    pub(crate) fn kill_supervisor(mut self) -> Result<()> {
        self.supervisor.kill()?;
        self.supervisor.wait()?;
        Ok(())
    }
}

impl Drop for Product<'_> {
    #[expect(
        clippy::print_stdout,
        reason = "shown with a failed test, and only then"
    )]
    fn drop(&mut self) {
        if self.supervisor.try_wait().ok().flatten().is_none() {
            let _ = kill(
                Pid::from_raw(self.supervisor.id().cast_signed()),
                Signal::SIGTERM,
            );
            let _ = self.supervisor.wait();
        }
        println!("--- output of hc-platform dev ---");
        println!(
            "{}",
            fs::read_to_string(self.home.log()).unwrap_or_default()
        );
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // As root, Postgres keeps its files outside the data folder; only the platform knows where.
        let _ = self
            .platform()
            .args(["reset", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A binary of the workspace: it lies two folders above the test's own executable.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors()
        .nth(2)
        .map(|folder| folder.join(name))
        .unwrap_or_default()
}
