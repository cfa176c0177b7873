//! `hc-platform dev`: the product on this machine.

mod connector;
mod phases;
mod programs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::ValueEnum;

use self::phases::Product;
use self::programs::Programs;
use super::interrupt::Interrupt;
use super::up;
use crate::ports::Ports;
use crate::report::Report;
use crate::server::Server;
use crate::supervisor::Supervisor;
use crate::unit::Restart;
use crate::{layout, server_unit, state};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the servers come from.
    #[arg(long, value_enum, default_value_t = Infra::Native)]
    infra: Infra,
    /// Do not start the simulated devices; the Telemetry page does.
    #[arg(long)]
    no_simulation: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Infra {
    /// Child processes of this one.
    Native,
    /// None: the API shows demonstration data, read-only.
    None,
}

pub(crate) async fn run(data: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let report = Report::stdout();
    let _lock = state::lock(data)?;
    let supervisor = Supervisor::new(
        Restart::WithBackOff,
        report.clone(),
        Some(state::file(data)),
    );
    let work = async {
        let product = prepare(data, args, supervisor.clone(), &report).await?;
        run_product(&product, args).await
    };
    up::until_interrupted(work, &supervisor, &mut interrupt, &report).await
}

/// Starts everything; returns only when it cannot go on.
async fn run_product(product: &Product, args: &Args) -> anyhow::Result<()> {
    match args.infra {
        Infra::Native => {
            product.start(!args.no_simulation).await?;
            connector::keep_running(
                &product.client,
                &product.programs.connector_url(),
                &product.report,
            )
            .await;
        }
        Infra::None => product.start_alone().await?,
    }
    std::future::pending().await
}

async fn prepare(
    data: &Path,
    args: &Args,
    supervisor: Supervisor,
    report: &Report,
) -> anyhow::Result<Product> {
    let started = Instant::now();
    let ports = Ports::from_env()?;
    let mut wanted = vec![("api", ports.api), ("ui", ports.ui)];
    let (servers, data): (BTreeSet<Server>, PathBuf) = match args.infra {
        Infra::None => {
            up::check_ports(&wanted)?;
            layout::mark(data)?;
            (BTreeSet::new(), data.to_owned())
        }
        Infra::Native => {
            wanted.push(("gateway", ports.statements_gateway));
            let servers: BTreeSet<Server> = Server::ALL.into_iter().collect();
            let layout = up::prepare(data, &servers, &wanted, ports.clone(), report).await?;
            for server in &servers {
                supervisor.add(server_unit(*server, &layout)?);
            }
            (servers, layout.data)
        }
    };
    let programs = Programs::new(layout::repository()?, data, &ports, servers)?;
    Ok(Product {
        programs,
        supervisor,
        report: report.clone(),
        started,
        client: reqwest::Client::new(),
    })
}
