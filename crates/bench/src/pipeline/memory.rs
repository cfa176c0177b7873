//! Memory of the servers and programs: of every process that the parent of this one started, by what it is.

use std::{collections::BTreeMap, fs, os::unix::process::parent_id};

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
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(pid) = pid
            && let Some(parent) = parent_of(pid)
        {
            parents.insert(pid, parent);
        }
    }
    let top = parent_id();
    let is_ours = |pid: u32| {
        let mut at = Some(pid);
        while let Some(pid) = at {
            if pid == top {
                return true;
            }
            at = parents.get(&pid).copied();
        }
        false
    };
    let mut found = BTreeMap::new();
    for pid in parents.keys().copied().filter(|pid| is_ours(*pid)) {
        let bytes = Process::new(pid).and_then(Process::resident_bytes);
        if let (Some(kind), Ok(bytes)) = (kind(pid), bytes) {
            *found.entry(kind).or_default() += bytes;
        }
    }
    found
}

/// The process that is of this kind, among those that the parent of this one started.
pub(super) fn process(kind_wanted: &str) -> Option<Process> {
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut ours = pids.filter(|pid| parent_of(*pid) == Some(parent_id()));
    Process::new(ours.find(|pid| kind(*pid) == Some(kind_wanted))?).ok()
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
