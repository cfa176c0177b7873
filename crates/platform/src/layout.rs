//! Where a stack keeps what it owns: one data folder, and for root the service account's folder that a marker file names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::account::{self, Account};
use crate::artifacts::Artifacts;
use crate::ports::Ports;
use crate::server::Server;

/// In the data folder: proves that it is ours to delete, and names what lies elsewhere.
const MARKER: &str = "hc-platform.json";

/// In a folder outside: the data folder that it belongs to.
const OWNER: &str = "belongs-to";

/// The content of the marker file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Marker {
    /// Folders outside the data folder that belong to it.
    pub outside: Vec<PathBuf>,
}

/// What a server needs to know about its surroundings.
#[derive(Clone, Debug)]
pub struct Layout {
    pub repository: PathBuf,
    pub data: PathBuf,
    pub artifacts: Artifacts,
    pub ports: Ports,
    /// For root, the account of Postgres.
    pub account: Option<Account>,
    /// Data that nobody will look at again: servers may skip what protects it from a power cut.
    pub ephemeral: bool,
    /// The folder of Postgres: in the data folder, or the service account's.
    pub postgres: PathBuf,
}

impl Layout {
    /// Creates the data folder, or takes it up again.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be made.
    pub fn open(
        repository: &Path,
        data: &Path,
        artifacts: Artifacts,
        ports: Ports,
        ephemeral: bool,
    ) -> anyhow::Result<Self> {
        let account = account::for_postgres()?;
        let mut marker = mark(data)?;
        // An older start may have needed no Postgres.
        if account.is_some() && marker.outside.is_empty() && !data.join("postgres").exists() {
            remove_orphans();
            let folder = account::service_home()
                .join("data")
                .join(format!("{:016x}", rand::random::<u64>()));
            fs::create_dir_all(&folder)
                .with_context(|| format!("creating {}", folder.display()))?;
            fs::write(
                folder.join(OWNER),
                std::path::absolute(data)?.as_os_str().as_encoded_bytes(),
            )?;
            marker.outside.push(folder);
            write_marker(data, &marker)?;
        }
        let postgres = match (account, marker.outside.first()) {
            (Some(_), Some(folder)) => folder.clone(),
            (None, None) => data.join("postgres"),
            (Some(_), None) => bail!(
                "{} was made by a normal user; run as that user, or `hc-platform reset` first",
                data.display()
            ),
            (None, Some(_)) => bail!(
                "{} was made by root; run as root, or let root reset it first",
                data.display()
            ),
        };
        Ok(Self {
            repository: repository.to_owned(),
            data: fs::canonicalize(data)?,
            artifacts,
            ports,
            account,
            ephemeral,
            postgres,
        })
    }

    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// A configuration file of the repository's `platform/`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn template(&self, path: &str) -> anyhow::Result<String> {
        let file = self.repository.join("platform").join(path);
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    }

    /// Writes a generated configuration file and returns its place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_config(&self, path: &str, content: &str) -> anyhow::Result<PathBuf> {
        let file = self.data.join("conf").join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }

    /// The variables that lead a program to `servers`, the ports, and nothing for a server that is not there.
    pub fn env(&self, servers: impl IntoIterator<Item = Server>) -> BTreeMap<String, String> {
        env(&self.ports, servers)
    }

    /// Every variable that [`Layout::env`] may set: a child that gets some must not inherit the others.
    pub const VARIABLES: [&'static str; 7] = [
        "DATABASE_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "SCHEMA_REGISTRY_URL",
        "CONNECT_URL",
        "FLINK_REST_URL",
        "SQL_GATEWAY_URL",
        "STATEMENTS_GATEWAY_URL",
    ];
}

