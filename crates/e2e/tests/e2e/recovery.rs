//! Every server and program is killed once, one after the other, while readings flow and prescriptions change. The product
//! comes back by itself each time, and in the end the verdicts are those of the oracle.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hc_e2e::oracle::drift::{self, Verdicts};
use hc_e2e::oracle::{Reading, Target, alerts, compliance, telemetry};
use hc_e2e::{Row, differences, standing, until};
use serde_json::Value;

use crate::home::Home;
use crate::product::Product;
use crate::secrets;
use crate::therapy::{change_therapy, correct_pressure, targets};
use crate::topics;

const RECOVERY_LIMIT: Duration = Duration::from_secs(300);
const DRIFT_STATEMENT: &str = "dev-usw2-hc-dml-hc-fct-drift-evts";
/// Its pressure target is another one after each kill.
const DEVICE: &str = "DEV-P004";
/// The devices whose prescriptions change.
const CHANGED: [&str; 3] = ["DEV-P001", "DEV-P002", DEVICE];

/// In an order in which the recovery of the one needs the one before it: lost jobs are submitted again through both
/// gateways, and tasks that start again ask the registry for every schema.
const VICTIMS: [Victim; 9] = [
    Victim::new("sql-gateway"),
    Victim::new("gateway"),
    Victim::with_the_jobs("jobmanager"),
    Victim::new("registry"),
    Victim::with_the_jobs("taskmanager"),
    Victim::new("kafka"),
    Victim::new("connect"),
    Victim::new("postgres"),
    Victim::new("api"),
];

struct Victim {
    name: &'static str,
    /// Whether the jobs die, too. Until Flink has noticed its loss, the old tasks go on judging.
    takes_jobs: bool,
}

impl Victim {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            takes_jobs: false,
        }
    }

    const fn with_the_jobs(name: &'static str) -> Self {
        Self {
            name,
            takes_jobs: true,
        }
    }
}

/// Kills it, and waits until a prescription that is corrected after that judges a reading that is made after that: which
/// takes every part between the API and the screen, in both directions.
#[expect(clippy::print_stdout, reason = "figures for the report of the run")]
async fn survive(product: &Product<'_>, victim: &Victim, target: f64) -> Result<()> {
    let name = victim.name;
    let before = running_since(product).await?.context("a running job")?;
    let killed = Instant::now();
    let gone = product.kill(name)?;
    product.restarted(name, gone).await?;
    let restarted = killed.elapsed();
    if victim.takes_jobs {
        let what = format!("the drift job to run again after {name} was killed");
        until(&what, RECOVERY_LIMIT, async || {
            let since = running_since(product).await?;
            Ok(since.filter(|since| *since > before).map(|_| ()))
        })
        .await?;
    }
    let what = format!("a correction to be taken after {name} was killed");
    until(&what, RECOVERY_LIMIT, async || {
        correct_pressure(product, DEVICE, target, 0.1).await?;
        Ok(Some(()))
    })
    .await?;
    let status = product.get("/simulation/status").await?;
    let since = status["storyTime"].as_i64().context("storyTime")?;
    let what = format!("a new verdict by the new target after {name} was killed");
    until(&what, RECOVERY_LIMIT, async || {
        let path = format!("/drift?deviceId={DEVICE}&metric=Pressure&limit=1");
        let newest = product.get(&path).await?.get(0).cloned();
        let newest = newest.context("no verdict yet")?;
        ensure!(
            newest["ts"].as_i64() > Some(since) && newest["prescribedValue"] == target,
            "corrected to {target} at {since}, the newest verdict is {newest}"
        );
        Ok(Some(()))
    })
    .await?;
    let what = format!("every statement to run after {name} was killed");
    until(&what, RECOVERY_LIMIT, async || {
        well(product).await?;
        Ok(Some(()))
    })
    .await?;
    println!(
        "{name} killed: runs again after {:.1} s, all is well after {:.1} s",
        restarted.as_secs_f64(),
        killed.elapsed().as_secs_f64()
    );
    Ok(())
}

