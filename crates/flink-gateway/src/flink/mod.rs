//! Clients of the two REST interfaces of a Flink cluster.

pub mod cause;
pub mod job_manager;
pub mod metrics;
pub mod rows;
pub mod sql_gateway;

use std::time::Duration;

/// Longest wait for one answer of a Flink server.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a connection; the servers are near.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a call to Flink did not give an answer.
#[derive(Debug, thiserror::Error)]
pub enum FlinkError {
    /// The server cannot be reached, or went away during the call.
    #[error("{0} does not answer")]
    Unreachable(String),
    /// The session or operation is not known to the server, which was restarted or dropped it.
    #[error("the session is no longer known to the SQL Gateway")]
    SessionLost,
    /// Flink refused; the text is its deepest cause.
    #[error("{0}")]
    Refused(String),
}

fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        // The servers are local; a proxy meant for the internet must not see these calls.
        .no_proxy()
        .build()
        .unwrap_or_default()
}
