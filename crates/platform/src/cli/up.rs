//! `hc-platform up`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::interrupt::{Cause, Interrupt};
use crate::layout::{self, Layout};
use crate::ports::{self, Ports};
use crate::report::{Report, seconds};
use crate::server::{Server, UnknownServer};
use crate::supervisor::Supervisor;
use crate::unit::Restart;
use crate::{artifacts, proc, server_unit, state};

/// Each server may take this long; the line of a slow one comes from its own limit.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these servers and what they need, separated by commas: postgres, kafka, registry, connect, flink (or its parts
    /// jobmanager, taskmanager, sql-gateway).
    #[arg(long, value_parser = parse_servers)]
    only: Option<Servers>,
}

/// A list of servers from the command line.
#[derive(Clone, Debug)]
pub(crate) struct Servers(pub(crate) BTreeSet<Server>);

pub(crate) fn parse_servers(list: &str) -> Result<Servers, UnknownServer> {
    Server::parse_list(list).map(Servers)
}

pub(crate) async fn run(data: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let servers = match &args.only {
        Some(Servers(only)) => only.clone(),
        None => Server::ALL.into_iter().collect(),
    };
    let mut interrupt = Interrupt::listen()?;
    let report = Report::stdout();
    let _lock = state::lock(data)?;
    let supervisor = Supervisor::new(
        Restart::WithBackOff,
        report.clone(),
        Some(state::file(data)),
    );
    let work = async {
        let started = Instant::now();
        let layout = prepare(data, &servers, &[], Ports::from_env()?, &report).await?;
        for server in &servers {
            supervisor.add(server_unit(*server, &layout)?);
        }
        let names: Vec<&str> = servers.iter().map(|server| server.name()).collect();
        supervisor.ready(&names, PATIENCE).await?;
        report.line(format!(
            "All servers are ready after {}. Ctrl+C stops them.",
            seconds(started.elapsed())
        ));
        std::future::pending().await
    };
    until_interrupted(work, &supervisor, &mut interrupt, &report).await
}

/// Does the work, which ends only by an error, until somebody interrupts it; then stops all units.
pub(crate) async fn until_interrupted(
    work: impl Future<Output = anyhow::Result<()>>,
    supervisor: &Supervisor,
    interrupt: &mut Interrupt,
    report: &Report,
) -> anyhow::Result<ExitCode> {
    let outcome = tokio::select! {
        outcome = work => outcome,
        cause = interrupt.wait() => {
            report.line(match cause {
                Cause::CtrlC => "Stopping (Ctrl+C again kills at once)",
                Cause::Signal => "Stopping",
                Cause::ParentEnded => "Stopping, because the process that started this has ended",
            });
            Ok(())
        }
    };
    if outcome.is_err() && !supervisor.status().is_empty() {
        report.line("Stopping, because the start failed");
    }
    tokio::select! {
        () = supervisor.stop_all(false) => {}
        _ = interrupt.wait() => {
            report.line("Killing");
            supervisor.stop_all(true).await;
        }
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Resolves the programs, makes sure of the ports (those of the servers and `more`), and opens the data folder.
pub(crate) async fn prepare(
    data: &Path,
    servers: &BTreeSet<Server>,
    more: &[(&str, u16)],
    ports: Ports,
    report: &Report,
) -> anyhow::Result<Layout> {
    let repository = layout::repository()?;
    let mut wanted: Vec<(&str, u16)> = servers
        .iter()
        .flat_map(|server| {
            ports
                .of(*server)
                .into_iter()
                .map(|port| (server.name(), port))
        })
        .collect();
    wanted.extend(more);
    let taken = taken(&wanted);
    if !taken.is_empty() {
        bail!(
            "nothing was started, because of taken ports:\n  {}",
            taken.join("\n  ")
        );
    }
    let artifacts = {
        let (repository, report) = (repository.clone(), report.clone());
        tokio::task::spawn_blocking(move || artifacts::resolve(&repository, &report)).await??
    };
    Layout::open(&repository, data, artifacts, ports, false)
}

/// # Errors
/// Some of these ports are taken; the text names their owners.
pub(crate) fn check_ports(wanted: &[(&str, u16)]) -> anyhow::Result<()> {
    let taken = taken(wanted);
    if taken.is_empty() {
        return Ok(());
    }
    bail!(
        "nothing was started, because of taken ports:\n  {}",
        taken.join("\n  ")
    )
}

/// A line for each port that somebody else has.
pub(crate) fn taken(wanted: &[(&str, u16)]) -> Vec<String> {
    wanted
        .iter()
        .filter(|(_, port)| !ports::is_free(*port))
        .map(|(name, port)| match proc::listener(*port) {
            Some(owner) => format!(
                "{port} ({name}) is taken by process {}: {}",
                owner.pid, owner.command
            ),
            None => format!("{port} ({name}) is taken by a process of another user"),
        })
        .collect()
}
