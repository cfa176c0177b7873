//! Whether a server does its work, asked in its own protocol.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::Connection as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How to ask.
#[derive(Clone, Debug)]
pub enum Health {
    /// Answers a query on this URL.
    Postgres { url: String },
    /// Answers an ApiVersions request, which a KRaft broker does once it is registered and unfenced.
    Kafka { port: u16 },
    /// Answers GET with a success.
    Http { url: String },
    /// Accepts a connection, for a program that listens only when it can answer.
    Listens { port: u16 },
    /// `/taskmanagers` of the JobManager lists one that has sent a heartbeat since the process was started: the entry of a
    /// process that died stays for a while.
    TaskManager { url: String },
}

/// An answer later than this is none.
const PATIENCE: Duration = Duration::from_secs(5);

impl Health {
    /// Asks once, about a process that was started at `since` (Unix time in milliseconds).
    ///
    /// # Errors
    /// Why the server is not healthy.
    pub async fn check(&self, since: u64) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, self.ask(since))
            .await
            .with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))?
    }

    async fn ask(&self, since: u64) -> anyhow::Result<()> {
        match self {
            Self::Postgres { url } => {
                let mut connection = sqlx::PgConnection::connect(url).await?;
                sqlx::query("SELECT 1").execute(&mut connection).await?;
                connection.close().await?;
                Ok(())
            }
            Self::Kafka { port } => api_versions(*port).await,
            Self::Http { url } => {
                get(url).await?;
                Ok(())
            }
            Self::Listens { port } => {
                TcpStream::connect(("127.0.0.1", *port)).await?;
                Ok(())
            }
            Self::TaskManager { url } => {
                let body: serde_json::Value =
                    get(&format!("{url}/taskmanagers")).await?.json().await?;
                let all = body["taskmanagers"]
                    .as_array()
                    .map_or(&[][..], Vec::as_slice);
                // Despite its name the field holds the time of the last heartbeat.
                let alive = all
                    .iter()
                    .filter(|one| {
                        one["timeSinceLastHeartbeat"].as_u64().unwrap_or_default() >= since
                    })
                    .count();
                ensure!(
                    alive == 1,
                    "{alive} task managers have reported, of {} known",
                    all.len()
                );
                Ok(())
            }
        }
    }
}

/// One client, since making one reads all root certificates; no kept connections, since the runtimes that ask come and go.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap_or_default()
});

async fn get(url: &str) -> anyhow::Result<reqwest::Response> {
    Ok(CLIENT.get(url).send().await?.error_for_status()?)
}

/// Request header v1 (api key 18, version 0, a correlation id, a client id) with an empty body.
async fn api_versions(port: u16) -> anyhow::Result<()> {
    const CORRELATION: i32 = 0x6863_0001;
    let client = b"hc-platform";
    let mut body = Vec::new();
    body.extend(18_i16.to_be_bytes());
    body.extend(0_i16.to_be_bytes());
    body.extend(CORRELATION.to_be_bytes());
    body.extend(i16::try_from(client.len())?.to_be_bytes());
    body.extend(client);

    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(&i32::try_from(body.len())?.to_be_bytes())
        .await?;
    stream.write_all(&body).await?;
    let length = stream.read_i32().await?;
    let correlation = stream.read_i32().await?;
    let error = stream.read_i16().await?;
    ensure!(
        correlation == CORRELATION && length > 6 && error == 0,
        "the broker answered with error {error}"
    );
    Ok(())
}
