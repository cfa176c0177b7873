//! `hc-flink-gateway lake`: asks the statements gateway to fill the lake, and says what is in it.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::bail;
use serde::Deserialize;

use super::STATEMENT;
use crate::client::{Client, ClientArgs};
use crate::model::Phase;

#[derive(Deserialize)]
struct Answer {
    tables: Vec<String>,
    absent: BTreeMap<String, String>,
}

/// Returns when the lake's job runs, or when there is nothing to copy yet.
pub async fn run(args: &ClientArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let client = Client::new(args);
    let answer: Answer = client.start_lake().await?;
    writeln!(
        out,
        "{} tables: {}",
        answer.tables.len(),
        answer.tables.join(", ")
    )?;
    for (table, why) in &answer.absent {
        writeln!(out, "left out: {table}: {why}")?;
    }
    if answer.tables.is_empty() {
        return Ok(());
    }
    let Some(statement) = client.get(STATEMENT).await? else {
        bail!("the lake's statement was deleted");
    };
    let statement = client.settle(statement).await?;
    writeln!(out, "{}", statement.status.phase)?;
    if statement.status.phase != Phase::Running {
        bail!(
            "the lake is {}: {}",
            statement.status.phase,
            statement.status.detail
        );
    }
    Ok(())
}
