//! `hc-platform reset`.

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use super::out;
use crate::{layout, state};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(data: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    if !data.exists() {
        out::line(format!("There is no {}", data.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(pid) = state::holder(data)? {
        bail!(
            "hc-platform runs on {} (process {pid}); stop it first: hc-platform down",
            data.display()
        );
    }
    let Some(marker) = layout::read_marker(data)? else {
        out::line(format!("{} holds no data", data.display()));
        return Ok(ExitCode::SUCCESS);
    };
    if !args.yes {
        out::line(
            "This deletes all data of Postgres, Kafka, the registry and Flink, and the logs:",
        );
        for folder in marker
            .outside
            .iter()
            .map(std::path::PathBuf::as_path)
            .chain([data])
        {
            out::line(format!("  {}", folder.display()));
        }
        out::line("Type yes to go on:");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            out::line("Nothing was deleted");
            return Ok(ExitCode::FAILURE);
        }
    }
    for folder in layout::remove(data)? {
        out::line(format!("Deleted {}", folder.display()));
    }
    Ok(ExitCode::SUCCESS)
}
