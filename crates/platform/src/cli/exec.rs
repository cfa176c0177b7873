//! `hc-platform exec`.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::Signal;

use super::interrupt::{Cause, Interrupt};
use super::up::{Servers, parse_servers};
use crate::layout::Layout;
use crate::report::Report;
use crate::server::Server;
use crate::stack::Stack;
use crate::{child, death};

/// How long the command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The servers and what they need, separated by commas [default: all]: postgres, kafka, registry, connect, flink (or its
    /// parts jobmanager, taskmanager, sql-gateway).
    #[arg(long, value_parser = parse_servers)]
    servers: Option<Servers>,
    /// The command and its arguments. It gets DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, SCHEMA_REGISTRY_URL, CONNECT_URL,
    /// FLINK_REST_URL, SQL_GATEWAY_URL and the *_PORT variables, as far as their servers run.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let servers = match args.servers {
        Some(Servers(servers)) => servers,
        None => Server::ALL.into_iter().collect(),
    };
    // Standard output is the command's.
    let start = Stack::builder()
        .servers(servers)
        .supervised()
        .report(Report::stderr())
        .start();
    let stack = tokio::select! {
        stack = start => stack?,
        _ = interrupt.wait() => return Ok(ExitCode::from(130)),
    };
    let status = supervise(&args.command, &stack, &mut interrupt).await;
    tokio::task::spawn_blocking(move || drop(stack)).await?;
    Ok(exit_code(status?))
}

async fn supervise(
    words: &[OsString],
    stack: &Stack,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitStatus> {
    let (program, rest) = words.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(rest);
    for name in Layout::VARIABLES {
        command.env_remove(name);
    }
    command.envs(stack.env());
    death::with_parent(&mut command, Signal::SIGTERM);
    let mut running = child::spawn_command(command)
        .await
        .with_context(|| format!("starting {}", program.display()))?;
    tokio::select! {
        status = running.ended() => return Ok(status),
        cause = interrupt.wait() => {
            // Ctrl+C reaches the command from the terminal itself.
            if cause != Cause::CtrlC {
                running.signal(Signal::SIGTERM, false);
            }
        }
    }
    tokio::select! {
        status = running.ended() => return Ok(status),
        () = tokio::time::sleep(GRACE) => {}
        _ = interrupt.wait() => {}
    }
    running.signal(Signal::SIGKILL, false);
    Ok(running.ended().await)
}

/// As a shell reports it: 128 and the number of the signal.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
