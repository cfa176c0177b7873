//! Where a product lives: its ports and its data folder, over several runs of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hc_e2e::{binary, repository, until};
use tempfile::TempDir;

use crate::product::Product;

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

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder with the log of each server and program.
    pub(crate) fn logs(&self) -> PathBuf {
        self.data().join("logs")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("dev.log")
    }

    fn platform(&self) -> Command {
        let mut command = Command::new(binary("hc-platform"));
        command
            .current_dir(repository())
            .env("HC_DATA_DIR", self.data())
            // As often as the other jobs.
            .env("LAKE_COMMIT_INTERVAL", "5 s")
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
        let mut product = Product::new(self, supervisor);
        let ready = until("the product to be ready", START_LIMIT, async || {
            if let Some(status) = product.ended()? {
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

    /// What `hc-platform topics` prints for these words; an error with all that it said when it refuses.
    pub(crate) fn topics(&self, words: &[&str]) -> Result<String> {
        let output = self.platform().arg("topics").args(words).output()?;
        let said = String::from_utf8(output.stdout)?;
        let complaint = String::from_utf8(output.stderr)?;
        ensure!(output.status.success(), "{said}{complaint}");
        Ok(said)
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
