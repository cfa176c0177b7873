//! Start, stop and start again: nothing is left behind, and nothing is lost or repeated.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hc_e2e::until;
use serde_json::Value;

use crate::home::Home;
use crate::product::{Product, jobs};
use crate::topics;

const LIMIT: Duration = Duration::from_secs(90);
const STATEMENTS: [&str; 2] = [
    "dev-usw2-hc-dml-src-hc-prescriptions",
    "dev-usw2-hc-dml-hc-fct-drift-evts",
];

/// Completed checkpoints of every running job, by job id.
async fn checkpoints(product: &Product<'_>) -> Result<Vec<(String, u64)>> {
    let jobs = product.flink("/jobs").await?;
    let mut counts = Vec::new();
    for job in jobs["jobs"].as_array().context("jobs")? {
        if job["status"] == "RUNNING" {
            let id = job["id"].as_str().context("an id")?.to_owned();
            let statistics = product.flink(&format!("/jobs/{id}/checkpoints")).await?;
            counts.push((
                id,
                statistics["counts"]["completed"]
                    .as_u64()
                    .unwrap_or_default(),
            ));
        }
    }
    Ok(counts)
}

/// Waits until every job has completed a checkpoint that began after this call.
async fn checkpointed(product: &Product<'_>) -> Result<()> {
    let jobs = jobs()?;
    let before = until("all jobs to run", LIMIT, async || {
        let running = checkpoints(product).await?;
        Ok((running.len() == jobs).then_some(running))
    })
    .await?;
    // The first completion may belong to a checkpoint that was already on its way.
    until("two more checkpoints of every job", LIMIT, async || {
        let now = checkpoints(product).await?;
        let done = before.iter().all(|(id, count)| {
            now.iter()
                .any(|(other, later)| other == id && *later >= count + 2)
        });
        Ok(done.then_some(()))
    })
    .await
}

async fn drift(product: &Product<'_>) -> Result<Value> {
    product.get("/drift?limit=1000").await
}

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_was_stopped_and_nothing_is_left_running()
-> Result<()> {
    let home = Home::new(&[("SIMULATION_RECORDS_PER_SECOND", "30")])?;
    let product = home.start().await?;
    let diagnosis = home.doctor()?;
    ensure!(
        diagnosis.contains("publication debezium_healthcare has every captured table")
            && diagnosis.contains("role demo may replicate"),
        "{diagnosis}"
    );
    product.simulate("start").await?;
    until("some verdicts", LIMIT, async || {
        let found = drift(&product).await?;
        Ok((found.as_array().map_or(0, Vec::len) >= 10).then_some(()))
    })
    .await?;
    product.simulate("stop").await?;
    checkpointed(&product).await?;
    let verdicts = drift(&product).await?;
    let readings = topics::readings(&product.kafka(), &product.registry()).await?;
    let written = topics::end_offsets(&product.kafka(), topics::DRIFT)?;
    let stopped_at = product.get("/simulation/status").await?["storyTime"]
        .as_i64()
        .context("storyTime")?;

    let status = product.interrupt().await?;
    ensure!(status.success(), "Ctrl+C ended with {status}");
    home.silent().await?;

    let product = home.start().await?;
    for statement in STATEMENTS {
        until(&format!("{statement} to run"), LIMIT, async || {
            Ok((product.phase(statement).await? == "RUNNING").then_some(()))
        })
        .await?;
    }
    checkpointed(&product).await?;
    ensure!(
        drift(&product).await? == verdicts,
        "the verdicts changed over the restart"
    );
    ensure!(
        topics::readings(&product.kafka(), &product.registry()).await? == readings,
        "the readings changed over the restart"
    );
    ensure!(
        topics::end_offsets(&product.kafka(), topics::DRIFT)? == written,
        "verdicts from before the checkpoint were written again"
    );

    // The story goes on, and so do the verdicts.
    product.simulate("start").await?;
    until("a verdict of the second run", LIMIT, async || {
        let newest = drift(&product).await?[0]["ts"].as_i64().unwrap_or_default();
        Ok((newest > stopped_at).then_some(()))
    })
    .await?;

    product.kill_supervisor()?;
    home.silent().await
}
