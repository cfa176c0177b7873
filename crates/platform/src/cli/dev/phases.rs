//! The order in which the product comes up. What does not depend on each other runs together; a failure of the database or
//! of the API ends the start, any other leaves a product that can do less and says so.

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::FutureExt;
use serde_json::Value;

use super::programs::Programs;
use crate::child::{self, CommandSpec};
use crate::log_file::rotate_at_start;
use crate::report::{Report, seconds};
use crate::supervisor::Supervisor;

/// Of one server, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// Of the snapshot's first record, once the connector runs.
const CAPTURE: Duration = Duration::from_secs(90);
const FIRST_DRIFT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// The last subject that the snapshot of the captured tables brings.
const CAPTURED: [&str; 1] = ["healthcare.public.prescriptions-value"];

pub(crate) struct Product {
    pub(crate) programs: Programs,
    pub(crate) supervisor: Supervisor,
    pub(crate) report: Report,
    pub(crate) started: Instant,
    pub(crate) client: reqwest::Client,
}

/// Why a phase could not be done; shared by all that come after it.
type Outcome = Result<(), String>;

impl Product {
    /// The API with demonstration data, and the screens.
    pub(crate) async fn start_alone(&self) -> anyhow::Result<()> {
        self.supervisor.add(self.programs.api(&[])?);
        self.supervisor.add(self.programs.ui()?);
        self.supervisor.ready(&["api", "ui"], PATIENCE).await?;
        self.say_ready();
        Ok(())
    }

    /// Everything; returns when the product is ready and, with `simulate`, has judged its first reading.
    pub(crate) async fn start(&self, simulate: bool) -> anyhow::Result<()> {
        let tables = self.tables().shared();
        let pipelines = async {
            // Each to its end: what can work shall, whatever else fails.
            let (topics, captured, gateway) =
                tokio::join!(self.topics(), self.captured(tables.clone()), self.gateway());
            topics.and(captured).and(gateway)?;
            self.deployed().await
        };
        let screens = async {
            tables.clone().await.map_err(anyhow::Error::msg)?;
            self.supervisor.add(self.programs.api(&["postgres"])?);
            self.supervisor.add(self.programs.ui()?);
            self.supervisor.ready(&["api"], PATIENCE).await
        };
        let (degraded, ()) =
            tokio::try_join!(pipelines.map(|outcome: Outcome| Ok(outcome.err())), screens)?;
        if let Err(error) = self.supervisor.ready(&["ui"], PATIENCE).await {
            self.report
                .about("ui", format!("the screens are missing: {error:#}"));
        }
        if let Some(reason) = &degraded {
            self.report.line(format!(
                "DEGRADED: {reason}\n  Patients, devices and prescriptions work; there are no verdicts. Mend it and start again."
            ));
        }
        if !simulate {
            self.silence().await;
        }
        self.say_ready();
        if simulate {
            let judged = self.newest_verdict().await.unwrap_or(None);
            self.simulate().await?;
            if degraded.is_none() {
                self.first_drift(judged).await;
            }
        }
        if degraded.is_none() {
            self.lake().await;
        }
        Ok(())
    }

    async fn tables(&self) -> Outcome {
        self.supervisor
            .ready(&["postgres"], PATIENCE)
            .await
            .map_err(text)?;
        self.step("migrate", self.binary("hc-api", "migrate", &["migrate"]))
            .await?;
        self.step("seed", self.binary("hc-api", "seed", &["seed"]))
            .await
    }

    async fn topics(&self) -> Outcome {
        self.supervisor
            .ready(&["kafka", "registry"], PATIENCE)
            .await
            .map_err(text)?;
        self.step("topics", self.binary("hc-api", "topics", &["topics"]))
            .await
    }

    async fn captured(&self, tables: impl Future<Output = Outcome>) -> Outcome {
        tables.await?;
        self.supervisor
            .ready(&["connect"], PATIENCE)
            .await
            .map_err(text)?;
        let script = self
            .programs
            .repository
            .join("connect/register-connector.sh");
        self.step(
            "connector",
            Ok(self
                .programs
                .command("bash".into(), "connector", &[&script.display().to_string()])),
        )
        .await?;
        self.phase("cdc", "the captured tables are in Kafka", async {
            let subjects = format!("{}/subjects", self.programs.registry_url());
            self.until(
                CAPTURE,
                "the connector delivers no record; see `hc-platform logs connect`",
                async || {
                    let present = self.get(&subjects).await?;
                    Ok(CAPTURED.iter().all(|subject| {
                        present
                            .as_array()
                            .is_some_and(|all| all.iter().any(|one| one == subject))
                    }))
                },
            )
            .await
        })
        .await
    }

    async fn gateway(&self) -> Outcome {
        let servers = [
            "kafka",
            "registry",
            "jobmanager",
            "taskmanager",
            "sql-gateway",
        ];
        self.supervisor
            .ready(&servers, PATIENCE)
            .await
            .map_err(text)?;
        self.supervisor
            .add(self.programs.gateway(&servers).map_err(text)?);
        self.supervisor
            .ready(&["gateway"], PATIENCE)
            .await
            .map_err(text)
    }

