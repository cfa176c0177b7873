//! The file that takes a process's output: the run before is kept beside it, and it does not grow for ever.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const LIMIT_BYTES: u64 = 50 * 1024 * 1024;

/// Keeps the log of the run before as `.1`.
pub(crate) fn rotate_at_start(log: &Path) -> io::Result<()> {
    match fs::rename(log, previous(log)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies and truncates: the process goes on appending to the file it has open.
pub(crate) fn rotate_by_size(log: &Path) -> io::Result<()> {
    if fs::metadata(log).map_or(0, |meta| meta.len()) > LIMIT_BYTES {
        fs::copy(log, previous(log))?;
        fs::OpenOptions::new().write(true).open(log)?.set_len(0)?;
    }
    Ok(())
}

fn previous(log: &Path) -> PathBuf {
    log.with_extension("log.1")
}
