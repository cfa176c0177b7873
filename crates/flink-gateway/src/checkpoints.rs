//! Retained checkpoints on disk: `<checkpoint dir>/<job id>/chk-<n>/_metadata`.
//!
//! Flink writes `_metadata` last and by rename, so a `chk-<n>` folder with that file is a completed checkpoint.
//! The JobManager may be gone; only the files are asked. The savepoint with which a job was stopped is beside them, at
//! `<checkpoint dir>/savepoints/<job id>/savepoint-<random>/_metadata`.

use std::io;
use std::path::{Path, PathBuf};

use crate::name::is_job_id;

/// The newest completed checkpoint or savepoint over the jobs of a statement, `ids` oldest first.
///
/// A later job began from the state of an earlier one, so any checkpoint of it is newer;
/// within a job a savepoint is its end, and the higher number is newer. No clock is compared.
pub fn newest(dir: &Path, ids: &[String]) -> Option<PathBuf> {
    ids.iter()
        .rev()
        .find_map(|id| savepoint_of_job(dir, id).or_else(|| newest_of_job(dir, id)))
}

/// Where Flink is told to put the savepoint with which a job is stopped.
pub fn savepoints(dir: &Path, id: &str) -> PathBuf {
    dir.join("savepoints").join(id)
}

/// True when the job has completed a checkpoint that is still there.
pub fn has_completed(dir: &Path, id: &str) -> bool {
    newest_of_job(dir, id).is_some()
}

/// Removes everything a job left in the checkpoint folder, its savepoint too; absent is fine.
pub fn remove_job(dir: &Path, id: &str) -> io::Result<()> {
    if !is_job_id(id) {
        return Ok(());
    }
    for folder in [dir.join(id), savepoints(dir, id)] {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The folder as the URI that Flink's `execution.state-recovery.path` wants.
pub fn uri(checkpoint: &Path) -> String {
    format!("file://{}", checkpoint.display())
}

/// A path from a plain path or a `file:` URI; other file systems cannot be listed and are refused.
pub fn parse_dir(text: &str) -> Result<PathBuf, String> {
    let path = match text.split_once(':') {
        Some(("file", rest)) => Path::new("/").join(rest.trim_start_matches('/')),
        Some((scheme, _)) if scheme.len() > 1 => {
            return Err(format!(
                "checkpoint folder {text} is on '{scheme}'; give a local folder that Flink and the gateway share"
            ));
        }
        _ => PathBuf::from(text),
    };
    std::path::absolute(&path).map_err(|error| format!("checkpoint folder {text}: {error}"))
}

fn savepoint_of_job(dir: &Path, id: &str) -> Option<PathBuf> {
    if !is_job_id(id) {
        return None;
    }
    // A stop that was begun again may have left a savepoint that is not completed.
    std::fs::read_dir(savepoints(dir, id))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("_metadata").is_file())
}

fn newest_of_job(dir: &Path, id: &str) -> Option<PathBuf> {
    if !is_job_id(id) {
        return None;
    }
    std::fs::read_dir(dir.join(id))
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let number: u64 = path
                .file_name()?
                .to_str()?
                .strip_prefix("chk-")?
                .parse()
                .ok()?;
            path.join("_metadata").is_file().then_some((number, path))
        })
        .max_by_key(|(number, _)| *number)
        .map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0000000000000000000000000000000a";
    const NEW: &str = "0000000000000000000000000000000b";

    fn checkpoint(dir: &Path, job: &str, number: u64, completed: bool) -> PathBuf {
        let path = dir.join(job).join(format!("chk-{number}"));
        std::fs::create_dir_all(&path).unwrap();
        if completed {
            std::fs::write(path.join("_metadata"), b"x").unwrap();
        }
        path
    }

    #[test]
    fn the_newest_completed_checkpoint_wins() {
        let dir = tempfile::tempdir().unwrap();
        let ids = [OLD.to_owned(), NEW.to_owned()];
        assert_eq!(newest(dir.path(), &ids), None);

        checkpoint(dir.path(), OLD, 9, true);
        let ten = checkpoint(dir.path(), OLD, 10, true);
        checkpoint(dir.path(), OLD, 11, false);
        assert_eq!(
            newest(dir.path(), &ids),
            Some(ten),
            "10 is newer than 9, 11 is unfinished"
        );

        checkpoint(dir.path(), NEW, 1, false);
        assert!(!has_completed(dir.path(), NEW));
        let restarted = checkpoint(dir.path(), NEW, 2, true);
        assert_eq!(
            newest(dir.path(), &ids),
            Some(restarted),
            "a later job has the later state"
        );

        let savepoint = savepoints(dir.path(), NEW).join("savepoint-x");
        std::fs::create_dir_all(&savepoint).unwrap();
        assert_ne!(
            newest(dir.path(), &ids).as_ref(),
            Some(&savepoint),
            "unfinished"
        );
        std::fs::write(savepoint.join("_metadata"), b"x").unwrap();
        assert_eq!(
            newest(dir.path(), &ids),
            Some(savepoint),
            "the job ended with it"
        );

        remove_job(dir.path(), OLD).unwrap();
        remove_job(dir.path(), OLD).unwrap();
        assert!(!dir.path().join(OLD).exists() && dir.path().join(NEW).exists());
        remove_job(dir.path(), NEW).unwrap();
        assert_eq!(newest(dir.path(), &ids), None);
    }

    #[test]
    fn only_job_folders_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        remove_job(&dir.path().join("x"), "../kept").unwrap();
        remove_job(dir.path(), "").unwrap();
        assert!(kept.exists());
    }

    #[test]
    fn folders_come_as_paths_and_uris() {
        assert_eq!(parse_dir("/a/b").unwrap(), Path::new("/a/b"));
        assert_eq!(parse_dir("file:///a/b").unwrap(), Path::new("/a/b"));
        assert_eq!(parse_dir("file:/a/b").unwrap(), Path::new("/a/b"));
        assert!(parse_dir("s3://bucket/a").unwrap_err().contains("s3"));
        assert_eq!(uri(Path::new("/a/chk-1")), "file:///a/chk-1");
    }
}
