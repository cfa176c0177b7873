//! Starting a child process so that it cannot outlive this one, and hearing of its end.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;

use anyhow::Context;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::sync::{oneshot, watch};

use crate::account::Account;
use crate::death;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(String, String)>,
    pub directory: Option<PathBuf>,
    /// Run as this account instead of the caller's.
    pub account: Option<Account>,
    /// Takes standard output and error.
    pub log: PathBuf,
    /// What the kernel sends when this process is killed.
    pub death_signal: Signal,
}

impl CommandSpec {
    pub fn new(program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            account: None,
            log: log.into(),
            death_signal: Signal::SIGKILL,
        }
    }

    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn to_command(&self) -> anyhow::Result<Command> {
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder)?;
        }
        // Appending, so that a rotation may truncate the file under the child.
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("opening the log {}", self.log.display()))?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A Ctrl+C in the terminal reaches this process alone, which stops the children in order.
            .process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        death::with_parent(&mut command, self.death_signal);
        Ok(command)
    }
}

/// A child that was started; it may have ended since.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Running {
    /// Waits for the end of the child.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        match self.exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            // The waiting thread is gone with the process itself.
            Err(_) => ExitStatus::from_raw(0),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Sends `signal` to the child, or with `group` to its whole process group. A child that has ended is left alone.
    pub(crate) fn signal(&self, signal: Signal, group: bool) {
        if self.has_ended() {
            return;
        }
        let Ok(raw) = i32::try_from(self.pid) else {
            return;
        };
        let pid = Pid::from_raw(raw);
        // It may end in between, and then there is nothing left to signal.
        let _ = if group {
            killpg(pid, signal)
        } else {
            kill(pid, signal)
        };
    }
}

/// Starts a child. The kernel sends the death signal when the *thread* that spawned ends, so one thread spawns them all and
/// lives as long as the process.
pub(crate) async fn spawn(spec: &CommandSpec) -> anyhow::Result<Running> {
    spawn_command(spec.to_command()?)
        .await
        .with_context(|| format!("starting {}", spec.program.display()))
}

/// [`spawn`], for a command that was put together by hand.
pub(crate) async fn spawn_command(command: Command) -> anyhow::Result<Running> {
    let (reply, answer) = oneshot::channel();
    spawner()
        .send(Request { command, reply })
        .map_err(|_| anyhow::anyhow!("the thread that starts children has ended"))?;
    Ok(answer
        .await
        .context("the thread that starts children has ended")??)
}

/// Runs a child to its end.
pub(crate) async fn run(spec: &CommandSpec) -> anyhow::Result<()> {
    let status = spawn(spec).await?.ended().await;
    anyhow::ensure!(
        status.success(),
        "{} ended with {status}:\n{}",
        spec.program.display(),
        crate::report::tail(&spec.log, 15)
    );
    Ok(())
}

struct Request {
    command: Command,
    reply: oneshot::Sender<std::io::Result<Running>>,
}

fn spawner() -> &'static mpsc::Sender<Request> {
    static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    SPAWNER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for Request { mut command, reply } in requests {
                // Nobody waits any more: then nobody would stop the child either.
                if let Err(Ok(orphan)) = reply.send(command.spawn().map(watch_child)) {
                    orphan.signal(Signal::SIGKILL, true);
                }
            }
        });
        sender
    })
}

fn watch_child(mut child: std::process::Child) -> Running {
    let (sender, exit) = watch::channel(None);
    let pid = child.id();
    thread::spawn(move || {
        let status = child.wait().unwrap_or_else(|_| ExitStatus::from_raw(0));
        sender.send_replace(Some(status));
    });
    Running { pid, exit }
}
