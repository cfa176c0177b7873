//! `hc-platform down`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::out;
use crate::report::seconds;
use crate::state;

/// A supervisor that is still there after this long is killed, and its children with it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(data: &Path) -> anyhow::Result<ExitCode> {
    let Some(pid) = state::holder(data)? else {
        out::line(format!("Nothing runs on {}", data.display()));
        return Ok(ExitCode::SUCCESS);
    };
    let started = Instant::now();
    let raw = Pid::from_raw(i32::try_from(pid)?);
    kill(raw, Signal::SIGTERM).with_context(|| format!("stopping process {pid}"))?;
    let mut killed = false;
    while state::is_held(data) {
        if !killed && started.elapsed() > PATIENCE {
            out::line(format!(
                "Killing process {pid}, which has not stopped within {}",
                seconds(PATIENCE)
            ));
            kill(raw, Signal::SIGKILL).with_context(|| format!("killing process {pid}"))?;
            killed = true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    out::line(format!("Stopped in {}", seconds(started.elapsed())));
    Ok(ExitCode::SUCCESS)
}
