//! How each server is configured and started.

mod connect;
mod flink;
mod java;
pub(crate) mod kafka;
mod postgres;
mod registry;

use crate::layout::Layout;
use crate::server::Server;
use crate::unit::UnitSpec;

/// The unit of `server` in the stack that `layout` describes; its configuration files are written.
///
/// # Errors
/// A template cannot be read or a file not written.
pub fn unit(server: Server, layout: &Layout) -> anyhow::Result<UnitSpec> {
    let mut unit = match server {
        Server::Postgres => postgres::unit(layout),
        Server::Kafka => kafka::unit(layout),
        Server::Registry => registry::unit(layout),
        Server::Connect => connect::unit(layout),
        Server::JobManager => flink::job_manager(layout),
        Server::TaskManager => flink::task_manager(layout),
        Server::SqlGateway => flink::sql_gateway(layout),
    }?;
    unit.name = server.name().to_owned();
    unit.needs = names(server.needs());
    unit.waits_for = names(server.waits_for());
    unit.yields_to = names(server.yields_to());
    Ok(unit)
}

fn names(servers: &[Server]) -> Vec<String> {
    servers
        .iter()
        .map(|server| server.name().to_owned())
        .collect()
}
