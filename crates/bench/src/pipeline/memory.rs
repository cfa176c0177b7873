//! Memory of the servers and programs: of every process that the parent of this one started, by what it is.

use std::{collections::BTreeMap, fs, iter, os::unix::process::parent_id};

use crate::process::Process;

/// Words of a command line, and what it is then.
const KINDS: [(&str, &str); 10] = [
    ("TaskManagerRunner", "TaskManager"),
    ("StandaloneSessionClusterEntrypoint", "JobManager"),
    ("SqlGateway", "SQL gateway"),
    ("ConnectDistributed", "Connect"),
    ("apicurio", "registry"),
    ("kafka.Kafka", "Kafka"),
    ("postgres", "Postgres"),
    ("hc-flink-gateway", "statements gateway"),
    ("hc-api", "API"),
    ("hc-platform", "hc-platform"),
];

/// Resident bytes by kind.
pub(super) fn by_kind() -> BTreeMap<&'static str, u64> {
    let mut found = BTreeMap::new();
    for pid in ours() {
        let bytes = Process::new(pid).and_then(Process::resident_bytes);
        if let (Some(kind), Ok(bytes)) = (kind(pid), bytes) {
            *found.entry(kind).or_default() += bytes;
        }
    }
    found
}

/// The process that is of this kind.
pub(super) fn process(wanted: &str) -> Option<Process> {
    let found = ours().into_iter().find(|pid| kind(*pid) == Some(wanted))?;
    Process::new(found).ok()
}

/// The parent of this process, and all that descends from it.
fn ours() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: BTreeMap<u32, u32> = pids
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect();
    let top = parent_id();
    let descends = |pid: &u32| {
        let mut line = iter::successors(Some(*pid), |pid| parents.get(pid).copied());
        line.any(|pid| pid == top)
    };
    parents.keys().copied().filter(descends).collect()
}

fn kind(pid: u32) -> Option<&'static str> {
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command);
    // A program by its own name; a Java class wherever it stands.
    let program = command.split('\0').next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let is = |words: &str| match program {
        "java" => command.contains(words) && words != "postgres",
        _ => program.starts_with(words),
    };
    KINDS
        .iter()
        .find(|(words, _)| is(words))
        .map(|(_, kind)| *kind)
}

/// The fourth field, counted from behind the name, which may contain anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
