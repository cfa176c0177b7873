//! What a running supervisor tells `status`, `down` and `logs`: a lock that it holds, and a file of its units.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::proc;
use crate::unit::Status;

/// A unit in the state file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitState {
    pub log: PathBuf,
    #[serde(flatten)]
    pub status: Status,
}

/// Where the units of the stack in `data` are written.
pub fn file(data: &Path) -> PathBuf {
    data.join("run/units.json")
}

/// The units of the supervisor that runs in `data`; empty before its first change.
///
/// # Errors
/// The file cannot be read.
pub fn read(data: &Path) -> anyhow::Result<BTreeMap<String, UnitState>> {
    match fs::read_to_string(file(data)) {
        Ok(text) => {
            serde_json::from_str(&text).with_context(|| format!("reading {}", file(data).display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("reading {}", file(data).display())),
    }
}

/// Held by the one supervisor of a data folder, for as long as its process lives.
pub struct Lock {
    _file: Flock<File>,
}

/// Takes the data folder for this process.
///
/// # Errors
/// Another supervisor has it; its process id is in the text.
pub fn lock(data: &Path) -> anyhow::Result<Lock> {
    let path = lock_path(data);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut open = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)?;
    for _ in 0..20 {
        match Flock::lock(open, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                return Ok(Lock { _file: file });
            }
            Err((file, _)) => open = file,
        }
        if let Some(pid) = holder(data)? {
            bail!(
                "hc-platform already runs on {} (process {pid}); stop it with `hc-platform down`",
                data.display()
            );
        }
        // Somebody looked whether it is free, or is just taking it.
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{} is held by another process", path.display())
}

/// Whether a supervisor has `data` now.
pub fn is_held(data: &Path) -> bool {
    File::open(lock_path(data))
        .is_ok_and(|open| Flock::lock(open, FlockArg::LockSharedNonblock).is_err())
}

/// The process that supervises `data` now, once it has said so.
///
/// # Errors
/// The lock file cannot be read.
pub fn holder(data: &Path) -> anyhow::Result<Option<u32>> {
    if !is_held(data) {
        return Ok(None);
    }
    let mut text = String::new();
    File::open(lock_path(data))?.read_to_string(&mut text)?;
    Ok(text.trim().parse().ok().filter(|pid| proc::is_alive(*pid)))
}

fn lock_path(data: &Path) -> PathBuf {
    data.join("run/lock")
}

/// Keeps the file of the units current.
#[derive(Clone)]
pub(crate) struct StateFile {
    path: PathBuf,
    units: Arc<Mutex<BTreeMap<String, UnitState>>>,
}

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            units: Arc::default(),
        }
    }

    /// Writes the file at each change of `status`, until the unit is dropped.
    pub(crate) fn follow(&self, name: String, log: PathBuf, mut status: watch::Receiver<Status>) {
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                let current = status.borrow_and_update().clone();
                let state = UnitState {
                    log: log.clone(),
                    status: current,
                };
                if let Err(error) = this.write(&name, state) {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "the state file cannot be written"
                    );
                }
                if status.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, name: &str, state: UnitState) -> anyhow::Result<()> {
        // The lock is held over the write, so that an older content never replaces a newer one.
        let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        units.insert(name.to_owned(), state);
        let new = self.path.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(&*units)?)?;
        fs::rename(&new, &self.path)?;
        Ok(())
    }
}
