//! A data folder and ports for one run of the binary, and what the kernel says about the processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hc_platform::{Ports, proc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Home {
    folder: TempDir,
    ports: Ports,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::Builder::new()
                .prefix("hc-platform-test-")
                .tempdir()
                .unwrap(),
            ports: Ports::free().unwrap(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn database(&self) -> String {
        format!(
            "postgresql://demo:demo@127.0.0.1:{}/healthcare",
            self.ports.postgres
        )
    }

    /// The binary, on this folder and these ports.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hc-platform"));
        self.surround(&mut command);
        command.args(args);
        command
    }

    pub(crate) fn surround(&self, command: &mut Command) {
        command
            .env("HC_DATA_DIR", self.data())
            .envs(
                self.ports
                    .variables()
                    .into_iter()
                    .map(|(name, port)| (name, port.to_string())),
            )
            .stdin(Stdio::null());
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Waits until every unit is ready.
    pub(crate) fn ready(&self) -> Vec<Value> {
        until("all units to be ready", || {
            let output = self.run(&["status", "--json"]);
            output.status.success().then(|| self.units())
        })
    }

    pub(crate) fn units(&self) -> Vec<Value> {
        serde_json::from_slice(&self.run(&["status", "--json"]).stdout).unwrap()
    }

    pub(crate) fn unit(&self, name: &str) -> Value {
        self.units()
            .into_iter()
            .find(|unit| unit["name"] == name)
            .unwrap()
    }

    /// Processes that have this folder in their command line or their environment, and Postgres's own, which has neither.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = self.folder.path().to_str().unwrap();
        let outside = self.outside();
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| *pid != std::process::id())
            .filter_map(|pid| {
                let read = |what| {
                    let bytes = std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
                    String::from_utf8_lossy(&bytes).replace('\0', " ")
                };
                let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
                let all = format!("{} {}", read("cmdline"), read("environ"));
                let ours = all.contains(mark)
                    || outside
                        .as_ref()
                        .is_some_and(|outside| folder.starts_with(outside));
                (ours && proc::is_alive(pid)).then(|| format!("{pid} {}", read("cmdline")))
            })
            .collect()
    }

    /// The folder outside the data folder that the marker names.
    pub(crate) fn outside(&self) -> Option<PathBuf> {
        outside(&self.data())
    }

    pub(crate) fn listening(&self) -> Vec<u16> {
        let mut ports = self.ports.variables();
        ports.retain(|(_, port)| proc::listener(*port).is_some());
        ports.into_iter().map(|(_, port)| port).collect()
    }

    /// Waits until no process and no listening port of this folder is left.
    pub(crate) fn silent(&self) {
        until("every process to end and every port to close", || {
            (self.processes().is_empty() && self.listening().is_empty()).then_some(())
        });
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.run(&["down"]);
        self.run(&["reset", "--yes"]);
    }
}

pub(crate) fn outside(data: &Path) -> Option<PathBuf> {
    hc_platform::layout::read_marker(data)
        .unwrap()?
        .outside
        .into_iter()
        .next()
}

pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {} s for {what}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) async fn until_async<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {} s for {what}",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill(pid(child.id()), signal).unwrap();
}

pub(crate) fn pid(raw: u32) -> Pid {
    Pid::from_raw(raw.cast_signed())
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
