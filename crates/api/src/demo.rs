//! The rows of the demonstration: what `seed` inserts, and what the service shows without a database.

mod list;

use chrono::{DateTime, NaiveDate, Utc};
use hc_domain::{
    Device, DeviceDraft, DeviceId, EpochMillis, Invalid, Metric, ParameterDraft, Patient,
    PatientDraft, Prescription, PrescriptionDraft, PrescriptionId, Versioned,
};
use hc_simulator::Settings;
use rand::{SeedableRng, rngs::StdRng};
use serde::Deserialize;
use thiserror::Error;

const SEED: &str = include_str!("../../../postgres/seed/demo.json");
const DAY_MILLIS: EpochMillis = 24 * 60 * 60 * 1000;

/// Why the rows could not be made.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The file is not what the code expects.
    #[error("postgres/seed/demo.json: {0}")]
    Json(#[from] serde_json::Error),
    /// A row breaks a rule of the domain.
    #[error("postgres/seed/demo.json: {0}")]
    Invalid(#[from] Invalid),
    /// An identifier is not one.
    #[error("postgres/seed/demo.json: prescription id {0}")]
    Id(#[from] hc_domain::InvalidId),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seed {
    patients: Vec<SeedPatient>,
    devices: Vec<SeedDevice>,
    prescription_suffixes: Vec<String>,
    tolerances: std::collections::BTreeMap<Metric, f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeedPatient {
    patient_id: String,
    name: String,
    gender: String,
    birth_date: NaiveDate,
    zip_code: String,
    timezone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeedDevice {
    device_id: String,
    software_version: String,
    hw_model: String,
    latitude: f64,
    longitude: f64,
    battery_level: i32,
    plugged: bool,
}

/// Patients, their devices and prescriptions; each list in the order of the identifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Demo {
    pub patients: Vec<Patient>,
    pub devices: Vec<Device>,
    pub prescriptions: Vec<Prescription>,
    made_at: DateTime<Utc>,
}

/// The first instant of simulated time.
pub fn story_start(now: DateTime<Utc>, backfill_days: u32) -> EpochMillis {
    (now.timestamp_millis() - i64::from(backfill_days) * DAY_MILLIS).max(DAY_MILLIS)
}

impl Demo {
    /// The rows for so many patients, seen from `now`: prescriptions start one day before the first story time.
    ///
    /// # Errors
    /// When the seed file is wrong.
    pub fn new(patients: u32, now: DateTime<Utc>, backfill_days: u32) -> Result<Self, DemoError> {
        let seed: Seed = serde_json::from_str(SEED)?;
        let start = story_start(now, backfill_days) - DAY_MILLIS;
        let mut demo = Self {
            patients: Vec::new(),
            devices: Vec::new(),
            prescriptions: Vec::new(),
            made_at: now,
        };
        for index in 0..patients {
            demo.patients.push(patient(&seed, index, now.date_naive())?);
            let device = device(&seed, index)?;
            demo.prescriptions
                .push(prescription(&seed, index, &device, start)?);
            demo.devices.push(device);
        }
        Ok(demo)
    }

    fn versioned<T>(&self, value: T) -> Versioned<T> {
        Versioned {
            value,
            version: 1,
            created_at: self.made_at,
            updated_at: self.made_at,
        }
    }

    pub(crate) fn patient(&self, id: &str) -> Option<Versioned<Patient>> {
        let found = self
            .patients
            .iter()
            .find(|row| row.patient_id.as_str() == id)?;
        Some(self.versioned(found.clone()))
    }

    pub(crate) fn device(&self, id: &str) -> Option<Versioned<Device>> {
        let found = self
            .devices
            .iter()
            .find(|row| row.device_id.as_str() == id)?;
        Some(self.versioned(found.clone()))
    }

    pub(crate) fn prescription(&self, id: &str) -> Option<Versioned<Prescription>> {
        let found = self
            .prescriptions
            .iter()
            .find(|row| row.prescription_id.as_str() == id)?;
        Some(self.versioned(found.clone()))
    }

    /// The devices that somebody wears, which are all of them.
    pub(crate) fn worn_devices(&self) -> Vec<Device> {
        self.devices.clone()
    }
}

fn patient_id(index: u32) -> String {
    format!("P{:03}", index + 1)
}

fn at<T>(rows: &[T], index: u32) -> Option<&T> {
    rows.get(usize::try_from(index).ok()?)
}

fn patient(seed: &Seed, index: u32, today: NaiveDate) -> Result<Patient, DemoError> {
    let draft = match at(&seed.patients, index) {
        Some(row) => PatientDraft {
            patient_id: row.patient_id.clone(),
            name: row.name.clone(),
            gender: row.gender.clone(),
            birth_date: row.birth_date,
            zip_code: row.zip_code.clone(),
            timezone: row.timezone.clone(),
        },
        None => PatientDraft {
            patient_id: patient_id(index),
            name: format!("Patient {}", index + 1),
            gender: if (index + 1).is_multiple_of(2) {
                "F"
            } else {
                "M"
            }
            .to_owned(),
            birth_date: NaiveDate::from_ymd_opt(1985, 1, 1).unwrap_or_default(),
            zip_code: "15200".to_owned(),
            timezone: "America/Chicago".to_owned(),
        },
    };
    Ok(draft.parse(today)?)
}

fn device(seed: &Seed, index: u32) -> Result<Device, DemoError> {
    let generated = SeedDevice {
        device_id: format!("DEV-{}", patient_id(index)),
        software_version: if index.is_multiple_of(2) {
            "1.2.0"
        } else {
            "2.0.0"
        }
        .to_owned(),
        hw_model: "RMD-110".to_owned(),
        latitude: 41.8781,
        longitude: -87.6298,
        battery_level: battery_level(index),
        plugged: battery_level(index) >= 50,
    };
    let row = at(&seed.devices, index).unwrap_or(&generated);
    let settings = Settings::typical(index);
    let draft = DeviceDraft {
        device_id: row.device_id.clone(),
        patient_id: Some(patient_id(index)),
        manufacturer: "Acme Medical".to_owned(),
        model_type: "CPAP-Pro".to_owned(),
        serial_number: format!("SN{:03}", index + 1),
        software_version: row.software_version.clone(),
        target_software_version: None,
        hw_model: row.hw_model.clone(),
        pressure_setting: settings.pressure,
        flow_rate_setting: settings.flow_rate,
        flow_level_setting: settings.flow_level,
        latitude: Some(row.latitude),
        longitude: Some(row.longitude),
        battery_level: Some(row.battery_level),
        plugged: row.plugged,
    };
    Ok(draft.parse()?)
}

fn battery_level(index: u32) -> i32 {
    33 + i32::try_from(index * 11 % 58).unwrap_or(0)
}

fn prescription(
    seed: &Seed,
    index: u32,
    device: &Device,
    start_date: EpochMillis,
) -> Result<Prescription, DemoError> {
    let id: PrescriptionId = match at(&seed.prescription_suffixes, index) {
        Some(suffix) => format!("RX-{}-{suffix}", device.device_id).parse()?,
        // The same each time, as the others are.
        None => {
            PrescriptionId::generate(&device.device_id, &mut StdRng::seed_from_u64(index.into()))
        }
    };
    let draft = PrescriptionDraft {
        patient_id: patient_id(index),
        device_id: device.device_id.to_string(),
        medication_or_therapy: "CPAP Oxygen Flow".to_owned(),
        start_date,
        end_date: None,
        parameters: Metric::ALL
            .into_iter()
            .map(|metric| ParameterDraft {
                name: metric.to_string(),
                value: device.setting(metric),
                kind: None,
                tolerance: seed.tolerances.get(&metric).copied().unwrap_or(0.0),
            })
            .collect(),
    };
    Ok(draft.parse(|_: &DeviceId| id)?)
}
