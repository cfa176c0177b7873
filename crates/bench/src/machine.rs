//! Where and when figures were measured: they mean little without it.

use std::fs;

use chrono::{SecondsFormat, Utc};
use serde::Serialize;

/// This machine, now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// RFC 3339
    pub date: String,
    pub processor: String,
    pub cores: usize,
    /// Processes that wanted to run in the last minute, on average: more than the cores means noise.
    pub load_average: String,
    /// `release` or `debug`: how this program was built.
    pub build: &'static str,
}

impl Machine {
    /// Looks at `/proc`; what is not there is left open.
    pub fn now() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            date: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            processor: processor(&read("/proc/cpuinfo"))
                .unwrap_or("unknown")
                .to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_average: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        }
    }

    /// One line.
    pub fn describe(&self) -> String {
        format!(
            "{}, {}, {} cores, load average {}, {} build",
            self.date, self.processor, self.cores, self.load_average, self.build
        )
    }
}

fn processor(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches(['\t', ' ', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_processor() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Fast 9000\nmodel\t: 7\n";
        assert_eq!(processor(cpuinfo), Some("Fast 9000"));
        assert!(Machine::now().cores >= 1);
    }
}
