//! What a deployment did, as a table for people.

use std::io::{self, Write};
use std::time::Duration;

use super::plan::Step;
use super::seconds;
use crate::client::{ClientError, Remote};
use crate::model::Phase;

/// One statement.
#[derive(Debug)]
pub(super) struct Line {
    name: String,
    action: &'static str,
    phase: String,
    took: Duration,
    /// Why it failed; `None` when it did not.
    cause: Option<String>,
}

impl Line {
    pub(super) fn new(
        name: &str,
        step: Step,
        result: Result<Remote, ClientError>,
        took: Duration,
    ) -> Self {
        let action = match step {
            Step::Keep => "unchanged",
            Step::Resume => "resumed",
            Step::Create => "created",
            Step::Replace => "replaced",
        };
        let (phase, cause) = match result {
            Ok(remote) if matches!(remote.status.phase, Phase::Running | Phase::Completed) => {
                (remote.status.phase.to_string(), None)
            }
            Ok(remote) => (remote.status.phase.to_string(), Some(remote.status.detail)),
            Err(error) => ("-".to_owned(), Some(error.to_string())),
        };
        Self {
            name: name.to_owned(),
            action,
            phase,
            took,
            cause,
        }
    }

    /// A statement that was not sent, since a table it needs is missing.
    pub(super) fn skipped(name: &str, table: &str) -> Self {
        Self {
            name: name.to_owned(),
            action: "skipped",
            phase: "-".to_owned(),
            took: Duration::ZERO,
            cause: Some(format!("table {table} is not there")),
        }
    }

    pub(super) fn ok(&self) -> bool {
        self.cause.is_none()
    }
}

/// All statements of a deployment.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
}

impl Report {
    pub(super) fn extend(&mut self, lines: impl Iterator<Item = Line>) {
        self.lines.extend(lines);
    }

    /// `name: cause` of every statement that failed.
    pub(super) fn failures(&self) -> Vec<String> {
        let failure = |line: &Line| {
            line.cause
                .as_ref()
                .map(|cause| format!("{}: {cause}", line.name))
        };
        self.lines.iter().filter_map(failure).collect()
    }

    pub(super) fn print(&self, out: &mut impl Write, total: Duration) -> io::Result<()> {
        let width = self
            .lines
            .iter()
            .map(|line| line.name.len())
            .max()
            .unwrap_or_default()
            .max(9);
        writeln!(
            out,
            "{:width$}  {:9}  {:9}  seconds",
            "statement", "action", "phase"
        )?;
        for line in &self.lines {
            let Line {
                name,
                action,
                phase,
                took,
                ..
            } = line;
            writeln!(
                out,
                "{name:width$}  {action:9}  {phase:9}  {:>7}",
                seconds(*took)
            )?;
        }
        let changed = self
            .lines
            .iter()
            .filter(|line| line.action != "unchanged")
            .count();
        let verdict = match (self.failures().len(), changed) {
            (0, 0) => "nothing to do".to_owned(),
            (0, changed) => format!("{changed} statements deployed"),
            (failed, _) => format!("{failed} statements failed"),
        };
        writeln!(out, "{verdict} in {} s", seconds(total))
    }
}
