//! The product's programs on the servers of `hc-platform exec`: tables, connector, gateway, API.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use hyper::{Method, StatusCode};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::Args;
use crate::{
    client::{Answer, Connection, Target},
    server::{Server, Setup},
};

/// What the servers are found by.
const NEEDED: [&str; 7] = [
    "DATABASE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "SCHEMA_REGISTRY_URL",
    "CONNECT_URL",
    "FLINK_REST_URL",
    "SQL_GATEWAY_URL",
    "STATEMENTS_GATEWAY_PORT",
];
const START_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
const STATEMENTS: &str =
    "/sql/v1/organizations/00000000-0000-0000-0000-000000000000/environments/env-000000/statements";

/// Running programs; killed when it is dropped.
pub(super) struct Product {
    repository: PathBuf,
    programs: PathBuf,
    pub(super) api: Server,
    gateway: Target,
    pub(super) flink: Target,
    _gateway: Child,
    /// Statements, checkpoints, log.
    _folder: TempDir,
}

impl Product {
    /// Makes tables and rows, starts the connector, the gateway and the API. No statement is deployed.
    pub(super) async fn start(args: &Args) -> anyhow::Result<Self> {
        let missing: Vec<_> = NEEDED
            .into_iter()
            .filter(|name| env::var_os(name).is_none_or(|value| value.is_empty()))
            .collect();
        ensure!(
            missing.is_empty(),
            "{} not set: run through hc-platform exec, see --help",
            missing.join(", ")
        );
        let repository = std::path::absolute(&args.repository)?;
        ensure!(
            repository.join("pipelines").is_dir(),
            "there is no pipelines/ in {}; run in the repository, or give --repository",
            repository.display()
        );
        let programs = env::current_exe()?;
        let programs = programs.parent().context("this program has no folder")?;
        let folder = tempfile::Builder::new().prefix("hc-bench-").tempdir()?;
        let setup = Setup::new(
            None,
            vec![
                ("SIMULATION_NUM_PATIENTS", args.devices.to_string()),
                ("SIMULATION_BACKFILL_DAYS", "1".to_owned()),
            ],
        )?;
        for command in ["migrate", "seed", "topics"] {
            setup.run(command).await?;
        }
        let connector = repository.join("connect/register-connector.sh");
        run(Command::new(connector)).await?;
        let port = env::var("STATEMENTS_GATEWAY_PORT")?;
        let gateway = start_gateway(args, &repository, programs, folder.path())?;
        let target = |url: String| url.parse::<Target>().map_err(anyhow::Error::msg);
        let product = Self {
            programs: programs.to_owned(),
            api: setup.start().await?,
            gateway: target(format!("http://127.0.0.1:{port}"))?,
            flink: target(env::var("FLINK_REST_URL")?)?,
            _gateway: gateway,
            _folder: folder,
            repository,
        };
        product.gateway_answers().await?;
        let mut prepare = product.client("prepare")?;
        prepare.args(sql_files(&product.repository.join("pipelines/prepare"))?);
        run(prepare).await?;
        Ok(product)
    }

    async fn gateway_answers(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while let Err(error) = call(&self.gateway, Method::GET, "/health").await {
            ensure!(Instant::now() < deadline, "hc-flink-gateway: {error:#}");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Deploys these tables and those they read, or all without any.
    pub(super) async fn deploy(&self, tables: &[&str]) -> anyhow::Result<()> {
        let mut deploy = self.client("deploy")?;
        deploy.arg(self.repository.join("pipelines"));
        for table in tables {
            deploy.args(["--table", table]);
        }
        run(deploy).await
    }

    /// Cancels the jobs of all statements whose name does not end in one of these.
    pub(super) async fn cancel_all_but(&self, kept: &[&str]) -> anyhow::Result<()> {
        let all = format!("{STATEMENTS}?page_size=1000");
        let listed = call(&self.gateway, Method::GET, &all).await?;
        let listed: serde_json::Value = serde_json::from_slice(&listed.body)?;
        let names = listed["data"].as_array().into_iter().flatten();
        let jobs = names
            .filter_map(|one| one["name"].as_str())
            .filter(|name| name.contains("-dml-") && !kept.iter().any(|kept| name.ends_with(kept)));
        for name in jobs {
            let path = format!("{STATEMENTS}/{name}");
            call(&self.gateway, Method::DELETE, &path).await?;
            let deadline = Instant::now() + START_LIMIT;
            while call(&self.gateway, Method::GET, &path).await.is_ok() {
                ensure!(Instant::now() < deadline, "{name} does not end");
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    fn client(&self, command: &str) -> anyhow::Result<Command> {
        let mut client = Command::new(self.programs.join("hc-flink-gateway"));
        let port = env::var("STATEMENTS_GATEWAY_PORT")?;
        client
            .arg(command)
            .env("STATEMENTS_GATEWAY_URL", format!("http://127.0.0.1:{port}"));
        Ok(client)
    }
}

fn start_gateway(
    args: &Args,
    repository: &Path,
    programs: &Path,
    folder: &Path,
) -> anyhow::Result<Child> {
    let program = programs.join("hc-flink-gateway");
    let tuning = args.tuning.clone();
    let tuning = tuning.unwrap_or_else(|| repository.join("platform/flink/statements.toml"));
    ensure!(tuning.is_file(), "there is no {}", tuning.display());
    let log = std::fs::File::create(folder.join("gateway.log"))?;
    Command::new(&program)
        .arg("serve")
        .env("HC_GATEWAY_STORE", folder.join("gateway"))
        .env("FLINK_CHECKPOINT_DIR", folder.join("checkpoints"))
        .env("FLINK_STATEMENTS_TUNING", tuning)
        .env("CORRECTION_WINDOW", format!("{} s", args.window.as_secs()))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", program.display()))
}

/// Runs a command to its end; what it said is part of a failure.
async fn run(mut command: Command) -> anyhow::Result<()> {
    let named = format!("{:?}", command.as_std().get_program());
    let done = command.stdin(Stdio::null()).output().await;
    let done = done.with_context(|| format!("starting {named}"))?;
    if done.status.success() {
        return Ok(());
    }
    bail!(
        "{named} failed: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr).trim()
    )
}

fn sql_files(folder: &Path) -> anyhow::Result<Vec<OsString>> {
    let mut files: Vec<OsString> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path().into_os_string()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|file| Path::new(file).extension().is_some_and(|end| end == "sql"));
    files.sort();
    Ok(files)
}

/// A request that is to succeed.
pub(super) async fn call(target: &Target, method: Method, path: &str) -> anyhow::Result<Answer> {
    let request = target.request(method, path, None)?;
    let answer = Connection::open(target).await?.send(request).await?;
    match answer.status {
        StatusCode::OK | StatusCode::ACCEPTED => Ok(answer),
        _ => bail!("{path}: {}", answer.summary()),
    }
}
