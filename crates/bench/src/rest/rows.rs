//! The rows that the requests are about, made and removed through the API.

use anyhow::Context as _;
use chrono::Utc;
use hyper::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    client::{Outgoing, Target},
    load::each,
};

const PATIENTS: usize = 5;
/// Set-up and clean-up use so many.
const CONNECTIONS: usize = 16;
/// Start of the first prescription of each device, epoch milliseconds.
const START: usize = 1_700_000_000_000;
/// Length of each prescription, milliseconds.
const LENGTH: usize = 1000;

/// Rows with names of one run, so that runs neither meet each other nor rows of others.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) target: &'a Target,
    run: String,
}

/// A prescription that was made, alone on its device.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) path: String,
    pub(super) etag: String,
    patient: String,
    device: String,
}

impl Made {
    /// Body of the prescription of a later period of this device; 0 is the first.
    pub(super) fn body(&self, period: usize) -> String {
        let start = START + period * LENGTH;
        let parameter = |name: &str, value: f64| json!({"parameterName": name, "parameterValue": value, "parameterType": "float", "parameterTolerance": 0.5});
        json!({
            "patientId": self.patient,
            "deviceId": self.device,
            "medicationOrTherapy": "CPAP Oxygen Flow",
            "startDate": start,
            "endDate": start + LENGTH,
            "parameters": [
                parameter("Pressure", 10.0),
                parameter("FlowRate", 30.0),
                parameter("FlowLevel", 450.0),
            ],
        })
        .to_string()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    prescription_id: Option<String>,
    device_id: Option<String>,
    patient_id: Option<String>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(target: &'a Target) -> Self {
        let run = format!("BENCH-{}", Utc::now().timestamp_millis());
        Self { target, run }
    }

    fn patient(&self, index: usize) -> String {
        format!("{}-P{index}", self.run)
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Outgoing> {
        self.target
            .request(Method::POST, path, Some(body.to_string()))
    }

    /// Five patients, and so many prescriptions, each on a device of its own.
    pub(super) async fn make(&self, count: u16) -> anyhow::Result<Vec<Made>> {
        let patients = (0..PATIENTS)
            .map(|index| self.post("/patients", &patient(&self.patient(index))))
            .collect::<anyhow::Result<Vec<_>>>()?;
        each(self.target, CONNECTIONS, &patients, StatusCode::CREATED).await?;

        let mut made: Vec<Made> = (0..usize::from(count))
            .map(|index| Made {
                path: String::new(),
                etag: String::new(),
                patient: self.patient(index % PATIENTS),
                device: format!("{}-D{index:05}", self.run),
            })
            .collect();
        let devices = made
            .iter()
            .map(|made| self.post("/devices", &device(&made.device, &made.patient)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        each(self.target, CONNECTIONS, &devices, StatusCode::CREATED).await?;

        let prescriptions = made
            .iter()
            .map(|made| {
                let body = Some(made.body(0));
                self.target.request(Method::POST, "/prescriptions", body)
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let answers = each(
            self.target,
            CONNECTIONS,
            &prescriptions,
            StatusCode::CREATED,
        )
        .await?;
        for (made, answer) in made.iter_mut().zip(answers) {
            let text = |name| {
                let value = answer.headers.get(&name).context("a header is missing")?;
                Ok::<_, anyhow::Error>(value.to_str()?.to_owned())
            };
            made.path = text(header::LOCATION)?;
            made.etag = text(header::ETAG)?;
        }
        Ok(made)
    }

    /// Deletes everything of this run, also what an interrupted measurement left behind.
    pub(super) async fn remove(&self) -> anyhow::Result<()> {
        for kind in ["prescriptions", "devices", "patients"] {
            for index in 0..PATIENTS {
                let patient = self.patient(index);
                while let paths = self.listed(kind, &patient).await?
                    && !paths.is_empty()
                {
                    self.delete(&paths).await?;
                }
            }
        }
        Ok(())
    }

    /// Paths of up to 1000 rows of a patient.
    async fn listed(&self, kind: &str, patient: &str) -> anyhow::Result<Vec<String>> {
        let path = format!("/{kind}?patientId={patient}&limit=1000");
        let request = self.target.request(Method::GET, &path, None)?;
        let answers = each(self.target, 1, &[request], StatusCode::OK).await?;
        let answer = answers.first().context("no answer to a list")?;
        let rows: Vec<Listed> = serde_json::from_slice(&answer.body)?;
        // A prescription also names its device, and a device its patient.
        let id = |row: Listed| row.prescription_id.or(row.device_id).or(row.patient_id);
        Ok(rows
            .into_iter()
            .filter_map(id)
            .map(|id| format!("/{kind}/{id}"))
            .collect())
    }

    /// Deletes these resources, whatever their version.
    pub(super) async fn delete(&self, paths: &[String]) -> anyhow::Result<()> {
        let any = header::HeaderValue::from_static("*");
        let requests = paths
            .iter()
            .map(|path| {
                let mut request = self.target.request(Method::DELETE, path, None)?;
                request.headers_mut().insert(header::IF_MATCH, any.clone());
                Ok(request)
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        each(self.target, CONNECTIONS, &requests, StatusCode::NO_CONTENT).await?;
        Ok(())
    }
}

fn patient(id: &str) -> Value {
    json!({
        "patientId": id,
        "name": "Load Test",
        "gender": "U",
        "birthDate": "1980-01-01",
        "zipCode": "00000",
        "timezone": "Europe/Vienna",
    })
}

fn device(id: &str, patient: &str) -> Value {
    json!({
        "deviceId": id,
        "patientId": patient,
        "manufacturer": "Load Test",
        "modelType": "BENCH",
        "serialNumber": id,
        "softwareVersion": "1.0.0",
        "hwModel": "B1",
        "pressureSetting": 10.0,
        "flowRateSetting": 30.0,
        "flowLevelSetting": 450.0,
        "batteryLevel": 100,
        "plugged": true,
    })
}
