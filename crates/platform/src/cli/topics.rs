//! `hc-platform topics`: `hc-api topics`, led to the servers of this machine.
//!
//! Whether a record can be read is decided by its schema, which `hc-api` has the clients for: this program starts servers
//! and has none of Kafka's or the registry's.

use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

use crate::layout;
use crate::ports::Ports;
use crate::server::Server;

#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// List the records of a topic that cannot be read, which no job that reads it gets past.
    Unreadable { topic: String },
    /// Pass a record that cannot be read. Shows what is lost with it, and asks.
    Skip {
        topic: String,
        partition: i32,
        /// As /pipeline/status and `topics unreadable` show it.
        offset: i64,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Delete also when the record can be read.
        #[arg(long)]
        force: bool,
    },
}

impl Args {
    fn words(&self) -> Vec<String> {
        match self {
            Self::Unreadable { topic } => vec!["unreadable".into(), topic.clone()],
            Self::Skip {
                topic,
                partition,
                offset,
                yes,
                force,
            } => {
                let mut words = vec!["skip".into()];
                words.extend(yes.then(|| "--yes".to_owned()));
                words.extend(force.then(|| "--force".to_owned()));
                words.extend([topic.clone(), partition.to_string(), offset.to_string()]);
                words
            }
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe()?.with_file_name("hc-api");
    ensure!(
        program.is_file(),
        "{} is missing; build it: cargo build --workspace --bins",
        program.display()
    );
    let status = Command::new(&program)
        .arg("topics")
        .args(args.words())
        .envs(layout::env(
            &Ports::from_env()?,
            [Server::Kafka, Server::Registry],
        ))
        .status()
        .with_context(|| format!("starting {}", program.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
