//! The account that Postgres runs as when the caller is root, which Postgres refuses.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use nix::unistd::{Uid, User};

/// Holds the programs and the data of Postgres, since the account can see neither /root nor a private clone.
pub const SERVICE_HOME: &str = "/var/lib/healthcare-shift-left";
/// Made with `useradd --system`, and used by nothing else.
const SERVICE_NAME: &str = "healthcare-shift-left";

/// An account by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// `None` for a normal user. For root, the service account, which is made when it is missing; where no account can be made
/// (no `useradd`), `nobody`.
///
/// # Errors
/// There is no such account and none could be made.
pub fn for_postgres() -> anyhow::Result<Option<Account>> {
    if !is_root() {
        return Ok(None);
    }
    if let Some(account) = by_name(SERVICE_NAME)? {
        return Ok(Some(account));
    }
    let made = Command::new("useradd")
        .args([
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
        ])
        .args(["--home-dir", SERVICE_HOME, SERVICE_NAME])
        .output();
    if let Ok(output) = &made
        && !output.status.success()
    {
        tracing::warn!(stderr = %String::from_utf8_lossy(&output.stderr), "useradd failed");
    }
    // Two stacks that start together both try; the account of either will do.
    match by_name(SERVICE_NAME)?.or(by_name("nobody")?) {
        Some(account) => Ok(Some(account)),
        None => bail!(
            "Postgres does not run as root, and no account `{SERVICE_NAME}` could be made; run as a normal user"
        ),
    }
}

/// Where the service account's files go.
pub fn service_home() -> PathBuf {
    PathBuf::from(SERVICE_HOME)
}

fn by_name(name: &str) -> anyhow::Result<Option<Account>> {
    Ok(User::from_name(name)
        .with_context(|| format!("looking up the account {name}"))?
        .map(|user| Account {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }))
}
