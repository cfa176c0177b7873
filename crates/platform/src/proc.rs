//! What /proc says about processes: who listens on a port, how much memory one uses. Empty answers where there is no /proc.

use std::fs;
use std::path::Path;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::Serialize;

/// A process as `status` and `doctor` name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    pub pid: u32,
    pub command: String,
}

/// The process that listens on TCP `port` of any local address, when this user may see it.
pub fn listener(port: u16) -> Option<Owner> {
    let inodes = listening_inodes(port);
    if inodes.is_empty() {
        return None;
    }
    pids()
        .find(|pid| holds_socket(*pid, &inodes))
        .map(|pid| Owner {
            pid,
            command: command(pid).unwrap_or_default(),
        })
}

/// The command line of `pid`, shortened to what tells it apart.
pub fn command(pid: u32) -> Option<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<String> = raw
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    if words.is_empty() {
        return fs::read_to_string(format!("/proc/{pid}/comm"))
            .ok()
            .map(|comm| comm.trim().to_owned());
    }
    let line = words.join(" ");
    Some(if line.chars().count() <= 120 {
        line
    } else {
        line.chars().take(117).chain("...".chars()).collect()
    })
}

/// Resident memory of `pid` in bytes.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Whether `pid` is a process that has not ended (a zombie has).
pub fn is_alive(pid: u32) -> bool {
    if !Path::new("/proc/self").exists() {
        return i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok());
    }
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| {
            stat.rsplit_once(") ")
                .map(|(_, rest)| !rest.starts_with('Z'))
        })
        .unwrap_or(false)
}

/// Whether a process that this user may see works in `folder`.
pub fn works_in(folder: &Path) -> bool {
    let folder = folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf());
    pids().any(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
}

/// Whether this process was started so that it outlives its terminal (`nohup`): it ignores SIGHUP.
pub fn ignores_hangup() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & 1 == 1)
    })
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn holds_socket(pid: u32, inodes: &[String]) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| inodes.iter().any(|inode| target == Path::new(inode)))
}

/// `socket:[N]` of every listening socket on `port`.
fn listening_inodes(port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| {
            table
                .lines()
                .skip(1)
                .filter_map(|line| {
                    let fields: Vec<&str> = line.split_whitespace().collect();
                    (fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == LISTEN)
                        .then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))
                        .flatten()
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_listener_is_found_by_its_port() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let owner = listener(socket.local_addr().unwrap().port()).unwrap();
        assert_eq!(owner.pid, std::process::id());
        assert!(owner.command.contains("hc_platform"), "{}", owner.command);
        assert!(resident_bytes(owner.pid).unwrap() > 0);
        assert!(is_alive(owner.pid));
        assert!(works_in(&std::env::current_dir().unwrap()));
        assert!(!works_in(Path::new("/proc")));
    }
}
