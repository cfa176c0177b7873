//! The lake against the topics it copies: DuckDB, as `scripts/lake/bin/lake` starts it, reads every table, record by record
//! what is in Kafka; the state that it derives is the topic's; an earlier version shows the earlier state.

mod duckdb;
mod topic;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hc_e2e::oracle::drift;
use hc_e2e::until;
use serde_json::Value;

use self::duckdb::Lake;
use self::topic::{Rows, Topic};
use crate::home::Home;
use crate::product::Product;
use crate::therapy::{correct_pressure, delete_prescription, targets};
use crate::topics;

const PATIENCE: Duration = Duration::from_secs(180);
const DRIFT: &str = "hc_fct_drift_evts";
const RAW: &str = "hc_raw_device_metrics";
/// Tables that must be there; any other of the list is looked at as well when it is.
const EXPECTED: [&str; 3] = [RAW, "src_hc_prescriptions", DRIFT];

#[tokio::test]
async fn the_lake_equals_kafka_and_remembers() -> Result<()> {
    let home = Home::new(&[
        ("LAKE_COMMIT_INTERVAL", "2 s"),
        ("SIMULATION_RECORDS_PER_SECOND", "50"),
        ("CORRECTION_WINDOW", "2 h"),
    ])?;
    let product = home.start().await?;
    let lake = Lake::new(&home)?;
    until("the lake's job", PATIENCE, async || {
        let phase = product.phase("lake").await?;
        ensure!(phase == "RUNNING", "it is {phase}");
        Ok(Some(()))
    })
    .await?;

    product.simulate("start").await?;
    until("verdicts", PATIENCE, async || {
        let found = product.get("/drift?deviceId=DEV-P003&limit=40").await?;
        Ok((found.as_array().map_or(0, Vec::len) == 40).then_some(()))
    })
    .await?;
    // Every verdict of one device is taken back, and every reading of another one gets one.
    correct_pressure(&product, "DEV-P003", 14.4, 5.0).await?;
    correct_pressure(&product, "DEV-P001", 1.0, 0.1).await?;
    product.simulate("stop").await?;
    settled(&product).await?;
    let tables = equal(&product, &lake).await?;
    println!("in the lake and equal: {tables:?}");
    let before = lake.state(DRIFT, None).await?;
    ensure!(before.len() > 20, "only {} verdicts", before.len());
    let (rows, deletions) = lake.counts(DRIFT).await?;
    ensure!(
        deletions > 0 && rows > before.len(),
        "{rows} rows, {deletions} deletions: nothing was corrected"
    );
    let then = lake.now().await?;

    // The job is lost with the JobManager, and goes on from its checkpoint while verdicts and prescriptions go away.
    product.simulate("start").await?;
    let gone = product.kill("jobmanager")?;
    correct_pressure(&product, "DEV-P001", 1.0, 50.0).await?;
    correct_pressure(&product, "DEV-P003", 10.0, 0.1).await?;
    delete_prescription(&product, "DEV-P002").await?;
    product.restarted("jobmanager", gone).await?;
    until("the lake's job again", PATIENCE, async || {
        let jobs = product.flink("/jobs/overview").await?;
        let runs = |job: &Value| job["name"] == "lake" && job["state"] == "RUNNING";
        Ok(jobs["jobs"]
            .as_array()
            .context("jobs")?
            .iter()
            .any(runs)
            .then_some(()))
    })
    .await?;
    product.simulate("stop").await?;
    settled(&product).await?;
    equal(&product, &lake).await?;
    let after = lake.state(DRIFT, None).await?;
    ensure!(after != before, "the corrections changed nothing");
    ensure!(
        lake.state(DRIFT, Some(&then)).await? == before,
        "as of {then} the lake has another state than it had then"
    );
    let (rows, deletions) = lake.counts(DRIFT).await?;
    println!(
        "{rows} changes of verdicts, {deletions} of them deletions; {} verdicts before, {} after",
        before.len(),
        after.len()
    );
    Ok(())
}

/// Waits until every reading has been judged by the prescriptions as they are now.
async fn settled(product: &Product<'_>) -> Result<()> {
    let (kafka, registry) = (product.kafka(), product.registry());
    let readings = topics::readings(&kafka, &registry).await?;
    let expected = drift::judge(&readings, &targets(product).await?);
    until("the verdicts to equal the oracle", PATIENCE, async || {
        let found = topics::verdicts(&kafka, &registry).await?.standing;
        let differences = drift::differences(&expected, &found);
        ensure!(
            differences.is_empty(),
            "{} differences, the first: {:?}",
            differences.len(),
            differences.first()
        );
        Ok(Some(()))
    })
    .await
}

/// Waits until every table of the lake holds every record of its topic once and nothing else, and derives its state.
async fn equal(product: &Product<'_>, lake: &Lake) -> Result<BTreeSet<String>> {
    until("the lake to equal Kafka", PATIENCE, async || {
        let tables = lake.tables().await?;
        for expected in EXPECTED {
            ensure!(tables.contains(expected), "{expected} is not in the lake");
        }
        for table in &tables {
            let topic = Topic::read(&product.kafka(), &product.registry(), table).await?;
            let (rows, copied) = (topic.rows(), lake.rows(table).await?);
            compare(table, "record", &rows, &copied)?;
            if lake.has_state(table).await? {
                ensure!(
                    topic.state() == lake.state(table, None).await?,
                    "{table}: another state than the topic's"
                );
            }
        }
        Ok(Some(tables))
    })
    .await
}

fn compare(table: &str, what: &str, expected: &Rows, found: &Rows) -> Result<()> {
    let missing: Vec<_> = expected.difference(found).collect();
    let extra: Vec<_> = found.difference(expected).collect();
    ensure!(
        missing.is_empty() && extra.is_empty(),
        "{table}: {} of {} {what}s missing, {} too many; the first: {:?} {:?}",
        missing.len(),
        expected.len(),
        extra.len(),
        missing.first(),
        extra.first()
    );
    Ok(())
}
