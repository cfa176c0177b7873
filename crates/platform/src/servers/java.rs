//! What all JVMs of the stack share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::child::CommandSpec;
use crate::health::Health;
use crate::layout::Layout;
use crate::server::Server;
use crate::unit::UnitSpec;
use std::time::Duration;

/// `$JAVA_HOME/bin/java`, or the one on the path.
pub(crate) fn program() -> PathBuf {
    match std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home).join("bin/java"),
        None => "java".into(),
    }
}

/// `-cp FOLDER/*`.
pub(crate) fn class_path(folder: &Path) -> [OsString; 2] {
    let mut jars = folder.as_os_str().to_owned();
    jars.push("/*");
    ["-cp".into(), jars]
}

/// A JVM with a heap of at most `heap`, tuned to be up soon: the first compiler only, one collector thread.
pub(crate) fn command(layout: &Layout, server: Server, heap: &str) -> anyhow::Result<CommandSpec> {
    let log4j = layout.write_config("log4j2.properties", &layout.template("log4j2.properties")?)?;
    Ok(
        CommandSpec::new(program(), layout.log(server.name())).args([
            format!("-Xmx{heap}"),
            "-XX:TieredStopAtLevel=1".into(),
            "-XX:+UseSerialGC".into(),
            "-XX:+ExitOnOutOfMemoryError".into(),
            "-Djava.net.preferIPv4Stack=true".into(),
            format!("-Dlog4j2.configurationFile=file:{}", log4j.display()),
        ]),
    )
}

pub(crate) fn unit(command: CommandSpec, health: Health, address: String) -> UnitSpec {
    UnitSpec {
        name: String::new(),
        needs: Vec::new(),
        waits_for: Vec::new(),
        yields_to: Vec::new(),
        prepare: None,
        command,
        health,
        finish: None,
        stop_signal: Signal::SIGTERM,
        address,
        ready_within: Duration::from_secs(180),
        stop_within: Duration::from_secs(15),
    }
}
