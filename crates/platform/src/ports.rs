//! Ports: the defaults, the overrides from the environment, free ones for a stack of a test, and who holds one.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, bail};
use rand::Rng;

use crate::server::Server;

/// Stands for a free port in the place of a default.
const ANY: u16 = 0;

macro_rules! ports {
    ($($(#[$doc:meta])* $field:ident = $variable:literal, $default:expr;)*) => {
        /// Every port of the stack and of the programs beside it; all on 127.0.0.1.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Ports { $($(#[$doc])* pub $field: u16,)* }

        impl Ports {
            /// The variable of each port where it is set, or the default; where there is none, any free port.
            ///
            /// # Errors
            /// A variable that holds no port.
            pub fn from_env() -> anyhow::Result<Self> {
                let mut held = Vec::new();
                Ok(Self {
                    $($field: match (from_variable($variable)?, $default) {
                        (Some(port), _) | (None, port @ 1..) => port,
                        (None, ANY) => take_free(&mut held)?,
                    },)*
                })
            }

            /// Ports that nobody listens on.
            ///
            /// # Errors
            /// No free port was found.
            pub fn free() -> anyhow::Result<Self> {
                let mut held = Vec::new();
                let ports = Self { $($field: take_free(&mut held)?,)* };
                Ok(ports)
            }

            /// The variable of each port and its value, for children.
            pub fn variables(&self) -> Vec<(&'static str, u16)> {
                vec![$(($variable, self.$field),)*]
            }
        }
    };
}

ports! {
    ui = "UI_PORT", 5173;
    api = "API_PORT", 8000;
    connect = "CONNECT_PORT", 8083;
    postgres = "POSTGRES_PORT", 5432;
    kafka = "KAFKA_PORT", 9092;
    /// Kafka's own consensus; nobody else connects.
    kafka_controller = "KAFKA_CONTROLLER_PORT", ANY;
    registry = "REGISTRY_PORT", 8081;
    flink_rest = "FLINK_REST_PORT", 8091;
    /// Between JobManager and TaskManager.
    flink_rpc = "FLINK_RPC_PORT", ANY;
    sql_gateway = "SQL_GATEWAY_PORT", 8093;
    statements_gateway = "STATEMENTS_GATEWAY_PORT", 8094;
}

impl Ports {
    /// The ports that `server` listens on; the one to talk to first.
    pub fn of(&self, server: Server) -> Vec<u16> {
        match server {
            Server::Postgres => vec![self.postgres],
            Server::Kafka => vec![self.kafka, self.kafka_controller],
            Server::JobManager => vec![self.flink_rest, self.flink_rpc],
            Server::TaskManager => vec![],
            Server::SqlGateway => vec![self.sql_gateway],
            Server::Registry => vec![self.registry],
            Server::Connect => vec![self.connect],
        }
    }
}

fn from_variable(name: &str) -> anyhow::Result<Option<u16>> {
    match std::env::var(name) {
        Ok(text) if !text.trim().is_empty() => text
            .trim()
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .map(Some)
            .with_context(|| format!("{name}={text} is no port; it takes 1 to 65535")),
        _ => Ok(None),
    }
}

/// Whether a server could listen on `port` now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Below the range from which the kernel takes the ports of outgoing connections: one of those could otherwise sit on the
/// port between the choice and the server's start. `held` keeps the choices of one stack apart.
fn take_free(held: &mut Vec<TcpListener>) -> anyhow::Result<u16> {
    let mut rng = rand::rng();
    for _ in 0..500 {
        let port = rng.random_range(20_000..32_000);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push(listener);
            return Ok(port);
        }
    }
    bail!("no free port between 20000 and 32000 on 127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_a_listener_takes_one() {
        let ports = Ports::free().unwrap();
        let mut values: Vec<u16> = ports
            .variables()
            .into_iter()
            .map(|(_, port)| port)
            .collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), ports.variables().len());
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.kafka)).unwrap();
        assert!(!is_free(ports.kafka));
    }
}
