//! Postgres: initdb on the first start, the settings of the repository, and `postgres/init.d` once.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use sqlx::Connection as _;

use crate::account;
use crate::child::{self, CommandSpec};
use crate::health::Health;
use crate::layout::Layout;
use crate::proc;
use crate::unit::UnitSpec;

/// Of the superuser of a server that listens on 127.0.0.1 only; programs use the role `demo`.
const SUPERUSER_PASSWORD: &str = "postgres";

/// What data of a version that wrote no names has seen.
const FIRST_FILE: &str = "10-roles-and-databases.sql";

/// How long the processes of a killed Postgres may take to end, on a busy machine.
const BACKENDS_LEAVE: Duration = Duration::from_secs(30);

pub(crate) fn unit(layout: &Layout) -> anyhow::Result<UnitSpec> {
    let port = layout.ports.postgres;
    let programs = programs(layout)?;
    let url = format!("postgresql://postgres:{SUPERUSER_PASSWORD}@127.0.0.1:{port}/postgres");

    let mut command = CommandSpec::new(programs.join("bin/postgres"), layout.log("postgres"));
    command.args = vec!["-D".into(), data(layout).into()];
    command.account = layout.account;
    // Immediate shutdown: the postmaster takes its children along, which SIGKILL would leave for a moment.
    command.death_signal = Signal::SIGQUIT;
    command.directory = Some("/".into());

    let prepare = {
        let layout = layout.clone();
        Arc::new(move || {
            let (layout, programs) = (layout.clone(), programs.clone());
            Box::pin(async move { prepare(&layout, &programs).await }) as _
        })
    };
    let finish = {
        let (layout, url) = (layout.clone(), url.clone());
        Arc::new(move || {
            let (layout, url) = (layout.clone(), url.clone());
            Box::pin(async move { initialise(&layout, &url).await }) as _
        })
    };
    Ok(UnitSpec {
        name: String::new(),
        needs: Vec::new(),
        waits_for: Vec::new(),
        yields_to: Vec::new(),
        prepare: Some(prepare),
        command,
        health: Health::Postgres { url },
        finish: Some(finish),
        // Fast shutdown: clients are disconnected, nothing is lost.
        stop_signal: Signal::SIGINT,
        address: format!("postgresql://demo@127.0.0.1:{port}/healthcare"),
        ready_within: Duration::from_secs(120),
        stop_within: Duration::from_secs(15),
    })
}

fn data(layout: &Layout) -> PathBuf {
    layout.postgres.join("data")
}

/// Names the files of `postgres/init.d` that have been applied, one in a line.
fn initialised(layout: &Layout) -> PathBuf {
    layout.postgres.join("initialised")
}

/// Backends notice that their postmaster was killed a moment later, and until the last one has gone its successor refuses
/// the data. They work in the folder of the data.
async fn backends_gone(data: &Path) {
    let gone = async {
        while proc::works_in(data) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(BACKENDS_LEAVE, gone).await.is_err() {
        tracing::warn!(data = %data.display(), "a process of an earlier Postgres is still there");
    }
}

/// The unpacked programs; for root a copy that the service account can reach, shared by all stacks of this machine.
fn programs(layout: &Layout) -> anyhow::Result<PathBuf> {
    if layout.account.is_none() {
        return Ok(layout.artifacts.postgres());
    }
    let home = account::service_home();
    let folder = home
        .join("programs")
        .join(format!("postgres-{}", layout.artifacts.hash));
    if !folder.is_dir() {
        let parent = home.join("programs");
        fs::create_dir_all(&parent).with_context(|| format!("creating {}", parent.display()))?;
        let copy = tempfile::Builder::new()
            .prefix("copying-")
            .tempdir_in(&parent)?;
        let target = copy.path().join("postgres");
        let output = Command::new("cp")
            .arg("-a")
            .arg(layout.artifacts.postgres())
            .arg(&target)
            .output()?;
        ensure!(
            output.status.success(),
            "copying Postgres: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
        // Another stack may have been faster; its copy is the same.
        if let Err(error) = fs::rename(&target, &folder)
            && !folder.is_dir()
        {
            return Err(error).with_context(|| format!("creating {}", folder.display()));
        }
    }
    Ok(folder)
}

async fn prepare(layout: &Layout, programs: &Path) -> anyhow::Result<()> {
    let data = data(layout);
    backends_gone(&data).await;
    fs::create_dir_all(&layout.postgres)?;
    if let Some(account) = layout.account {
        chown(&layout.postgres, Some(account.uid), Some(account.gid))?;
    }
    fs::set_permissions(&layout.postgres, fs::Permissions::from_mode(0o700))?;
    if !initialised(layout).is_file() {
        // An earlier first start may have been interrupted half way.
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        let password = layout.postgres.join("superuser-password");
        fs::write(&password, SUPERUSER_PASSWORD)?;
        if let Some(account) = layout.account {
            chown(&password, Some(account.uid), Some(account.gid))?;
        }
        let mut initdb = CommandSpec::new(programs.join("bin/initdb"), layout.log("postgres"))
            .args([
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
            ])
            .args([
                format!("--pwfile={}", password.display()),
                format!("--pgdata={}", data.display()),
            ]);
        if layout.ephemeral {
            initdb = initdb.args(["--no-sync"]);
        }
        initdb.account = layout.account;
        initdb.directory = Some("/".into());
        child::run(&initdb).await?;
        fs::remove_file(&password)?;
    }
    let mut settings = layout.template("postgres/postgresql.conf")?;
    settings.push_str(&format!(
        "\n# Added at this start.\nport = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n",
        layout.ports.postgres
    ));
    if layout.ephemeral {
        // Nothing survives the machine, but what was committed survives a killed Postgres: commits stay synchronous.
        settings.push_str("fsync = off\nfull_page_writes = off\n");
    }
    let file = data.join("postgresql.conf");
    fs::write(&file, settings).with_context(|| format!("writing {}", file.display()))?;
    Ok(())
}

/// Applies each file of `postgres/init.d` once, statement by statement: CREATE DATABASE runs in no transaction. A file
/// that a newer version brings is applied to older data too.
async fn initialise(layout: &Layout, url: &str) -> anyhow::Result<()> {
    let done = initialised(layout);
    let mut applied = match fs::read_to_string(&done) {
        // There was one file before their names were written down.
        Ok(names) if names.is_empty() => format!("{FIRST_FILE}\n"),
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", done.display())),
    };
    let folder = layout.repository.join("postgres/init.d");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    files.retain(|file| {
        let name = file_name(file);
        !applied.lines().any(|line| line == name)
    });
    if files.is_empty() {
        return Ok(());
    }
    let mut connection = sqlx::PgConnection::connect(url).await?;
    for file in files {
        let text = fs::read_to_string(&file)?;
        for statement in statements(&text) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&mut connection)
                .await
                .with_context(|| format!("{}: {statement}", file.display()))?;
        }
        applied.push_str(&file_name(&file));
        applied.push('\n');
    }
    connection.close().await?;
    fs::write(&done, applied)?;
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The statements of a script whose statements end at the end of a line.
fn statements(script: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    for line in script
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
    {
        current.push_str(line);
        current.push('\n');
        if line.trim_end().ends_with(';') {
            all.push(std::mem::take(&mut current).trim().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_cut_at_the_ends_of_lines() {
        let script =
            "-- roles; all of them\nCREATE ROLE a\n  PASSWORD 'x;y';\n\nCREATE DATABASE b;\n";
        assert_eq!(
            statements(script),
            ["CREATE ROLE a\n  PASSWORD 'x;y';", "CREATE DATABASE b;"]
        );
    }
}
