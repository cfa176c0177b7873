//! `hc-flink-gateway prepare FILE...`: runs files of statements (ALTERs on tables that others own), each to its end.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use hc_flink_dialect::{normalize, split_statements};

use crate::client::{Client, ClientArgs};
use crate::model::Phase;

/// Runs the files in order. Statements are deleted once they have completed, so that the files can be run again.
pub async fn run(files: &[PathBuf], args: &ClientArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let client = Client::new(args);
    for file in files {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        for (index, sql) in split_statements(&text).iter().enumerate() {
            let started = Instant::now();
            let name = statement_name(file, index + 1);
            run_one(&client, &name, sql).await.with_context(|| {
                format!("{}, statement {}: {}", file.display(), index + 1, head(sql))
            })?;
            writeln!(
                out,
                "{:>6.1} s  COMPLETED  {}",
                started.elapsed().as_secs_f64(),
                head(sql)
            )?;
        }
    }
    Ok(())
}

async fn run_one(client: &Client, name: &str, sql: &str) -> anyhow::Result<()> {
    client.delete(name).await?;
    let posted = client.post(name, sql, &BTreeMap::new()).await?;
    let statement = client.settle(posted).await?;
    client.delete(name).await?;
    if statement.status.phase != Phase::Completed {
        bail!("{} {}", statement.status.phase, statement.status.detail);
    }
    Ok(())
}

/// `prepare-<file>-<n>`, with nothing in it that the API refuses.
fn statement_name(file: &Path, number: usize) -> String {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let safe: String = stem
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(60)
        .collect();
    format!("prepare-{safe}-{number}")
}

fn head(sql: &str) -> String {
    let line = normalize(sql);
    match line.char_indices().nth(100) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::is_statement_name;

    #[test]
    fn names_come_from_the_file() {
        assert_eq!(
            statement_name(Path::new("prepare/hc_raw.sql"), 2),
            "prepare-hc-raw-2"
        );
        assert!(is_statement_name(&statement_name(
            Path::new(&"Ä".repeat(90)),
            1
        )));
    }
}
