//! TaskManager and JobManager killed while readings flow and prescriptions change: the jobs come back by themselves, and
//! the verdicts are those of the oracle.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hc_e2e::oracle::Target;
use hc_e2e::oracle::drift::{differences, judge};
use hc_e2e::until;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::home::Home;
use crate::product::Product;
use crate::secrets;
use crate::topics;

const RECOVERY_LIMIT: Duration = Duration::from_secs(150);
const DRIFT_STATEMENT: &str = "dev-usw2-hc-dml-hc-fct-drift-evts";

async fn prescription_of(product: &Product<'_>, device: &str) -> Result<Value> {
    let list = product
        .get(&format!("/prescriptions?deviceId={device}"))
        .await?;
    list.as_array()
        .and_then(|list| list.last())
        .cloned()
        .with_context(|| format!("no prescription of {device}"))
}

/// Sets the pressure's target and tolerance and leaves the other parameters alone.
async fn correct_pressure(
    product: &Product<'_>,
    device: &str,
    value: f64,
    tolerance: f64,
) -> Result<()> {
    let prescription = prescription_of(product, device).await?;
    let mut parameters = prescription["parameters"].clone();
    for parameter in parameters.as_array_mut().context("parameters")? {
        if parameter["parameterName"] == "Pressure" {
            parameter["parameterValue"] = json!(value);
            parameter["parameterTolerance"] = json!(tolerance);
        }
    }
    let id = prescription["prescriptionId"].as_str().context("an id")?;
    product.correct(id, parameters).await
}

/// Ends the device's prescription at the story's now and starts another.
async fn change_therapy(product: &Product<'_>, device: &str) -> Result<()> {
    let old = prescription_of(product, device).await?;
    let now = product.get("/simulation/status").await?["storyTime"].clone();
    let new = json!({
        "patientId": old["patientId"],
        "deviceId": device,
        "medicationOrTherapy": secrets::THERAPY,
        "startDate": now,
        "parameters": [{"parameterName": "Pressure", "parameterValue": 15.0, "parameterTolerance": 0.5}],
        "supersedes": old["prescriptionId"],
    });
    let (status, body) = product
        .send(Method::POST, "/prescriptions", None, &new)
        .await?;
    ensure!(
        status == StatusCode::CREATED,
        "therapy change: {status} {body}"
    );
    Ok(())
}

/// Kills a server, waits until the drift job has been started again with all its tasks, and then for the verdict of a
/// reading that was produced after that. Until Flink has noticed its loss, the old tasks go on judging.
#[expect(clippy::print_stdout, reason = "a figure for the report of the run")]
async fn survive(product: &Product<'_>, server: &str) -> Result<()> {
    let before = running_since(product).await?.context("a running job")?;
    let killed = Instant::now();
    let gone = product.kill(server)?;
    product.restarted(server, gone).await?;
    let what = format!("the drift job to run again after {server} was killed");
    until(&what, RECOVERY_LIMIT, async || {
        let since = running_since(product).await?;
        Ok(since.filter(|since| *since > before).map(|_| ()))
    })
    .await?;
    println!(
        "{server} killed: the drift job runs again after {:.1} s",
        killed.elapsed().as_secs_f64()
    );

    let status = product.get("/simulation/status").await?;
    let since = status["storyTime"].as_i64().context("storyTime")?;
    let what = format!("a new verdict after {server} was killed");
    until(&what, RECOVERY_LIMIT, async || {
        let newest = product.get("/drift?deviceId=DEV-P003&limit=1").await?;
        let newest = newest[0]["ts"].as_i64().unwrap_or_default();
        ensure!(
            newest > since,
            "newest verdict {newest}, recovered at {since}"
        );
        let phase = product.phase(DRIFT_STATEMENT).await?;
        ensure!(phase == "RUNNING", "the statement is {phase}");
        Ok(Some(()))
    })
    .await
}

/// When the drift job began to run with all its tasks, epoch milliseconds; a restart makes it later.
async fn running_since(product: &Product<'_>) -> Result<Option<i64>> {
    let overview = product.flink("/jobs/overview").await?;
    let jobs = overview["jobs"].as_array().context("jobs")?;
    let complete = jobs.iter().find(|job| {
        job["name"] == DRIFT_STATEMENT
            && job["state"] == "RUNNING"
            && job["tasks"]["running"] == job["tasks"]["total"]
    });
    let Some(job) = complete else {
        return Ok(None);
    };
    let id = job["jid"].as_str().context("an id")?;
    let details = product.flink(&format!("/jobs/{id}")).await?;
    Ok(details["timestamps"]["RUNNING"].as_i64())
}

/// Every metric of every prescription as it stands at the end.
async fn targets(product: &Product<'_>) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for prescription in product
        .get("/prescriptions?limit=1000")
        .await?
        .as_array()
        .context("a list")?
    {
        for parameter in prescription["parameters"]
            .as_array()
            .context("parameters")?
        {
            targets.push(Target {
                prescription_id: prescription["prescriptionId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                device_id: prescription["deviceId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                metric_name: parameter["parameterName"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                value: parameter["parameterValue"].as_f64().context("a target")?,
                tolerance: parameter["parameterTolerance"]
                    .as_f64()
                    .context("a tolerance")?,
                start: prescription["startDate"].as_i64().context("a start")?,
                end: prescription["endDate"].as_i64(),
            });
        }
    }
    Ok(targets)
}

#[tokio::test]
async fn killed_flink_servers_leave_no_verdict_missing_or_wrong() -> Result<()> {
    let home = Home::new(&[
        ("SIMULATION_RECORDS_PER_SECOND", "150"),
        ("CORRECTION_WINDOW", "2 h"),
    ])?;
    let product = home.start().await?;
    secrets::plant(&product).await?;
    product.simulate("start").await?;
    until("the first verdict", Duration::from_secs(60), async || {
        Ok(product.get("/drift?limit=1").await?.get(0).cloned())
    })
    .await?;

    correct_pressure(&product, "DEV-P001", 13.0, 1.0).await?;
    survive(&product, "taskmanager").await?;
    correct_pressure(&product, "DEV-P001", 10.0, 0.3).await?;
    change_therapy(&product, "DEV-P002").await?;
    survive(&product, "jobmanager").await?;
    correct_pressure(&product, "DEV-P004", 12.0, 1.5).await?;
    product.simulate("stop").await?;

    let readings = topics::readings(&product.kafka(), &product.registry()).await?;
    let expected = judge(&readings, &targets(&product).await?);
    ensure!(
        expected.len() > 100,
        "too few verdicts to prove anything: {}",
        expected.len()
    );
    println!(
        "{} distinct readings, {} verdicts expected",
        readings.len(),
        expected.len()
    );
    until("the fact to equal the oracle", RECOVERY_LIMIT, async || {
        let found = topics::verdicts(&product.kafka(), &product.registry())
            .await?
            .standing;
        let differences = differences(&expected, &found);
        ensure!(
            differences.is_empty(),
            "{} differences, the first: {:#?}",
            differences.len(),
            &differences[..differences.len().min(5)]
        );
        Ok(Some(()))
    })
    .await?;
    secrets::scan(&home)
}
