//! What `/proc` says about the server.

use std::{fs, str::FromStr, time::Duration};

use anyhow::Context as _;
use nix::unistd::{SysconfVar, sysconf};

/// A process on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: u32,
    ticks_per_second: u64,
}

impl Process {
    /// # Errors
    /// When there is no such process, or no `/proc`.
    pub fn new(pid: u32) -> anyhow::Result<Self> {
        let ticks = sysconf(SysconfVar::CLK_TCK)?.context("the system has no clock ticks")?;
        let process = Self {
            pid,
            ticks_per_second: u64::try_from(ticks)?,
        };
        process.cpu().map(|_| process)
    }

    /// User and system time of all its threads since it started, in steps of a clock tick (10 ms).
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(self) -> anyhow::Result<Duration> {
        let ticks = ticks(&self.read("stat")?).context("/proc/PID/stat has no times")?;
        Ok(Duration::from_millis(ticks * 1000 / self.ticks_per_second))
    }

    /// Resident memory, bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_bytes(self) -> anyhow::Result<u64> {
        resident_bytes(&self.read("status")?).context("/proc/PID/status has no VmRSS")
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid))
            .with_context(|| format!("process {} cannot be looked at", self.pid))
    }
}

/// Fields 14 and 15, counted from behind the name, which may contain anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11).map(u64::from_str);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_behind_any_name() {
        let stat = "42 (odd ) name) S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0 5 0 100";
        assert_eq!(ticks(stat), Some(281));
        assert_eq!(ticks("42 (short) S 1"), None);
    }

    #[test]
    fn reads_this_process() {
        let me = Process::new(std::process::id()).unwrap();
        assert!(me.resident_bytes().unwrap() > 100_000);
        assert!(me.cpu().unwrap() <= me.cpu().unwrap());
        assert!(Process::new(u32::MAX).is_err());
    }
}
