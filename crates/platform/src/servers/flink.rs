//! Flink: JobManager, TaskManager and SQL gateway, started from jars without Flink's scripts.

use std::fs;
use std::path::PathBuf;

use super::java;
use crate::child::CommandSpec;
use crate::health::Health;
use crate::layout::Layout;
use crate::server::Server;
use crate::unit::UnitSpec;

/// Packages of the JDK that Flink reaches into.
const OPENS: [&str; 11] = [
    "java.base/java.lang",
    "java.base/java.net",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.time",
    "java.base/java.text",
    "java.base/sun.nio.ch",
    "java.base/sun.net.util",
    "java.base/java.lang.reflect",
];

pub(crate) fn job_manager(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let conf = configure(layout)?;
    let command = jvm(layout, Server::JobManager, "512m")?
        .args([
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            "--configDir",
        ])
        .args([conf]);
    let url = rest(layout);
    Ok(java::unit(
        command,
        Health::Http {
            url: format!("{url}/overview"),
        },
        url,
    ))
}

pub(crate) fn task_manager(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let conf = configure(layout)?;
    // The heap is framework.heap plus task.heap of config.yaml, direct memory the two off-heap sizes plus the network.
    let command = jvm(layout, Server::TaskManager, "768m")?
        .args(["-XX:MaxDirectMemorySize=512m", "-XX:MaxMetaspaceSize=384m"])
        .args([
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            "--configDir",
        ])
        .args([conf]);
    let health = Health::TaskManager { url: rest(layout) };
    Ok(java::unit(command, health, "30 slots".to_owned()))
}

pub(crate) fn sql_gateway(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let conf = configure(layout)?;
    let command = jvm(layout, Server::SqlGateway, "400m")?
        .args(["org.apache.flink.table.gateway.SqlGateway"])
        .env("FLINK_CONF_DIR", conf.display().to_string());
    let url = format!("http://127.0.0.1:{}", layout.ports.sql_gateway);
    Ok(java::unit(
        command,
        Health::Http {
            url: format!("{url}/v3/info"),
        },
        url,
    ))
}

fn rest(layout: &Layout) -> String {
    format!("http://127.0.0.1:{}", layout.ports.flink_rest)
}

fn jvm(layout: &Layout, server: Server, heap: &str) -> anyhow::Result<CommandSpec> {
    let mut command = java::command(layout, server, heap)?;
    command
        .args
        .extend(OPENS.map(|package| format!("--add-opens={package}=ALL-UNNAMED").into()));
    Ok(command.args(java::class_path(&layout.artifacts.flink())))
}

/// Writes the configuration folder of all three.
fn configure(layout: &Layout) -> anyhow::Result<PathBuf> {
    let flink = layout.data.join("flink");
    for folder in ["checkpoints", "savepoints", "tmp", "web"] {
        fs::create_dir_all(flink.join(folder))?;
    }
    let at = |folder: &str| flink.join(folder).display().to_string();
    let ports = &layout.ports;
    let file = layout.write_config(
        "flink/config.yaml",
        &format!(
            "{}\n# Added at this start.\njobmanager.rpc.address: 127.0.0.1\njobmanager.rpc.port: {}\n\
             jobmanager.bind-host: 127.0.0.1\ntaskmanager.bind-host: 127.0.0.1\ntaskmanager.host: 127.0.0.1\n\
             rest.address: 127.0.0.1\nrest.bind-address: 127.0.0.1\nrest.port: {}\n\
             sql-gateway.endpoint.rest.address: 127.0.0.1\nsql-gateway.endpoint.rest.bind-address: 127.0.0.1\n\
             sql-gateway.endpoint.rest.port: {}\n\
             execution.checkpointing.dir: file://{}\nexecution.checkpointing.savepoint-dir: file://{}\n\
             io.tmp.dirs: {}\nweb.tmpdir: {}\n",
            layout.template("flink/config.yaml")?,
            ports.flink_rpc,
            ports.flink_rest,
            ports.sql_gateway,
            at("checkpoints"),
            at("savepoints"),
            at("tmp"),
            at("web"),
        ),
    )?;
    Ok(file
        .parent()
        .map_or_else(|| layout.data.clone(), PathBuf::from))
}