/// The variables that lead a program to `servers`, the ports, and nothing for a server that is not there.
pub fn env(ports: &Ports, servers: impl IntoIterator<Item = Server>) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = ports
        .variables()
        .into_iter()
        .map(|(name, port)| (name.to_owned(), port.to_string()))
        .collect();
    let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
    for server in servers {
        match server {
            Server::Postgres => {
                set(
                    "DATABASE_URL",
                    format!(
                        "postgresql://demo:demo@127.0.0.1:{}/healthcare",
                        ports.postgres
                    ),
                );
            }
            Server::Kafka => {
                set(
                    "KAFKA_BOOTSTRAP_SERVERS",
                    format!("127.0.0.1:{}", ports.kafka),
                );
            }
            Server::Registry => {
                set(
                    "SCHEMA_REGISTRY_URL",
                    format!("http://127.0.0.1:{}/apis/ccompat/v7", ports.registry),
                );
            }
            Server::Connect => {
                set("CONNECT_URL", format!("http://127.0.0.1:{}", ports.connect));
            }
            Server::JobManager => {
                set(
                    "FLINK_REST_URL",
                    format!("http://127.0.0.1:{}", ports.flink_rest),
                );
                set(
                    "STATEMENTS_GATEWAY_URL",
                    format!("http://127.0.0.1:{}", ports.statements_gateway),
                );
            }
            Server::SqlGateway => {
                set(
                    "SQL_GATEWAY_URL",
                    format!("http://127.0.0.1:{}", ports.sql_gateway),
                );
            }
            Server::TaskManager => {}
        }
    }
    env
}

/// The marker of `data`; `None` when the folder is missing or empty.
///
/// # Errors
/// The folder holds files and no marker, or the marker cannot be read.
pub fn read_marker(data: &Path) -> anyhow::Result<Option<Marker>> {
    let file = data.join(MARKER);
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some(
            serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // The lock is made before the marker.
            let foreign = fs::read_dir(data)
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| entry.file_name() != "run");
            if foreign {
                bail!(
                    "{} holds files that hc-platform did not make; name another folder with --data-dir",
                    data.display()
                );
            }
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
    }
}

/// Deletes the data folder and what its marker names; nothing when there is none. Returns the folders deleted.
///
/// # Errors
/// The folder is not ours, or something cannot be deleted.
pub fn remove(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Some(marker) = read_marker(data)? else {
        return Ok(Vec::new());
    };
    let mut removed = Vec::new();
    for folder in marker.outside {
        // A marker is a file that somebody may have edited.
        if !folder.starts_with(account::service_home()) {
            bail!(
                "{} names {}, which hc-platform never makes",
                data.join(MARKER).display(),
                folder.display()
            );
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("deleting {}", folder.display()))?;
            removed.push(folder);
        }
    }
    fs::remove_dir_all(data).with_context(|| format!("deleting {}", data.display()))?;
    removed.push(data.to_owned());
    Ok(removed)
}

/// Deletes the service account's folders whose data folder somebody deleted by hand.
fn remove_orphans() {
    for entry in fs::read_dir(account::service_home().join("data"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let folder = entry.path();
        if let Ok(owner) = fs::read_to_string(folder.join(OWNER))
            && !Path::new(&owner).exists()
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Makes the folder ours.
///
/// # Errors
/// It holds something else, or cannot be made.
pub fn mark(data: &Path) -> anyhow::Result<Marker> {
    if let Some(marker) = read_marker(data)? {
        return Ok(marker);
    }
    fs::create_dir_all(data).with_context(|| format!("creating {}", data.display()))?;
    let marker = Marker {
        outside: Vec::new(),
    };
    write_marker(data, &marker)?;
    Ok(marker)
}

fn write_marker(data: &Path, marker: &Marker) -> anyhow::Result<()> {
    let file = data.join(MARKER);
    fs::write(&file, serde_json::to_string_pretty(marker)?)
        .with_context(|| format!("writing {}", file.display()))
}

/// The repository: `HC_ROOT`, or the nearest folder above the working directory or the executable that holds
/// `platform/pom.xml`, or the one this was built from.
///
/// # Errors
/// There is none.
pub fn repository() -> anyhow::Result<PathBuf> {
    let holds = |folder: &Path| {
        folder.join("platform/pom.xml").is_file() && folder.join("crates/platform").is_dir()
    };
    if let Some(root) = std::env::var_os("HC_ROOT") {
        let root = PathBuf::from(root);
        if holds(&root) {
            return Ok(root);
        }
        bail!("HC_ROOT={} holds no platform/pom.xml", root.display());
    }
    let above = |start: Option<PathBuf>| {
        start.and_then(|start| {
            start
                .ancestors()
                .find(|folder| holds(folder))
                .map(Path::to_owned)
        })
    };
    above(std::env::current_dir().ok())
        .or_else(|| above(std::env::current_exe().ok()))
        .or_else(|| above(Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")))))
        .context("run this inside the repository, or set HC_ROOT to it")
}
