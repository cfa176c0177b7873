//! Kafka: one process that is broker and controller.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, ensure};

use super::java;
use crate::artifacts::Artifacts;
use crate::health::Health;
use crate::layout::Layout;
use crate::server::Server;
use crate::unit::UnitSpec;

/// Every local stack is its own cluster; nothing compares their ids.
const CLUSTER_ID: &str = "aGVhbHRoY2FyZS1sb2NhbA";

pub(crate) fn unit(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let (port, controller) = (layout.ports.kafka, layout.ports.kafka_controller);
    let logs = layout.data.join("kafka");
    let properties = layout.write_config(
        "kafka.properties",
        &format!(
            "{}\n# Added at this start.\nlisteners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n",
            layout.template("kafka/server.properties")?,
            logs.display()
        ),
    )?;
    let command = java::command(layout, Server::Kafka, "512m")?
        .args(java::class_path(&layout.artifacts.kafka()))
        .args(["kafka.Kafka".into(), properties.into_os_string()]);

    let formatted = layout.artifacts.kafka_formatted();
    let prepare = Arc::new(move || {
        let (formatted, logs) = (formatted.clone(), logs.clone());
        Box::pin(async move {
            if logs.join("meta.properties").is_file() {
                return Ok(());
            }
            fs::create_dir_all(&logs)?;
            // The file that makes the folder a formatted one comes last, so that an interrupted copy is made again.
            for name in ["bootstrap.checkpoint", "meta.properties"] {
                fs::copy(formatted.join(name), logs.join(name))
                    .with_context(|| format!("copying {name}"))?;
            }
            Ok(())
        }) as _
    });
    let mut unit = java::unit(command, Health::Kafka { port }, format!("127.0.0.1:{port}"));
    unit.prepare = Some(prepare);
    Ok(unit)
}

/// Formats an empty data folder, which is the same for every stack: a copy saves each of them the start of a JVM.
pub(crate) fn format(artifacts: &Artifacts) -> anyhow::Result<()> {
    let folder = artifacts.kafka_formatted();
    fs::create_dir_all(&folder)?;
    let properties = folder.join("format.properties");
    fs::write(
        &properties,
        format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             controller.quorum.voters=1@127.0.0.1:9093\nlog.dirs={}\n",
            folder.display()
        ),
    )?;
    let output = Command::new(java::program())
        .args(java::class_path(&artifacts.kafka()))
        .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(&properties)
        .output()
        .context(
            "starting java; install a JDK 17 (Debian: apt-get install openjdk-17-jdk-headless)",
        )?;
    ensure!(
        output.status.success(),
        "formatting Kafka's folder: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    fs::remove_file(properties)?;
    Ok(())
}
