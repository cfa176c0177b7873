//! An `hc-api` of our own, on a free port.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines, copy, sink},
    process::{Child, Command},
    time::timeout,
};

use crate::{client::Target, process::Process};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A running server; killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub target: Target,
    pub process: Process,
}

/// Which server, and what it is told besides where to listen.
#[derive(Debug, Clone)]
pub struct Setup {
    pub program: PathBuf,
    pub env: Vec<(&'static str, String)>,
}

impl Setup {
    /// The `hc-api` at `program`, or the one beside this program.
    ///
    /// # Errors
    /// When it is not there.
    pub fn new(program: Option<PathBuf>, env: Vec<(&'static str, String)>) -> anyhow::Result<Self> {
        let program = match program {
            Some(program) => program,
            None => std::env::current_exe()?.with_file_name("hc-api"),
        };
        ensure!(
            program.is_file(),
            "{} is missing; build it: cargo build --release --workspace --bins",
            program.display()
        );
        Ok(Self { program, env })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // The caller's choices for its own API, also those of a .env file, are not ours.
        command
            .envs([
                ("RUST_LOG", "info"),
                ("LOG_FORMAT", "json"),
                ("API_HOST", "127.0.0.1"),
                ("API_PORT", "0"),
            ])
            .envs(self.env.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs another command of the program, such as `migrate`, to its end.
    ///
    /// # Errors
    /// When that fails.
    pub async fn run(&self, command: &str) -> anyhow::Result<()> {
        let done = self.command().arg(command).output().await?;
        ensure!(
            done.status.success(),
            "hc-api {command}: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        );
        Ok(())
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead.
    pub async fn start(&self) -> anyhow::Result<Server> {
        let mut child = self
            .command()
            .arg("serve")
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.program.display()))?;
        let log = child.stderr.take().context("the server has a log")?;
        let mut lines = BufReader::new(log).lines();
        let address = timeout(START_LIMIT, listening(&mut lines))
            .await
            .context("the server did not start in time")??;
        // It logs each request, as in production; somebody must read that.
        tokio::spawn(async move { copy(&mut lines.into_inner(), &mut sink()).await });
        let pid = child.id().context("the server has ended")?;
        Ok(Server {
            target: format!("http://{address}")
                .parse()
                .map_err(anyhow::Error::msg)?,
            process: Process::new(pid)?,
            child,
        })
    }
}

/// The address in the log event that says so.
async fn listening<R: AsyncRead + Unpin>(
    lines: &mut Lines<BufReader<R>>,
) -> anyhow::Result<String> {
    let mut seen = Vec::new();
    while let Some(line) = lines.next_line().await? {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = event["address"].as_str() {
            return Ok(address.to_owned());
        }
        seen.push(line);
    }
    bail!("the server ended: {}", seen.join("\n"))
}

impl Server {
    /// Ends it as a service manager would.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        if let Some(pid) = self.child.id() {
            kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        }
        timeout(STOP_LIMIT, self.child.wait())
            .await
            .context("the server did not stop")?
            .context("waiting for the server")
    }
}
