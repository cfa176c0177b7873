//! The servers of the stack, their names, and which one needs which.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One server process, in start order: a server comes after everything it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    Postgres,
    Kafka,
    Registry,
    Connect,
    #[serde(rename = "jobmanager")]
    JobManager,
    #[serde(rename = "taskmanager")]
    TaskManager,
    SqlGateway,
}

impl Server {
    pub const ALL: [Self; 7] = [
        Self::Postgres,
        Self::Kafka,
        Self::Registry,
        Self::Connect,
        Self::JobManager,
        Self::TaskManager,
        Self::SqlGateway,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::JobManager => "jobmanager",
            Self::TaskManager => "taskmanager",
            Self::SqlGateway => "sql-gateway",
            Self::Registry => "registry",
            Self::Connect => "connect",
        }
    }

    /// The servers without which this one cannot do its work.
    pub const fn needs(self) -> &'static [Self] {
        match self {
            Self::Postgres | Self::Kafka | Self::JobManager => &[],
            Self::Registry => &[Self::Postgres],
            Self::Connect => &[Self::Kafka, Self::Registry],
            Self::TaskManager | Self::SqlGateway => &[Self::JobManager],
        }
    }

    /// Of those, the ones that must answer before this one is started. The others it waits for by itself, or asks only when it
    /// has work, so that slow JVMs start together.
    pub const fn waits_for(self) -> &'static [Self] {
        match self {
            Self::TaskManager | Self::SqlGateway => &[],
            Self::Connect => &[Self::Kafka],
            _ => self.needs(),
        }
    }

    /// Those it lets go first when all start together, although it does not need them: the connector and what comes after it
    /// decide when the product is ready, and on two cores three JVMs more would hold them up.
    pub const fn yields_to(self) -> &'static [Self] {
        match self {
            Self::JobManager | Self::TaskManager | Self::SqlGateway => {
                &[Self::Kafka, Self::Registry]
            }
            _ => &[],
        }
    }

    /// The servers named in `list` (separated by commas; `flink` is its three processes) and everything they need.
    ///
    /// # Errors
    /// A name that is none, with the names that are.
    pub fn parse_list(list: &str) -> Result<BTreeSet<Self>, UnknownServer> {
        let mut chosen = Vec::new();
        for name in list.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            if name == "flink" {
                chosen.extend([Self::JobManager, Self::TaskManager, Self::SqlGateway]);
            } else {
                chosen.push(name.parse()?);
            }
        }
        Ok(Self::with_needs(chosen))
    }

    /// `servers` and, transitively, everything they need.
    pub fn with_needs(servers: impl IntoIterator<Item = Self>) -> BTreeSet<Self> {
        let mut all = BTreeSet::new();
        let mut open: Vec<Self> = servers.into_iter().collect();
        while let Some(server) = open.pop() {
            if all.insert(server) {
                open.extend(server.needs());
            }
        }
        all
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no server.
#[derive(Debug, thiserror::Error)]
#[error(
    "no server is called `{0}`; the servers are postgres, kafka, registry, connect, jobmanager, taskmanager, sql-gateway, and flink for the last three"
)]
pub struct UnknownServer(String);

impl FromStr for Server {
    type Err = UnknownServer;

    fn from_str(name: &str) -> Result<Self, UnknownServer> {
        Self::ALL
            .into_iter()
            .find(|s| s.name() == name)
            .ok_or_else(|| UnknownServer(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_brings_what_its_servers_need() {
        let names = |list| {
            Server::parse_list(list)
                .unwrap()
                .into_iter()
                .map(Server::name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("connect"),
            ["postgres", "kafka", "registry", "connect"]
        );
        assert_eq!(names("flink"), ["jobmanager", "taskmanager", "sql-gateway"]);
        assert_eq!(names(" postgres, kafka "), ["postgres", "kafka"]);
        assert!(
            Server::parse_list("kafak")
                .unwrap_err()
                .to_string()
                .contains("`kafak`")
        );
    }

    #[test]
    fn a_server_stands_after_its_needs() {
        for server in Server::ALL {
            let before = server.needs().iter().chain(server.yields_to());
            assert!(before.copied().all(|other| other < server), "{server}");
        }
    }
}
