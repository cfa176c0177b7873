//! `hc-platform doctor`.

mod database;

use std::path::Path;
use std::process::{Command, ExitCode};

use super::{out, up};
use crate::ports::Ports;
use crate::server::Server;
use crate::{account, artifacts, layout, state};

/// What the whole product takes, with room for a browser.
const MEMORY_BYTES: u64 = 5_000_000_000;
const DISK_BYTES: u64 = 3_000_000_000;
/// Major and minor version that Vite needs.
const NODE_MINIMUM: (u32, u32) = (20, 19);

/// Collects one line per question.
#[derive(Default)]
struct Findings {
    problems: usize,
}

impl Findings {
    fn good(&self, what: impl std::fmt::Display) {
        out::line(format!("  ok       {what}"));
    }

    fn note(&self, what: impl std::fmt::Display) {
        out::line(format!("  note     {what}"));
    }

    fn problem(&mut self, what: impl std::fmt::Display) {
        self.problems += 1;
        out::line(format!("  PROBLEM  {what}"));
    }
}

pub(crate) async fn run(data: &Path) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    programs(&mut findings);
    cache(&mut findings)?;
    machine(&mut findings, data);
    let runs = stack(&mut findings, data)?;
    let ports = Ports::from_env()?;
    if !runs {
        check_ports(&mut findings, &ports);
    }
    if runs && state::read(data)?.contains_key(Server::Postgres.name()) {
        let env = layout::env(&ports, [Server::Postgres]);
        database::check(&mut findings, &env["DATABASE_URL"]).await;
    } else {
        findings.note("publication and replication role are looked at while Postgres runs");
    }
    out::line(match findings.problems {
        0 => "Nothing is in the way.".to_owned(),
        1 => "One problem.".to_owned(),
        many => format!("{many} problems."),
    });
    Ok(if findings.problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn programs(findings: &mut Findings) {
    match output("java", &["-version"])
        .as_deref()
        .and_then(java_major)
    {
        Some(major) if major >= 17 => findings.good(format!("Java {major}")),
        Some(major) => findings.problem(format!(
            "Java {major} is too old; install 17 (openjdk-17-jdk-headless)"
        )),
        None => findings.problem("java does not run; install a JDK 17 (openjdk-17-jdk-headless)"),
    }
    for (program, argument, why) in [
        (
            "mvn",
            "-version",
            "Maven fetches the servers (package maven)",
        ),
        ("tar", "--version", "tar unpacks Postgres (package tar)"),
        (
            "xz",
            "--version",
            "tar needs xz for Postgres (package xz-utils)",
        ),
        (
            "curl",
            "--version",
            "connect/register-connector.sh uses it (package curl)",
        ),
    ] {
        match output(program, &[argument]) {
            Some(_) => findings.good(program),
            None => findings.problem(format!("{program} is missing: {why}")),
        }
    }
    match output("node", &["--version"])
        .as_deref()
        .and_then(node_version)
    {
        Some(version) if version >= NODE_MINIMUM => {
            findings.good(format!("Node.js {}.{}", version.0, version.1));
        }
        Some((major, minor)) => findings.problem(format!(
            "Node.js {major}.{minor} is too old; {}.{} or newer serves the screens (https://nodejs.org)",
            NODE_MINIMUM.0, NODE_MINIMUM.1
        )),
        None => findings.problem("node is missing: Node.js serves the screens (https://nodejs.org)"),
    }
}

/// What a program prints, when it runs and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| {
        // Java prints its version on standard error.
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        text
    })
}

/// 17 of `openjdk version "17.0.15" 2025-04-15`.
fn java_major(version: &str) -> Option<u32> {
    version
        .split_once('"')?
        .1
        .split(['.', '"', '-', '+'])
        .next()?
        .parse()
        .ok()
}

/// (20, 19) of `v20.19.2`.
fn node_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn cache(findings: &mut Findings) -> anyhow::Result<()> {
    let (artifacts, complete) = artifacts::locate(&layout::repository()?)?;
    if complete {
        findings.good(format!(
            "the servers' programs are in {}",
            artifacts.folder.display()
        ));
    } else {
        findings.note(format!(
            "the servers' programs are not in {} yet; the first start fetches them",
            artifacts.folder.display()
        ));
    }
    Ok(())
}

fn machine(findings: &mut Findings, data: &Path) {
    if account::is_root() {
        findings.note(format!(
            "running as root: Postgres runs as a service account, with its files in {}",
            account::SERVICE_HOME
        ));
    }
    if let Some(available) = available_memory() {
        let text = format!("{:.1} GB of memory are free", available as f64 / 1e9);
        if available >= MEMORY_BYTES {
            findings.good(text);
        } else {
            findings.problem(format!(
                "{text}; the whole product takes about {:.0} GB",
                MEMORY_BYTES as f64 / 1e9
            ));
        }
    }
    let existing = data.ancestors().find(|folder| folder.exists());
    if let Some(free) = existing.and_then(|folder| nix::sys::statvfs::statvfs(folder).ok()) {
        #[expect(
            clippy::useless_conversion,
            reason = "the types differ between systems"
        )]
        let free =
            u64::from(free.blocks_available()).saturating_mul(u64::from(free.fragment_size()));
        let text = format!("{:.1} GB of disk are free", free as f64 / 1e9);
        if free >= DISK_BYTES {
            findings.good(text);
        } else {
            findings.problem(format!("{text} for {}", data.display()));
        }
    }
}

fn available_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Whether a supervisor runs here; then its own ports are taken, and rightly.
fn stack(findings: &mut Findings, data: &Path) -> anyhow::Result<bool> {
    if let Some(pid) = state::holder(data)? {
        findings.good(format!(
            "hc-platform runs on {} (process {pid}); see `hc-platform status`",
            data.display()
        ));
        return Ok(true);
    }
    match layout::read_marker(data) {
        Ok(_) => findings.good(format!("nothing runs on {}", data.display())),
        Err(error) => findings.problem(format!("{error:#}")),
    }
    Ok(false)
}

fn check_ports(findings: &mut Findings, ports: &Ports) {
    let mut wanted: Vec<(&str, u16)> = Server::ALL
        .into_iter()
        .flat_map(|server| {
            ports
                .of(server)
                .into_iter()
                .map(move |port| (server.name(), port))
        })
        .collect();
    wanted.extend([
        ("api", ports.api),
        ("gateway", ports.statements_gateway),
        ("ui", ports.ui),
    ]);
    let taken = up::taken(&wanted);
    if taken.is_empty() {
        findings.good("all ports are free");
    }
    for line in taken {
        findings.problem(format!("port {line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_java_is_read() {
        assert_eq!(
            java_major("openjdk version \"17.0.15\" 2025-04-15"),
            Some(17)
        );
        assert_eq!(java_major("openjdk version \"25\" 2026-09-16"), Some(25));
        assert_eq!(java_major("java version \"1.8.0_292\""), Some(1));
        assert_eq!(java_major("no"), None);
    }

    #[test]
    fn versions_of_node_compare_as_numbers() {
        assert_eq!(node_version("v20.19.2\n"), Some((20, 19)));
        assert!(node_version("v20.9.0") < Some(NODE_MINIMUM));
        assert!(node_version("v24.0.1") > Some(NODE_MINIMUM));
        assert_eq!(node_version("no"), None);
    }
}
