//! The log, on standard error.
//!
//! A line per request would be a system call per request, and would wake whoever reads the log as often. Lines are
//! therefore written together, a moment later; a warning or an error at once, with those before it.

use std::{
    io::{self, IsTerminal as _, Stderr, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::config::{LogArgs, LogFormat};

/// How long a line waits for others.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes that wait at the most.
const MOST: usize = 1 << 18;

/// Writes what waits when it is dropped.
#[derive(Debug)]
pub struct Log(Arc<Lines<Stderr>>);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.lock().write_out();
    }
}

/// Starts the log of this process.
///
/// # Errors
/// When the filter is not one, or no thread can be started.
pub fn start(args: &LogArgs) -> anyhow::Result<Log> {
    let filter = EnvFilter::try_new(&args.log).context("RUST_LOG")?;
    let lines = Arc::new(Lines::new(io::stderr()));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(Writer(Arc::clone(&lines)));
    match args.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let writing = Arc::clone(&lines);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writing.write_for_ever())
        .context("starting the log's thread")?;
    Ok(Log(lines))
}

#[derive(Debug)]
struct Lines<W> {
    waiting: Mutex<Waiting<W>>,
    /// Told of the first line.
    some: Condvar,
}

#[derive(Debug)]
struct Waiting<W> {
    bytes: Vec<u8>,
    to: W,
}

impl<W: Write> Lines<W> {
    fn new(to: W) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                bytes: Vec::new(),
                to,
            }),
            some: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<W>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let mut waiting = self.lock();
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        if at_once || waiting.bytes.len() > MOST {
            waiting.write_out();
        } else if is_first {
            self.some.notify_one();
        }
    }

    fn write_for_ever(&self) {
        loop {
            let waiting = self.lock();
            drop(
                self.some
                    .wait_while(waiting, |waiting| waiting.bytes.is_empty()),
            );
            thread::sleep(PAUSE);
            self.lock().write_out();
        }
    }
}

impl<W: Write> Waiting<W> {
    /// Nobody can be told that the log cannot be written.
    fn write_out(&mut self) {
        let _ = self.to.write_all(&self.bytes);
        self.bytes.clear();
    }
}

#[derive(Debug)]
struct Writer<W>(Arc<Lines<W>>);

impl<'a, W: Write + 'a> MakeWriter<'a> for Writer<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Line<'a, W> {
        Line {
            lines: &self.0,
            at_once: false,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a, W> {
        Line {
            lines: &self.0,
            at_once: *meta.level() <= Level::WARN,
        }
    }
}

#[derive(Debug)]
struct Line<'a, W> {
    lines: &'a Lines<W>,
    at_once: bool,
}

impl<W: Write> Write for Line<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.at_once);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn written(lines: &Lines<Vec<u8>>) -> String {
        String::from_utf8(lines.lock().to.clone()).unwrap()
    }

    #[test]
    fn a_warning_is_written_at_once_and_after_what_came_before_it() {
        let lines = Lines::new(Vec::new());
        lines.add(b"1 info\n", false);
        lines.add(b"2 info\n", false);
        assert_eq!(written(&lines), "");
        lines.add(b"3 warning\n", true);
        assert_eq!(written(&lines), "1 info\n2 info\n3 warning\n");
    }

    #[test]
    fn what_waits_is_bounded() {
        let lines = Lines::new(Vec::new());
        let line = vec![b'.'; MOST / 2];
        lines.add(&line, false);
        lines.add(&line, false);
        assert_eq!(written(&lines), "");
        lines.add(b"!\n", false);
        assert_eq!(written(&lines).len(), MOST + 2);
    }

    #[test]
    fn levels_decide_and_the_thread_writes_the_rest() {
        let lines = Arc::new(Lines::new(Vec::new()));
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(Writer(Arc::clone(&lines)))
            .finish();
        tracing::subscriber::with_default(log, || {
            tracing::info!("one");
            assert_eq!(written(&lines), "");
            tracing::warn!("two");
            let text = written(&lines);
            assert!(text.contains("one") && text.contains("two"), "{text}");
            tracing::info!("three");
        });
        let writing = Arc::clone(&lines);
        thread::spawn(move || writing.write_for_ever());
        let patience = Instant::now() + Duration::from_secs(10);
        while !written(&lines).contains("three") {
            assert!(Instant::now() < patience, "nobody wrote the last line");
            thread::yield_now();
        }
    }
}
