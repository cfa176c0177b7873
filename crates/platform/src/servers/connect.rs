//! Kafka Connect: one worker in distributed mode, with Debezium and the Avro converter.

use std::fs;

use super::java;
use crate::health::Health;
use crate::layout::Layout;
use crate::server::Server;
use crate::unit::UnitSpec;

pub(crate) fn unit(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let ports = &layout.ports;
    let registry = format!("http://127.0.0.1:{}/apis/registry/v2", ports.registry);
    // The provider refuses a folder that does not exist.
    let secrets = layout.data.join("secrets");
    fs::create_dir_all(&secrets)?;
    let properties = layout.write_config(
        "connect.properties",
        &format!(
            "{}\n# Added at this start.\nbootstrap.servers=127.0.0.1:{}\nlisteners=http://127.0.0.1:{}\n\
             rest.advertised.host.name=127.0.0.1\nplugin.path={}\n\
             key.converter.apicurio.registry.url={registry}\nvalue.converter.apicurio.registry.url={registry}\n\
             config.providers.dir.param.allowed.paths={}\n",
            layout.template("connect/worker.properties")?,
            ports.kafka,
            ports.connect,
            layout.artifacts.connect_plugins().display(),
            secrets.display(),
        ),
    )?;
    let command = java::command(layout, Server::Connect, "400m")?
        .args(java::class_path(&layout.artifacts.kafka()))
        .args([
            "org.apache.kafka.connect.cli.ConnectDistributed".into(),
            properties.into_os_string(),
        ])
        // What the connector's ${env:...} placeholders mean here.
        .env("DB_HOST", "127.0.0.1")
        .env("DB_PORT", ports.postgres.to_string())
        .env("DB_USER", "demo")
        .env("DB_PASSWORD", "demo")
        .env("DB_NAME", "healthcare");
    let url = format!("http://127.0.0.1:{}", ports.connect);
    Ok(java::unit(
        command,
        Health::Http {
            url: format!("{url}/connectors"),
        },
        url,
    ))
}
