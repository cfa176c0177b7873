//! The programs of the servers: resolved once by Maven into a folder that every stack of this machine shares.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};

use crate::death;
use crate::report::{Report, seconds};
use crate::servers::kafka;

/// What decides the content of the cache, relative to the repository; a folder stands for its files.
const INPUTS: [&str; 7] = [
    "platform/pom.xml",
    "platform/postgres/pom.xml",
    "platform/kafka/pom.xml",
    "platform/registry/pom.xml",
    "platform/debezium/pom.xml",
    "platform/flink/pom.xml",
    "connect/subject-strategy",
];

/// Of a folder that is not complete yet.
const PREFIX: &str = "resolving-";

/// The resolved folders.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// `<cache>/<hash>`, complete.
    pub folder: PathBuf,
    /// Changes with every version of any artifact.
    pub hash: String,
}

impl Artifacts {
    pub fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// Class path of the broker and of the Connect worker.
    pub fn kafka(&self) -> PathBuf {
        self.folder.join("kafka")
    }

    /// A data folder as `kafka-storage format` leaves it.
    pub fn kafka_formatted(&self) -> PathBuf {
        self.folder.join("kafka-formatted")
    }

    pub fn connect_plugins(&self) -> PathBuf {
        self.folder.join("connect-plugins")
    }

    pub fn registry(&self) -> PathBuf {
        self.folder.join("registry")
    }

    pub fn flink(&self) -> PathBuf {
        self.folder.join("flink")
    }
}

/// `HC_CACHE_DIR`, or the user's cache folder.
///
/// # Errors
/// Neither HC_CACHE_DIR nor HOME is set.
pub fn cache_folder() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("HC_CACHE_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let home = std::env::var_os("HOME")
        .context("set HC_CACHE_DIR or HOME: the servers' programs are kept there")?;
    Ok(PathBuf::from(home).join(".cache/healthcare-shift-left"))
}

/// The folder that holds, or would hold, what `repository` asks for; and whether it is there.
///
/// # Errors
/// An input cannot be read.
pub fn locate(repository: &Path) -> anyhow::Result<(Artifacts, bool)> {
    let hash = hash(repository)?;
    let folder = cache_folder()?.join(&hash);
    let complete = folder.is_dir();
    Ok((Artifacts { folder, hash }, complete))
}

/// The artifacts, resolved now if they are not in the cache. The folder appears under its name only when it is complete.
///
/// # Errors
/// Maven is missing or failed; the text says why.
pub fn resolve(repository: &Path, report: &Report) -> anyhow::Result<Artifacts> {
    let (artifacts, complete) = locate(repository)?;
    if complete {
        return Ok(artifacts);
    }
    let cache = cache_folder()?;
    fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
    if artifacts.folder.is_dir() {
        return Ok(artifacts);
    }

    remove_interrupted(&cache);
    let started = std::time::Instant::now();
    report.about(
        "artifacts",
        "resolving the servers with Maven (once per version, a few hundred MB)",
    );
    let build = tempfile::Builder::new()
        .prefix("resolving-")
        .tempdir_in(&cache)?;
    maven(repository, build.path(), report)?;
    unpack_postgres(&build.path().join("postgres"))?;
    let building = Artifacts {
        folder: build.path().to_owned(),
        hash: artifacts.hash.clone(),
    };
    kafka::format(&building)?;
    fs::remove_dir_all(build.path().join(".build")).context("removing Maven's work folder")?;
    fs::rename(build.path(), &artifacts.folder)?;
    report.about(
        "artifacts",
        format!(
            "resolved in {} ({})",
            seconds(started.elapsed()),
            artifacts.folder.display()
        ),
    );
    Ok(artifacts)
}

/// Folders of resolutions that were killed; nobody else resolves while we hold the lock.
fn remove_interrupted(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn hash(repository: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&repository.join(input), &mut files)?;
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        digest.update(
            file.strip_prefix(repository)
                .unwrap_or(&file)
                .as_os_str()
                .as_encoded_bytes(),
        );
        digest.update([0]);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    }
    digest.update(std::env::consts::ARCH);
    Ok(digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}

fn maven(repository: &Path, out: &Path, report: &Report) -> anyhow::Result<()> {
    let (output, writer) = std::io::pipe()?;
    let mut command = Command::new("mvn");
    command
        .args(["--batch-mode", "-T", "2", "-Dstyle.color=never", "-f"])
        .arg(repository.join("platform/pom.xml"))
        .arg(format!("-Dout={}", out.display()))
        .arg("package")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    death::with_parent(&mut command, Signal::SIGKILL);
    let mut child = command
        .spawn()
        .context("starting mvn; install Maven and a JDK 17 (Debian: apt-get install maven openjdk-17-jdk-headless)")?;
    // The command holds the pipe's other end, without which the lines never end.
    drop(command);
    let mut kept: Vec<String> = Vec::new();
    let mut modules = BTreeSet::new();
    let mut downloads = 0_usize;
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line.contains("Downloaded from") {
            downloads += 1;
            if downloads.is_multiple_of(50) {
                report.about("artifacts", format!("{downloads} files downloaded"));
            }
        } else if let Some((_, module)) = line.split_once(" @ ")
            && modules.insert(module.to_owned())
        {
            report.about("artifacts", module.trim_end_matches([' ', '-']));
        }
        if !line.contains("Download") {
            kept.push(line);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        let last = kept.len().saturating_sub(30);
        bail!("mvn ended with {status}:\n{}", kept[last..].join("\n"));
    }
    Ok(())
}

/// The jar holds one archive; tar keeps the permissions of the programs in it.
fn unpack_postgres(folder: &Path) -> anyhow::Result<()> {
    let archive = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "txz"))
        .with_context(|| format!("no .txz archive in {}", folder.display()))?;
    let output = Command::new("tar")
        .arg("-xJf")
        .arg(&archive)
        .arg("-C")
        .arg(folder)
        .output()
        .context("starting tar")?;
    ensure!(
        output.status.success(),
        "unpacking Postgres with tar failed; it needs xz (Debian: apt-get install xz-utils): {}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::remove_file(&archive)?;
    Ok(())
}
