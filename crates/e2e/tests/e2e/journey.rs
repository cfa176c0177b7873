//! What a person does: write a prescription, watch the verdicts, correct it, and lose nothing when the API dies.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use futures::stream::LocalBoxStream;
use hc_e2e::until;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::home::Home;
use crate::product::{Product, jobs};
use crate::secrets;
use crate::topics;

const LIMIT: Duration = Duration::from_secs(60);
const DEVICE: &str = "DEV-P001";

/// An open `/drift/stream` of the device.
struct Follower {
    events: LocalBoxStream<'static, Result<(String, Value)>>,
}

impl Follower {
    async fn subscribe(product: &Product<'_>) -> Result<Self> {
        let url = product.url("API_PORT", &format!("/drift/stream?deviceId={DEVICE}"));
        let response = product.client().get(url).send().await?.error_for_status()?;
        let events = response.bytes_stream().eventsource().map(|event| {
            let event = event?;
            let data = serde_json::from_str(&event.data).unwrap_or(Value::Null);
            Ok((event.event, data))
        });
        Ok(Self {
            events: events.boxed_local(),
        })
    }

    /// The first verdict that arrives and is the one that is looked for.
    async fn verdict(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let reading = async {
            while let Some(event) = self.events.next().await {
                let (name, data) = event?;
                if name == "drift" && wanted(&data) {
                    return Ok(data);
                }
            }
            bail!("/drift/stream ended")
        };
        tokio::time::timeout(LIMIT, reading)
            .await
            .context("no such verdict on /drift/stream in time")?
    }
}

/// Two parameters, each a target and a tolerance.
fn parameters(pressure: (f64, f64), flow_rate: (f64, f64)) -> Value {
    let parameter = |name: &str, (value, tolerance): (f64, f64)| json!({"parameterName": name, "parameterValue": value, "parameterTolerance": tolerance});
    json!([
        parameter("Pressure", pressure),
        parameter("FlowRate", flow_rate)
    ])
}

/// Replaces the device's seeded prescription by a new one, with the dates that the form proposes: from the story's now,
/// without an end.
async fn prescribe(product: &Product<'_>, parameters: Value) -> Result<String> {
    let seeded = product
        .get(&format!("/prescriptions?deviceId={DEVICE}"))
        .await?;
    let seeded = seeded
        .as_array()
        .context("a list")?
        .first()
        .context("a seeded prescription")?
        .clone();
    let id = seeded["prescriptionId"].as_str().context("an id")?;
    let (status, body) = product
        .send(
            Method::DELETE,
            &format!("/prescriptions/{id}"),
            seeded["version"].as_i64(),
            &Value::Null,
        )
        .await?;
    ensure!(status == StatusCode::NO_CONTENT, "DELETE: {status} {body}");

    let now = story_time(product).await?;
    let prescription = json!({
        "patientId": "P001",
        "deviceId": DEVICE,
        "medicationOrTherapy": secrets::THERAPY,
        "startDate": now,
        "endDate": null,
        "parameters": parameters,
    });
    let (status, body) = product
        .send(Method::POST, "/prescriptions", None, &prescription)
        .await?;
    ensure!(status == StatusCode::CREATED, "POST: {status} {body}");
    Ok(body["prescriptionId"].as_str().context("an id")?.to_owned())
}

async fn story_time(product: &Product<'_>) -> Result<i64> {
    let status = product.get("/simulation/status").await?;
    status["storyTime"].as_i64().context("storyTime")
}

async fn verdicts(product: &Product<'_>) -> Result<Vec<Value>> {
    let body = product
        .get(&format!("/drift?deviceId={DEVICE}&limit=1000"))
        .await?;
    Ok(body.as_array().cloned().unwrap_or_default())
}

