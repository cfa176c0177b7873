//! One run of the product: `hc-platform dev` as a child process, and its HTTP interfaces.

use std::fs;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hc_e2e::{Pipelines, repository, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::home::Home;

/// How many jobs there are: those of the pipelines, and the lake's.
pub(crate) fn jobs() -> Result<usize> {
    Ok(Pipelines::load(&repository().join("pipelines"))?.jobs() + 1)
}

const STOP_LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Product<'a> {
    home: &'a Home,
    supervisor: Child,
    http: Client,
}

impl<'a> Product<'a> {
    pub(crate) fn new(home: &'a Home, supervisor: Child) -> Self {
        Self {
            home,
            supervisor,
            http: Client::new(),
        }
    }

    /// How the supervisor ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.supervisor.try_wait()?)
    }

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
    pub(crate) async fn interrupt(mut self) -> Result<ExitStatus> {
        kill(
            Pid::from_raw(self.supervisor.id().cast_signed()),
            Signal::SIGINT,
        )?;
        until("hc-platform to end", STOP_LIMIT, async || self.ended()).await
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
