//! A stack for a test: its own servers on free ports, in a temporary folder, gone when it is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use crate::layout::{self, Layout};
use crate::ports::Ports;
use crate::report::Report;
use crate::server::Server;
use crate::supervisor::Supervisor;
use crate::unit::Restart;
use crate::{artifacts, servers, state};

/// How long a server of a stack may take to be ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
const PREFIX: &str = "hc-stack-";

/// Chooses what a [`Stack`] is made of.
pub struct StackBuilder {
    servers: BTreeSet<Server>,
    report: Report,
    restart: Restart,
}

impl StackBuilder {
    /// These servers and whatever they need.
    #[must_use]
    pub fn servers(mut self, servers: impl IntoIterator<Item = Server>) -> Self {
        self.servers = Server::with_needs(servers);
        self
    }

    /// Where progress goes; the log by default.
    #[must_use]
    pub fn report(mut self, report: Report) -> Self {
        self.report = report;
        self
    }

    /// Starts a server again when it ends by itself, as `hc-platform up` does. By default it stays down.
    #[must_use]
    pub fn supervised(mut self) -> Self {
        self.restart = Restart::WithBackOff;
        self
    }

    /// Starts the servers and waits until all are ready.
    ///
    /// # Errors
    /// A program is missing or a server did not start; with the end of its log.
    pub async fn start(self) -> anyhow::Result<Stack> {
        let repository = layout::repository()?;
        let report = self.report.clone();
        let artifacts = {
            let (repository, report) = (repository.clone(), report.clone());
            tokio::task::spawn_blocking(move || artifacts::resolve(&repository, &report)).await??
        };
        remove_stale();
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let lock = state::lock(folder.path())?;
        let layout = Layout::open(&repository, folder.path(), artifacts, Ports::free()?, true)?;
        let stack = Stack::launch(self, layout, folder, lock)?;
        stack.started().await?;
        Ok(stack)
    }
}

/// Running servers of one test. All calls may come from any runtime; the servers have their own.
pub struct Stack {
    layout: Layout,
    servers: BTreeSet<Server>,
    calls: mpsc::UnboundedSender<Call>,
    thread: Option<JoinHandle<()>>,
    /// Removed after the servers have ended.
    folder: Option<TempDir>,
    _lock: state::Lock,
}

enum Call {
    Ready(Vec<Server>, oneshot::Sender<anyhow::Result<()>>),
    Kill(Server, oneshot::Sender<anyhow::Result<()>>),
    Stop(Server, oneshot::Sender<anyhow::Result<()>>),
    Start(Server, oneshot::Sender<anyhow::Result<()>>),
    Pid(Server, oneshot::Sender<anyhow::Result<u32>>),
    End,
}

impl Stack {
    /// All servers, until [`StackBuilder::servers`] says which.
    pub fn builder() -> StackBuilder {
        StackBuilder {
            servers: Server::ALL.into_iter().collect(),
            report: Report::log(),
            restart: Restart::Never,
        }
    }

    /// The variables that lead a program to these servers, and the ports.
    pub fn env(&self) -> BTreeMap<String, String> {
        self.layout.env(self.servers.iter().copied())
    }

    pub fn ports(&self) -> &Ports {
        &self.layout.ports
    }

    /// The folder of data, configuration and logs.
    pub fn data(&self) -> &Path {
        &self.layout.data
    }

    /// The file with a server's output.
    pub fn log(&self, server: Server) -> PathBuf {
        self.layout.log(server.name())
    }

    /// SIGKILL. The server stays down until [`Stack::restart`].
    ///
    /// # Errors
    /// The server is not part of this stack.
    pub async fn kill(&self, server: Server) -> anyhow::Result<()> {
        self.call(|reply| Call::Kill(server, reply)).await
    }

    /// Asks the server to end in good order. It stays down until [`Stack::restart`].
    ///
    /// # Errors
    /// The server is not part of this stack.
    pub async fn stop(&self, server: Server) -> anyhow::Result<()> {
        self.call(|reply| Call::Stop(server, reply)).await
    }

