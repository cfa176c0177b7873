//! Nothing that is about a patient is in a log. Marked details go everywhere a person may put some, also where they are
//! refused; afterwards no log file of any server or program has a mark.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hc_e2e::until;
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::home::Home;
use crate::product::Product;
use crate::topics;

/// What a prescription may be marked with.
pub(crate) const THERAPY: &str = "Zyxwtherapy of a marked patient";
/// In every marked text.
const MARK: &str = "Zyxw";
/// A day on which nothing else happened.
const BIRTH_DATE: &str = "1907-03-09";
/// Each has a log that must not be empty.
const LOGS: [&str; 10] = [
    "api",
    "connect",
    "gateway",
    "jobmanager",
    "kafka",
    "postgres",
    "registry",
    "sql-gateway",
    "taskmanager",
    "ui",
];

/// Marks a new patient and the one whose device reports, and sends marked requests that are refused.
pub(crate) async fn plant(product: &Product<'_>) -> Result<()> {
    let patient = json!({
        "patientId": "P900", "name": "Zyxwname", "gender": "U", "birthDate": BIRTH_DATE,
        "zipCode": "Zyxwzip", "timezone": "UTC",
    })
    .to_string();
    let details =
        json!({"name": "Zyxwname", "birthDate": BIRTH_DATE, "zipCode": "Zyxwzip"}).to_string();
    let device = "/devices/DEV-P001";
    let requests = [
        (Method::POST, "/patients", patient.as_str(), 201),
        (Method::POST, "/patients", &patient, 409),
        (Method::PATCH, "/patients/P001", &details, 200),
        (Method::PUT, "/patients/P001", &patient, 428),
        (
            Method::PATCH,
            "/patients/P001",
            r#"{"name": "Zyxw\u0000"}"#,
            422,
        ),
        (
            Method::PATCH,
            "/patients/P001",
            r#"{"birthDate": "Zyxw"}"#,
            422,
        ),
        (Method::PATCH, "/patients/P001", r#"{"Zyxw": "Zyxw"}"#, 422),
        (Method::PATCH, "/patients/P001", r#"{"name": "Zyxw""#, 400),
        (Method::PATCH, "/patients/Zyxw", &details, 404),
        (Method::PATCH, device, r#"{"patientId": "Zyxw"}"#, 422),
        (
            Method::POST,
            "/prescriptions",
            r#"{"patientId": "Zyxw"}"#,
            422,
        ),
        (Method::GET, "/patients?q=Zyxw", "", 200),
        (Method::GET, "/patients?sort=Zyxw", "", 400),
        (Method::GET, "/patients?Zyxw=Zyxw", "", 400),
        (Method::GET, "/Zyxw", "", 404),
        (
            Method::POST,
            "/simulation/start",
            r#"{"deviceIds": ["Zyxw"]}"#,
            422,
        ),
    ];
    for (method, path, body, expected) in requests {
        let what = format!("{method} {path} {body}");
        let answer = product
            .client()
            .request(method, product.url("API_PORT", path))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_owned())
            .send()
            .await?;
        let status = answer.status();
        ensure!(
            status == StatusCode::from_u16(expected)?,
            "{what}: {status} {}",
            answer.text().await?
        );
    }
    Ok(())
}

/// Puts a marked record on the topic of verdicts that nobody can read, and waits until it is a dead letter.
pub(crate) async fn spoil(product: &Product<'_>) -> Result<()> {
    topics::send(&product.kafka(), topics::DRIFT, MARK.as_bytes()).await?;
    until("a dead letter", Duration::from_secs(60), async || {
        let ends = topics::end_offsets(&product.kafka(), &format!("{}.dlq", topics::DRIFT))?;
        Ok(ends.values().any(|end| *end > 0).then_some(()))
    })
    .await
}

/// Looks for marks in every log.
pub(crate) fn scan(home: &Home) -> Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(home.logs())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    for name in LOGS {
        let file = home.logs().join(format!("{name}.log"));
        let size = fs::metadata(&file)
            .with_context(|| file.display().to_string())?
            .len();
        ensure!(size > 0, "{} is empty", file.display());
    }
    files.push(home.log());
    let mut found = Vec::new();
    for file in files {
        let text = fs::read(&file)?;
        let text = String::from_utf8_lossy(&text);
        let lines = text
            .lines()
            .filter(|line| line.contains(MARK) || line.contains(BIRTH_DATE));
        found.extend(lines.map(|line| format!("{}: {line}", file.display())));
    }
    ensure!(
        found.is_empty(),
        "{} lines about a patient:\n{}",
        found.len(),
        found[..found.len().min(20)].join("\n")
    );
    Ok(())
}