    async fn deployed(&self) -> Outcome {
        let prepare =
            sql_files(self.programs.repository.join("pipelines/prepare")).map_err(text)?;
        let mut args = vec!["prepare"];
        args.extend(prepare.iter().map(String::as_str));
        if !prepare.is_empty() {
            self.step("prepare", self.binary("hc-flink-gateway", "prepare", &args))
                .await?;
        }
        self.step(
            "deploy",
            self.binary("hc-flink-gateway", "deploy", &["deploy", "pipelines/"]),
        )
        .await
    }

    /// After everything that a person waits for: a lake is looked at later.
    async fn lake(&self) {
        let filled = self
            .step("lake", self.binary("hc-flink-gateway", "lake", &["lake"]))
            .await;
        if let Err(reason) = filled {
            self.report.line(format!(
                "{reason}\n  Verdicts are not affected; see `hc-platform logs gateway`."
            ));
            return;
        }
        let url = format!("{}/lake", self.programs.statements_url());
        let absent = self.get(&url).await.unwrap_or_default();
        let names: Vec<&str> = absent["absent"]
            .as_object()
            .into_iter()
            .flat_map(|absent| absent.keys().map(String::as_str))
            .collect();
        if !names.is_empty() {
            self.report.about(
                "lake",
                format!(
                    "without {}, which do not exist yet; they are taken in when they do",
                    names.join(", ")
                ),
            );
        }
    }

    async fn simulate(&self) -> anyhow::Result<()> {
        let url = format!("{}/simulation/start", self.programs.api_url());
        let answer = self
            .client
            .post(url)
            .json(&serde_json::json!({ "simulationType": "all" }))
            .send()
            .await
            .context("starting the simulation")?;
        match answer.status().as_u16() {
            200..300 => self.report.about("simulation", "the devices report"),
            409 => self
                .report
                .about("simulation", "the devices report already"),
            _ => self.report.about(
                "simulation",
                format!(
                    "was not started: {} {}",
                    answer.status(),
                    answer.text().await.unwrap_or_default()
                ),
            ),
        }
        Ok(())
    }

    /// Devices that reported when an earlier run was killed would go on by themselves.
    async fn silence(&self) {
        let url = format!("{}/simulation/stop", self.programs.api_url());
        if let Err(error) = self.client.post(url).send().await {
            tracing::warn!(%error, "stopping the simulation");
        }
    }

    /// Event time of the newest verdict, epoch milliseconds.
    async fn newest_verdict(&self) -> anyhow::Result<Option<i64>> {
        let url = format!("{}/drift?limit=1", self.programs.api_url());
        Ok(self.get(&url).await?[0]["ts"].as_i64())
    }

    /// Waits for a verdict of this run: those of earlier ones are `judged` already.
    async fn first_drift(&self, judged: Option<i64>) {
        let outcome = self
            .until(
                FIRST_DRIFT,
                "no verdict yet; see `hc-platform logs gateway` and Flink's page",
                async || Ok(self.newest_verdict().await? > judged),
            )
            .await;
        match outcome {
            Ok(()) => self.report.about(
                "drift",
                format!("first verdict after {}", seconds(self.started.elapsed())),
            ),
            Err(error) => self.report.about("drift", format!("{error:#}")),
        }
    }

    fn say_ready(&self) {
        let ports = &self.programs.ports;
        self.report.line(format!(
            "ready after {}. Ctrl+C stops everything.\n  screens  http://localhost:{}\n  API      http://localhost:{}/docs",
            seconds(self.started.elapsed()),
            ports.ui,
            ports.api
        ));
    }

    fn binary(&self, name: &str, log: &str, args: &[&str]) -> anyhow::Result<CommandSpec> {
        self.programs.binary(name, log, args)
    }

    /// Runs a command to its end.
    async fn step(&self, name: &str, command: anyhow::Result<CommandSpec>) -> Outcome {
        self.phase(name, "done", async {
            let command = command?;
            rotate_at_start(&command.log)?;
            child::run(&command).await
        })
        .await
    }

    /// Prints how long the work took.
    async fn phase(
        &self,
        name: &str,
        done: &str,
        work: impl Future<Output = anyhow::Result<()>>,
    ) -> Outcome {
        let begun = Instant::now();
        work.await.map_err(|error| format!("{name}: {error:#}"))?;
        self.report.about(
            name,
            format!(
                "{done} in {} (at {})",
                seconds(begun.elapsed()),
                seconds(self.started.elapsed())
            ),
        );
        Ok(())
    }

    /// Asks until the answer is yes. A question that cannot be asked is asked again.
    async fn until(
        &self,
        patience: Duration,
        otherwise: &str,
        ask: impl AsyncFn() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        while !ask().await.unwrap_or(false) {
            if Instant::now() > deadline {
                bail!("after {}: {otherwise}", seconds(patience));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn get(&self, url: &str) -> anyhow::Result<Value> {
        Ok(self
            .client
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn text(error: anyhow::Error) -> String {
    format!("{error:#}")
}

fn sql_files(folder: PathBuf) -> anyhow::Result<Vec<String>> {
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .filter_map(|entry| entry.ok()?.path().to_str().map(str::to_owned))
        .filter(|path| path.ends_with(".sql"))
        .collect();
    files.sort();
    Ok(files)
}