/// The pipeline's status while everything works: no part has anything to complain about.
async fn healthy(product: &Product<'_>) -> Result<()> {
    let jobs = jobs()?;
    until("a healthy pipeline", LIMIT, async || {
        let status = product.get("/pipeline/status").await?;
        ensure!(status["state"] == "ok", "{status:#}");
        ensure!(
            status["connector"]["content"]["verdict"] == "healthy",
            "{status:#}"
        );
        ensure!(
            status["replicationSlot"]["content"]["active"] == true,
            "{status:#}"
        );
        let statements = status["statements"]["content"].as_array();
        let running = statements.context("statements")?.iter();
        let running: Vec<&Value> = running
            .filter(|statement| statement["phase"] == "RUNNING")
            .collect();
        ensure!(running.len() == jobs, "{status:#}");
        for statement in running {
            let job = &statement["job"];
            ensure!(job["state"] == "RUNNING", "{statement:#}");
            ensure!(job["restarts"] == 0, "{statement:#}");
            ensure!(job["lateRecordsDropped"] == 0, "{statement:#}");
            let age = job["checkpointAgeMs"].as_i64();
            ensure!(age.is_some_and(|age| age < 60_000), "{statement:#}");
        }
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn a_correction_changes_the_verdicts_and_a_killed_api_loses_none() -> Result<()> {
    let home = Home::new(&[("SIMULATION_RECORDS_PER_SECOND", "20")])?;
    let product = home.start().await?;
    secrets::plant(&product).await?;

    // The device measures about 10 cm[H2O]; 14 is out of reach, the flow rate is right.
    let mut stream = Follower::subscribe(&product).await?;
    let prescription = prescribe(&product, parameters((14.0, 1.0), (2.5, 0.5))).await?;
    product.simulate("start").await?;
    let first = stream
        .verdict(|verdict| verdict["prescriptionId"] == *prescription)
        .await?;
    ensure!(
        first["metricName"] == "Pressure" && first["driftDirection"] == "below",
        "{first}"
    );
    ensure!(
        first["prescribedValue"] == 14.0 && first["tolerance"] == 1.0,
        "{first}"
    );

    // Tightened: readings that were in range when they were measured are judged again.
    let before = story_time(&product).await?;
    product
        .correct(&prescription, parameters((14.0, 1.0), (5.0, 0.1)))
        .await?;
    stream
        .verdict(|verdict| {
            verdict["metricName"] == "FlowRate"
                && verdict["ts"].as_i64().is_some_and(|ts| ts <= before)
        })
        .await
        .context("an old reading judged by the tightened prescription")?;

    // Loosened: every verdict of the prescription is cleared.
    product.simulate("stop").await?;
    let mut held = verdicts(&product).await?.len();
    ensure!(held > 0, "the tightened prescription has verdicts");
    product
        .correct(&prescription, parameters((14.0, 500.0), (5.0, 500.0)))
        .await?;
    until(
        "the loosened prescription to clear its verdicts",
        LIMIT,
        async || {
            held = verdicts(&product).await?.len();
            ensure!(held == 0, "{held} verdicts are left");
            Ok(Some(()))
        },
    )
    .await?;
    healthy(&product).await?;
    let topic = topics::verdicts(&product.kafka(), &product.registry()).await?;
    ensure!(
        topic
            .cleared
            .iter()
            .any(|key| key.prescription_id == prescription),
        "no tombstone on the topic"
    );
    ensure!(
        !topic
            .standing
            .keys()
            .any(|key| key.prescription_id == prescription),
        "a verdict stands on the topic"
    );

    // Some verdicts again, and a killed API: the read model comes back to the same rows.
    product
        .correct(&prescription, parameters((14.0, 1.0), (2.5, 0.5)))
        .await?;
    let expected = until("the verdicts of the restored target", LIMIT, async || {
        let found = verdicts(&product).await?;
        Ok((!found.is_empty()).then_some(found))
    })
    .await?;
    let gone = product.kill("api")?;
    product.restarted("api", gone).await?;
    until(
        "the read model to converge to the same rows",
        LIMIT,
        async || {
            let found = verdicts(&product).await?;
            ensure!(
                found.len() >= expected.len(),
                "{} of {} rows",
                found.len(),
                expected.len()
            );
            let topic = topics::verdicts(&product.kafka(), &product.registry()).await?;
            let standing = topic
                .standing
                .keys()
                .filter(|key| key.device_id == DEVICE)
                .count();
            ensure!(
                found.len() == standing,
                "{} rows, {standing} verdicts on the topic",
                found.len()
            );
            Ok(Some(()))
        },
    )
    .await?;

    secrets::spoil(&product).await?;
    secrets::scan(&home)
}
