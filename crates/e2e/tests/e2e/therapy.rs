//! Prescriptions, changed while readings flow, and what they come to in the end.

use anyhow::{Context, Result, ensure};
use hc_e2e::oracle::Target;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::product::Product;
use crate::secrets;

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
pub(crate) async fn correct_pressure(
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
pub(crate) async fn change_therapy(product: &Product<'_>, device: &str) -> Result<()> {
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

/// Deletes the device's prescription.
pub(crate) async fn delete_prescription(product: &Product<'_>, device: &str) -> Result<()> {
    let prescription = prescription_of(product, device).await?;
    let id = prescription["prescriptionId"].as_str().context("an id")?;
    let version = prescription["version"].as_i64().context("a version")?;
    let path = format!("/prescriptions/{id}");
    let (status, body) = product
        .send(Method::DELETE, &path, Some(version), &json!({}))
        .await?;
    ensure!(
        status == StatusCode::NO_CONTENT,
        "DELETE {id}: {status} {body}"
    );
    Ok(())
}

/// Every metric of every prescription as it stands at the end.
pub(crate) async fn targets(product: &Product<'_>) -> Result<Vec<Target>> {
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
