//! The product's own programs: how each is started.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;

use crate::child::CommandSpec;
use crate::health::Health;
use crate::layout::{self, Layout};
use crate::ports::Ports;
use crate::server::Server;
use crate::unit::UnitSpec;

/// Knows where the programs are and what environment leads them to the servers.
pub(crate) struct Programs {
    pub(crate) repository: PathBuf,
    pub(crate) ports: Ports,
    data: PathBuf,
    binaries: PathBuf,
    env: Vec<(String, String)>,
}

impl Programs {
    pub(crate) fn new(
        repository: PathBuf,
        data: PathBuf,
        ports: &Ports,
        servers: BTreeSet<Server>,
    ) -> anyhow::Result<Self> {
        let binaries = std::env::current_exe()?
            .parent()
            .map(Path::to_owned)
            .context("this program has no folder")?;
        let mut env = layout::env(ports, servers);
        // An empty address says that there is no such server; an absent one could come from a .env file.
        for name in Layout::VARIABLES {
            env.entry(name.to_owned()).or_default();
        }
        // For register-connector.sh and for programs that share Flink's folders.
        env.insert("HC_DATA_DIR".into(), data.display().to_string());
        env.insert(
            "HC_GATEWAY_STORE".into(),
            data.join("gateway").display().to_string(),
        );
        env.insert(
            "FLINK_CHECKPOINT_DIR".into(),
            data.join("flink/checkpoints").display().to_string(),
        );
        env.insert(
            "FLINK_STATEMENTS_TUNING".into(),
            repository
                .join("platform/flink/statements.toml")
                .display()
                .to_string(),
        );
        env.insert(
            "FLINK_LAKE_TABLES".into(),
            repository
                .join("platform/flink/lake.toml")
                .display()
                .to_string(),
        );
        env.insert(
            "LAKE_CATALOG_URI".into(),
            format!("jdbc:postgresql://127.0.0.1:{}/lake", ports.postgres),
        );
        // Elsewhere when the environment says so: a lake may be in an object store.
        let warehouse = std::env::var("LAKE_WAREHOUSE").unwrap_or_default();
        env.insert(
            "LAKE_WAREHOUSE".into(),
            if warehouse.is_empty() {
                data.join("lake").display().to_string()
            } else {
                warehouse
            },
        );
        Ok(Self {
            repository,
            ports: ports.clone(),
            data,
            binaries,
            env: env.into_iter().collect(),
        })
    }

    /// A command of one of our binaries, which end by themselves when asked.
    pub(crate) fn binary(
        &self,
        name: &str,
        log: &str,
        args: &[&str],
    ) -> anyhow::Result<CommandSpec> {
        let path = self.binaries.join(name);
        ensure!(
            path.is_file(),
            "{} is missing; build it: cargo build -p {name}",
            path.display()
        );
        Ok(self.command(path, log, args))
    }

    /// Any command with the environment of the product.
    pub(crate) fn command(&self, program: PathBuf, log: &str, args: &[&str]) -> CommandSpec {
        let mut command =
            CommandSpec::new(program, self.data.join("logs").join(format!("{log}.log"))).args(args);
        command.env = self.env.clone();
        command.directory = Some(self.repository.clone());
        command
    }

    pub(crate) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.api)
    }

    pub(crate) fn statements_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.statements_gateway)
    }

    pub(crate) fn registry_url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.ports.registry)
    }

    pub(crate) fn connector_url(&self) -> String {
        let name = std::env::var("DEBEZIUM_CONNECTOR_NAME")
            .ok()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "debezium-postgres-healthcare".into());
        format!("http://127.0.0.1:{}/connectors/{name}", self.ports.connect)
    }

    pub(crate) fn api(&self, needs: &[&str]) -> anyhow::Result<UnitSpec> {
        let url = self.api_url();
        Ok(unit(
            "api",
            self.binary("hc-api", "api", &["serve"])?,
            Health::Http {
                url: format!("{url}/health"),
            },
            url,
            needs,
        ))
    }

    pub(crate) fn gateway(&self, needs: &[&str]) -> anyhow::Result<UnitSpec> {
        let url = format!("http://127.0.0.1:{}", self.ports.statements_gateway);
        let port = self.ports.statements_gateway;
        Ok(unit(
            "gateway",
            self.binary("hc-flink-gateway", "gateway", &["serve"])?,
            Health::Listens { port },
            url,
            needs,
        ))
    }

    /// Vite itself and not `npm run dev`: npm would stand between us and the process that we stop.
    pub(crate) fn ui(&self) -> anyhow::Result<UnitSpec> {
        let folder = self.repository.join("frontend");
        let vite = folder.join("node_modules/vite/bin/vite.js");
        ensure!(
            vite.is_file(),
            "the front end's packages are missing; install them: (cd frontend && npm ci)"
        );
        let port = self.ports.ui.to_string();
        let mut command = self.command("node".into(), "ui", &[]);
        command = command
            .args([vite.into_os_string()])
            .args(["--port", &port, "--strictPort"]);
        command.directory = Some(folder);
        let url = format!("http://127.0.0.1:{port}/");
        Ok(unit(
            "ui",
            command,
            Health::Http { url: url.clone() },
            url,
            &[],
        ))
    }
}

fn unit(
    name: &str,
    command: CommandSpec,
    health: Health,
    address: String,
    needs: &[&str],
) -> UnitSpec {
    let needs: Vec<String> = needs.iter().map(|&other| other.to_owned()).collect();
    UnitSpec {
        name: name.to_owned(),
        waits_for: needs.clone(),
        yields_to: Vec::new(),
        needs,
        prepare: None,
        command,
        health,
        finish: None,
        stop_signal: Signal::SIGTERM,
        address,
        ready_within: Duration::from_secs(60),
        stop_within: Duration::from_secs(10),
    }
}
