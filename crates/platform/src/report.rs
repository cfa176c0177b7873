//! Lines for the person who waits.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where progress lines go.
#[derive(Clone)]
pub struct Report(Arc<dyn Fn(&str) + Send + Sync>);

impl Report {
    /// On standard output, for a command that has no other output.
    #[expect(clippy::print_stdout, reason = "progress is what the command prints")]
    pub fn stdout() -> Self {
        Self(Arc::new(|line| println!("{line}")))
    }

    /// On standard error, where standard output belongs to somebody else.
    #[expect(clippy::print_stderr, reason = "progress is what the command prints")]
    pub fn stderr() -> Self {
        Self(Arc::new(|line| eprintln!("{line}")))
    }

    /// In the log, for a library's user.
    pub fn log() -> Self {
        Self(Arc::new(|line| tracing::info!("{line}")))
    }

    pub fn line(&self, line: impl AsRef<str>) {
        (self.0)(line.as_ref());
    }

    /// A line about one server or program, aligned with the others.
    pub fn about(&self, name: &str, what: impl std::fmt::Display) {
        self.line(format!("{name:<12} {what}"));
    }
}

/// `1.9 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// The last `lines` lines of a log, indented and without the frames of stack traces; empty when there is none.
pub fn tail(path: &Path, lines: usize) -> String {
    const WINDOW: u64 = 64 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text
        .lines()
        .filter(|line| {
            !["at ", "... "]
                .iter()
                .any(|frame| line.trim_start().starts_with(frame))
        })
        .collect();
    all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
