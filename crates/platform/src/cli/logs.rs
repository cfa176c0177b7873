//! `hc-platform logs`.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::interrupt::Interrupt;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A server (postgres, kafka, registry, connect, jobmanager, taskmanager, sql-gateway) or program (api, gateway, ui).
    server: String,
    /// Go on printing what is added, until Ctrl+C.
    #[arg(short, long)]
    follow: bool,
}

pub(crate) async fn run(data: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let folder = data.join("logs");
    let path = folder.join(format!("{}.log", args.server));
    if !path.is_file() {
        bail!(
            "there is no {}; there are: {}",
            path.display(),
            names(&folder).join(", ")
        );
    }
    let mut at = print_from(&path, 0)?;
    if !args.follow {
        return Ok(ExitCode::SUCCESS);
    }
    let mut interrupt = Interrupt::listen()?;
    loop {
        tokio::select! {
            _ = interrupt.wait() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
        // Shorter than before: a new file after a restart, or a rotation.
        let length = fs::metadata(&path).map_or(0, |meta| meta.len());
        if length < at {
            at = 0;
        }
        if length > at {
            at = print_from(&path, at)?;
        }
    }
}

/// Prints the file from `at` and returns where it ended.
fn print_from(path: &Path, at: u64) -> anyhow::Result<u64> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut out = std::io::stdout();
    out.write_all(&bytes)?;
    out.flush()?;
    Ok(at + bytes.len() as u64)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".log")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}
