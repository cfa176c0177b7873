//! Waiting for a condition, with an error that says what was awaited.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const POLL: Duration = Duration::from_millis(100);

/// Asks `check` until it answers `Some`, for at most `limit`. An error of `check` counts as "not yet": a server that is
/// being restarted refuses connections; the last one is part of the failure.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut check: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut last = String::from("condition not met");
    while Instant::now() < deadline {
        match check().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => last = "condition not met".to_owned(),
            Err(error) => last = format!("{error:#}"),
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("waited {} s for {what}: {last}", limit.as_secs())
}
