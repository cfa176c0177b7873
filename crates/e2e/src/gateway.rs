//! The statements gateway as a process, with a store and a port of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{binary, until};

const STATEMENTS: &str =
    "/sql/v1/organizations/00000000-0000-0000-0000-000000000000/environments/env-000000/statements";
/// A start, and anything that is no job, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Phase of a statement, and the gateway's words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    /// `RUNNING`, `COMPLETED`, ...
    pub(crate) name: String,
    pub(crate) detail: String,
}

/// A gateway that ends with its owner.
pub(crate) struct Gateway {
    process: Child,
    url: String,
    http: Client,
    folder: TempDir,
}

impl Gateway {
    /// Starts the built binary on the servers of the environment.
    pub(crate) async fn start(tuning: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        fs::write(path("tuning.toml"), tuning)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = binary("hc-flink-gateway");
        let process = Command::new(&program)
            .args(["serve", "--port", &port.to_string()])
            .arg("--store-dir")
            .arg(path("store"))
            .arg("--checkpoint-dir")
            .arg(path("checkpoints"))
            .arg("--tuning")
            .arg(path("tuning.toml"))
            // A busy machine is slow, not wrong: what is corrected is judged again however long it took to come here.
            .args(["--correction-window", "2 h"])
            .stdin(Stdio::null())
            .stderr(File::create(path("log"))?)
            .spawn()
            .with_context(|| format!("{}: build the workspace first", program.display()))?;
        let gateway = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            http: Client::builder().no_proxy().build()?,
            folder,
        };
        let health = format!("{}/health", gateway.url);
        until("the gateway to listen", PATIENCE, async || {
            gateway.http.get(&health).send().await?.error_for_status()?;
            Ok(Some(()))
        })
        .await
        .with_context(|| gateway.log())?;
        Ok(gateway)
    }

    /// What the gateway has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends a statement. It is answered when the statement is no longer PENDING, or after some seconds.
    pub(crate) async fn post(
        &self,
        name: &str,
        sql: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Phase> {
        let mut all =
            json!({ "sql.current-catalog": "env-000000", "sql.current-database": "lkc-000000" });
        for (key, value) in properties {
            all[key] = value.clone().into();
        }
        let body = json!({
            "name": name,
            "organization_id": "00000000-0000-0000-0000-000000000000",
            "environment_id": "env-000000",
            "spec": { "statement": sql, "properties": all, "compute_pool_id": "lfcp-000000" },
        });
        let answer = self.send(Method::POST, "", Some(&body)).await?;
        phase(&answer.context("404")?)
    }

    /// Runs a statement that has no job, to its end.
    pub(crate) async fn execute(&self, name: &str, sql: &str) -> Result<()> {
        let mut phase = self.post(name, sql, &BTreeMap::new()).await?;
        if phase.name == "PENDING" {
            phase = until(name, PATIENCE, async || {
                let phase = self.phase(name).await?;
                Ok((phase.name != "PENDING").then_some(phase))
            })
            .await?;
        }
        ensure!(
            phase.name == "COMPLETED",
            "{}: {}\n{sql}",
            phase.name,
            phase.detail
        );
        Ok(())
    }

    pub(crate) async fn phase(&self, name: &str) -> Result<Phase> {
        let answer = self.send(Method::GET, &format!("/{name}"), None).await?;
        phase(&answer.with_context(|| format!("there is no statement {name}"))?)
    }

    /// Deletes a statement and cancels its job.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        let path = format!("/{name}");
        self.send(Method::DELETE, &path, None).await?;
        until(&format!("{name} to be gone"), PATIENCE, async || {
            let gone = self.send(Method::GET, &path, None).await?.is_none();
            Ok(gone.then_some(()))
        })
        .await
    }

    /// `None` for 404.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<Value>> {
        let mut request = self
            .http
            .request(method, format!("{}{STATEMENTS}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                Ok(Some(serde_json::from_str(&text).unwrap_or_default()))
            }
            status => bail!("the gateway answers {status}: {text}"),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn phase(answer: &Value) -> Result<Phase> {
    let text = |name: &str| answer["status"][name].as_str().map(str::to_owned);
    Ok(Phase {
        name: text("phase").with_context(|| format!("no phase in {answer}"))?,
        detail: text("detail").unwrap_or_default(),
    })
}