/// # Errors
/// A statement that does not run, or one whose job has failed and made no checkpoint since.
async fn well(product: &Product<'_>) -> Result<()> {
    let status = product.get("/pipeline/status").await?;
    let statements = status["statements"]["content"].as_array();
    for statement in statements.context("statements")? {
        let job = &statement["job"];
        ensure!(
            statement["phase"] == "COMPLETED"
                || statement["phase"] == "RUNNING"
                    && job["state"] == "RUNNING"
                    && job["cause"].is_null(),
            "{statement:#}"
        );
    }
    Ok(())
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

/// The oracle's tables.
struct Expected {
    readings: Vec<Reading>,
    verdicts: Verdicts,
    /// Until when the hours of telemetry are over for sure, event time: the last readings come from some devices only.
    over: i64,
    targets: Vec<Target>,
}

/// Two rounds of the simulation, epoch milliseconds.
const LAST_ROUNDS: i64 = 600_000;

impl Expected {
    async fn new(product: &Product<'_>) -> Result<Self> {
        let readings = topics::readings(&product.kafka(), &product.registry()).await?;
        let targets = targets(product).await?;
        let last = readings.iter().map(|reading| reading.ts).max();
        Ok(Self {
            verdicts: drift::judge(&readings, &targets),
            over: last.unwrap_or_default() - LAST_ROUNDS,
            readings,
            targets,
        })
    }

    /// # Errors
    /// A table that is not as expected, and in what.
    async fn found(&self, product: &Product<'_>) -> Result<()> {
        let (kafka, registry) = (product.kafka(), product.registry());
        let found = topics::verdicts(&kafka, &registry).await?.standing;
        shown("verdicts", &drift::differences(&self.verdicts, &found))?;

        let key = ["window_start", "device_id", "patient_id", "metric_name"];
        let hours = telemetry::hours(&self.readings, self.over);
        let mut found = standing(&kafka, &registry, "hc_fct_telemetry_1h").await?;
        found.retain(|_, row| row["window_end"].as_i64() <= Some(self.over));
        same_rows("hours of telemetry", &key, &hours, &found)?;
        let hours = compliance::hours(&self.readings, &self.targets);
        let found = standing(&kafka, &registry, "hc_fct_compliance_1h").await?;
        same_rows("hours of compliance", &key, &hours, &found)?;

        let mut found = standing(&kafka, &registry, "hc_fct_compliance_alerts").await?;
        found.retain(|_, row| self.is_settled(row));
        let mut expected = alerts::episodes(&self.readings, &self.targets);
        // One that recovered in the end may still be raised.
        let late = |row: &Row| row.get("recovered_at").and_then(Value::as_i64) > Some(self.over);
        let unsettled: Vec<Row> = expected.iter().filter(|row| late(row)).cloned().collect();
        let key = ["device_id", "metric_name", "episode_start"];
        let is_late = |row: &Row| {
            let same = |other: &Row| key.iter().all(|column| row[*column] == other[*column]);
            unsettled.iter().any(same)
        };
        expected.retain(|row| self.is_settled(row) && !is_late(row));
        found.retain(|_, row| !is_late(row));
        same_rows("alerts", &key, &expected, &found)
    }

    /// Alerts record what was known when they were raised, so that only those of devices count whose prescriptions were
    /// never changed; and only those that were raised before the last readings.
    fn is_settled(&self, row: &Row) -> bool {
        let device = row["device_id"].as_str().unwrap_or_default();
        !CHANGED.contains(&device) && row["raised_at"].as_i64() <= Some(self.over)
    }
}

fn same_rows(
    what: &str,
    key: &[&str],
    expected: &[Row],
    found: &BTreeMap<String, Row>,
) -> Result<()> {
    ensure!(
        expected.len() > 10,
        "{} {what} prove nothing",
        expected.len()
    );
    let differences = differences(key, expected, found)?;
    let lines: Vec<String> = differences.lines().map(str::to_owned).collect();
    shown(what, &lines)
}

fn shown(what: &str, differences: &[String]) -> Result<()> {
    ensure!(
        differences.is_empty(),
        "{what}: {} differences, the first: {:#?}",
        differences.len(),
        &differences[..differences.len().min(5)]
    );
    Ok(())
}

#[tokio::test]
async fn whatever_is_killed_no_verdict_is_missing_or_wrong() -> Result<()> {
    let home = Home::new(&[
        ("SIMULATION_RECORDS_PER_SECOND", "200"),
        ("CORRECTION_WINDOW", "2 h"),
        // The second one is on the edge of its band: in and out again, which makes the alerts.
        (
            "SIMULATION_BIAS",
            "DEV-P003:Pressure:2.4,DEV-P005:Pressure:1.0",
        ),
    ])?;
    let product = home.start().await?;
    secrets::plant(&product).await?;
    product.simulate("start").await?;
    until("the first verdict", Duration::from_secs(60), async || {
        Ok(product.get("/drift?limit=1").await?.get(0).cloned())
    })
    .await?;

    correct_pressure(&product, "DEV-P001", 13.0, 1.0).await?;
    for (victim, target) in VICTIMS.iter().zip(20_u8..) {
        survive(&product, victim, f64::from(target)).await?;
        if victim.name == "kafka" {
            correct_pressure(&product, "DEV-P001", 10.0, 0.3).await?;
            change_therapy(&product, "DEV-P002").await?;
        }
    }
    correct_pressure(&product, DEVICE, 12.0, 1.5).await?;
    product.simulate("stop").await?;

    let expected = Expected::new(&product).await?;
    println!(
        "{} distinct readings, {} verdicts expected",
        expected.readings.len(),
        expected.verdicts.len()
    );
    ensure!(expected.verdicts.len() > 1000, "too few to prove anything");
    until(
        "the facts to equal the oracle",
        RECOVERY_LIMIT,
        async || {
            expected.found(&product).await?;
            Ok(Some(()))
        },
    )
    .await?;
    secrets::scan(&home)
}