    /// Starts the server on its old data, after a kill of what may still run, and waits until it is ready.
    ///
    /// # Errors
    /// It did not become ready; with the end of its log.
    pub async fn restart(&self, server: Server) -> anyhow::Result<()> {
        self.kill(server).await?;
        self.call(|reply| Call::Start(server, reply)).await?;
        self.ready([server]).await
    }

    /// Waits until these servers are ready.
    ///
    /// # Errors
    /// One is not; with the end of its log.
    pub async fn ready(&self, servers: impl IntoIterator<Item = Server>) -> anyhow::Result<()> {
        let servers = servers.into_iter().collect();
        self.call(|reply| Call::Ready(servers, reply)).await
    }

    /// The process of a server.
    ///
    /// # Errors
    /// It is down, or not part of this stack.
    pub async fn pid(&self, server: Server) -> anyhow::Result<u32> {
        self.call(|reply| Call::Pid(server, reply)).await
    }

    async fn started(&self) -> anyhow::Result<()> {
        self.ready(self.servers.iter().copied()).await
    }

    async fn call<T>(
        &self,
        call: impl FnOnce(oneshot::Sender<anyhow::Result<T>>) -> Call,
    ) -> anyhow::Result<T> {
        let (reply, answer) = oneshot::channel();
        self.calls
            .send(call(reply))
            .ok()
            .context("the stack has ended")?;
        answer.await.context("the stack has ended")?
    }

    fn launch(
        builder: StackBuilder,
        layout: Layout,
        folder: TempDir,
        lock: state::Lock,
    ) -> anyhow::Result<Self> {
        let units = builder
            .servers
            .iter()
            .map(|server| servers::unit(*server, &layout))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (calls, inbox) = mpsc::unbounded_channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let supervisor = Supervisor::new(builder.restart, builder.report, None);
                for unit in units {
                    supervisor.add(unit);
                }
                answer_calls(supervisor, inbox).await;
            });
        });
        Ok(Self {
            layout,
            servers: builder.servers,
            calls,
            thread: Some(thread),
            folder: Some(folder),
            _lock: lock,
        })
    }
}

async fn answer_calls(supervisor: Supervisor, mut inbox: mpsc::UnboundedReceiver<Call>) {
    while let Some(call) = inbox.recv().await {
        let supervisor = supervisor.clone();
        // Each in its own task, so that a wait does not hold up a kill. Who has stopped waiting needs no answer.
        match call {
            Call::End => break,
            Call::Ready(servers, reply) => {
                tokio::spawn(async move {
                    let names: Vec<&str> = servers.iter().map(|server| server.name()).collect();
                    let _ = reply.send(supervisor.ready(&names, PATIENCE).await);
                });
            }
            Call::Kill(server, reply) => {
                tokio::spawn(async move {
                    let _ = reply.send(supervisor.kill(server.name()).await);
                });
            }
            Call::Stop(server, reply) => {
                tokio::spawn(async move {
                    let _ = reply.send(supervisor.stop(server.name()).await);
                });
            }
            Call::Start(server, reply) => {
                let _ = reply.send(supervisor.start(server.name()));
            }
            Call::Pid(server, reply) => {
                let pid = supervisor
                    .status()
                    .get(server.name())
                    .and_then(|status| status.pid);
                let _ = reply.send(pid.with_context(|| format!("{server} does not run")));
            }
        }
    }
    supervisor.stop_all(true).await;
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.calls.send(Call::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(folder) = self.folder.take() {
            remove(folder.path());
        }
    }
}

/// Deletes the folders of stacks whose process was killed before it could.
fn remove_stale() {
    for entry in fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // A folder without a lock file is one that another process is just making.
        if ours && path.join("run/lock").is_file() && !state::is_held(&path) {
            remove(&path);
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = layout::remove(folder) {
        tracing::warn!(folder = %folder.display(), error = format!("{error:#}"), "a stack's folder remains");
    }
}
