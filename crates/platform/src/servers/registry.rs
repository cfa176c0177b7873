//! The schema registry, with its schemas in Postgres.

use std::fs;

use anyhow::Context;

use super::java;
use crate::health::Health;
use crate::layout::Layout;
use crate::server::Server;
use crate::unit::UnitSpec;

pub(crate) fn unit(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let port = layout.ports.registry;
    let folder = layout.artifacts.registry();
    let jar = fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().ends_with("-runner.jar"))
        .with_context(|| format!("no -runner.jar in {}", folder.display()))?;
    let command = java::command(layout, Server::Registry, "300m")?
        .args([
            "-Dquarkus.http.host=127.0.0.1".to_owned(),
            format!("-Dquarkus.http.port={port}"),
            "-Dapicurio.rest.deletion.artifact.enabled=true".to_owned(),
            "-Dapicurio.storage.kind=sql".to_owned(),
            "-Dapicurio.storage.sql.kind=postgresql".to_owned(),
            format!(
                "-Dapicurio.datasource.url=jdbc:postgresql://127.0.0.1:{}/registry",
                layout.ports.postgres
            ),
            // Few connections, looked at every second: after a loss of Postgres each broken one would fail a request.
            "-Dapicurio.datasource.jdbc.initial-size=1".to_owned(),
            "-Dapicurio.datasource.jdbc.min-size=1".to_owned(),
            "-Dapicurio.datasource.jdbc.max-size=10".to_owned(),
            "-Dquarkus.datasource.postgresql.jdbc.background-validation-interval=1S".to_owned(),
            "-Dapicurio.datasource.username=registry".to_owned(),
            "-Dapicurio.datasource.password=registry".to_owned(),
            "-jar".to_owned(),
        ])
        .args([jar]);
    let url = format!("http://127.0.0.1:{port}/apis/ccompat/v7");
    Ok(java::unit(
        command,
        Health::Http {
            url: format!("{url}/subjects"),
        },
        url,
    ))
}
