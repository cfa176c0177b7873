//! `hc-platform status`.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::out;
use crate::ports::Ports;
use crate::proc;
use crate::server::Server;
use crate::state;
use crate::unit::{State, now_millis};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A JSON array instead of a table; empty when nothing runs.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    state: State,
    port: Option<u16>,
    pid: Option<u32>,
    memory_bytes: Option<u64>,
    /// In its present state.
    seconds: u64,
    start_seconds: Option<f64>,
    restarts: u32,
    note: Option<String>,
}

/// Succeeds when every unit of a running stack is ready.
pub(crate) fn run(data: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let supervisor = state::holder(data)?;
    let units = match supervisor {
        Some(_) => rows(data)?,
        None => Vec::new(),
    };
    let ready = !units.is_empty() && units.iter().all(|row| row.state == State::Ready);
    if args.json {
        out::line(serde_json::to_string_pretty(&units)?);
    } else if let Some(pid) = supervisor {
        print(pid, &units);
    } else {
        out::line(format!("Nothing runs on {}", data.display()));
    }
    Ok(if ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn rows(data: &Path) -> anyhow::Result<Vec<Row>> {
    let ports = Ports::from_env()?;
    let now = now_millis();
    Ok(state::read(data)?
        .into_iter()
        .map(|(name, unit)| Row {
            port: port(&name, &ports),
            pid: unit.status.pid,
            memory_bytes: unit.status.pid.and_then(proc::resident_bytes),
            state: unit.status.state,
            seconds: now.saturating_sub(unit.status.since) / 1000,
            start_seconds: unit.status.start_seconds,
            restarts: unit.status.restarts,
            note: unit.status.note,
            name,
        })
        .collect())
}

fn port(name: &str, ports: &Ports) -> Option<u16> {
    match name {
        "api" => Some(ports.api),
        "ui" => Some(ports.ui),
        "gateway" => Some(ports.statements_gateway),
        _ => ports.of(name.parse::<Server>().ok()?).first().copied(),
    }
}

fn print(supervisor: u32, rows: &[Row]) {
    out::line(format!("hc-platform is process {supervisor}"));
    out::line(format!(
        "{:<12} {:<11} {:>6} {:>8} {:>9} {:>10} {:>9}",
        "", "state", "port", "pid", "memory", "for", "restarts"
    ));
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    for row in rows {
        let state = serde_json::to_value(row.state)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        out::line(format!(
            "{:<12} {:<11} {:>6} {:>8} {:>9} {:>10} {:>9}",
            row.name,
            or_none(state),
            or_none(row.port.map(|port| port.to_string())),
            or_none(row.pid.map(|pid| pid.to_string())),
            or_none(
                row.memory_bytes
                    .map(|bytes| format!("{} MB", bytes / 1_000_000))
            ),
            format!("{} s", row.seconds),
            row.restarts
        ));
        if let Some(note) = &row.note {
            out::line(format!(
                "{:<12} {}",
                "",
                note.lines().next().unwrap_or_default()
            ));
        }
    }
}
