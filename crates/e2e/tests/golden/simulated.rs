//! The simulator's own readings, through the SQL that is to find their causes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use hc_domain::{Device, EpochMillis};
use hc_e2e::{Bench, Bound, Change, Copy, Row};
use hc_simulator::{Active, DefectKind, Mailbag, Settings, Simulator};
use serde_json::{Value, json};

/// The table that attributes hours to causes.
pub(crate) const TABLE: &str = "hc_fct_device_health";
/// The test's name.
pub(crate) const NAME: &str = "simulated/hc_fct_device_health";
const ROUND: EpochMillis = 300_000;
const HOUR: EpochMillis = 3_600_000;
/// A whole hour.
const BEGIN: EpochMillis = 1_774_447_200_000;
const HOURS: i64 = 17;
/// The hour at whose twentieth minute something goes wrong.
const WRONG: i64 = 4;
/// Other devices, other noise.
const SEEDS: [u64; 3] = [1, 2, 42];

/// One device of each seed for each thing that can be wrong with it, and one with which nothing is.
struct Patient {
    device: Device,
    seed: u64,
    defect: Option<DefectKind>,
}

fn ward() -> Vec<Patient> {
    let defects = DefectKind::ALL.into_iter().map(Some).chain([None]);
    let cases = defects.flat_map(|defect| SEEDS.map(|seed| (defect, seed)));
    cases
        .zip(0..)
        .map(|((defect, seed), index)| Patient {
            device: device(index),
            seed,
            defect,
        })
        .collect()
}

#[expect(clippy::unwrap_used, reason = "the names are valid ones")]
fn device(index: u32) -> Device {
    let settings = Settings::typical(index);
    Device {
        device_id: format!("DEV-{index}").parse().unwrap(),
        patient_id: Some(format!("P-{index}").parse().unwrap()),
        manufacturer: "Acme Medical".to_owned(),
        model_type: "CPAP-Pro".to_owned(),
        serial_number: format!("SN{index}"),
        software_version: "1.2.0".to_owned(),
        target_software_version: None,
        hw_model: "RMD-100".to_owned(),
        pressure_setting: settings.pressure,
        flow_rate_setting: settings.flow_rate,
        flow_level_setting: settings.flow_level,
        latitude: Some(41.8786),
        longitude: Some(settings.longitude),
        battery_level: None,
        plugged: false,
    }
}

impl Patient {
    /// How many whole hours a cause takes to show in each hour; nothing for what is no cause.
    fn shows_after(&self) -> Option<i64> {
        match self.defect? {
            DefectKind::MaskLeak | DefectKind::PatientCondition => Some(1),
            DefectKind::MechanicalWear => Some(2),
            DefectKind::CloggedFilter => Some(4),
            _ => None,
        }
    }

    fn row(&self) -> Row {
        let device = &self.device;
        object(json!({
            "device_id": device.device_id, "patient_id": device.patient_id, "manufacturer": device.manufacturer,
            "model_type": device.model_type, "serial_number": device.serial_number, "hw_model": device.hw_model,
            "software_version": device.software_version, "pressure_setting": device.pressure_setting,
            "flow_rate_setting": device.flow_rate_setting, "flow_level_setting": device.flow_level_setting,
            "plugged": device.plugged,
        }))
    }

    /// What is wrong in a round.
    fn defects(&self, ts: EpochMillis) -> Option<Active> {
        let since = BEGIN + WRONG * HOUR + HOUR / 3;
        let kind = self.defect?;
        let round = u32::try_from((ts - since) / ROUND).ok()?;
        let is_over = kind.steps().is_some_and(|steps| steps <= round);
        (ts >= since && !is_over).then_some(Active { kind, since, round })
    }
}

fn object(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}

/// Round by round, as the topic gets them.
fn readings(ward: &[Patient]) -> Vec<Change> {
    let mut bag = Mailbag::default();
    let mut changes = Vec::new();
    for round in 0..HOURS * HOUR / ROUND {
        let ts = BEGIN + round * ROUND;
        for patient in ward {
            let defects = patient.defects(ts);
            let made =
                Simulator::new(patient.seed).readings(&patient.device, ts, defects.as_slice());
            let arrived = bag.pass(&patient.device.device_id, made, defects.as_slice());
            changes.extend(arrived.into_iter().map(|reading| {
                Change::Put(object(json!({
                    "device_id": reading.device_id, "patient_id": reading.patient_id, "ts": reading.ts,
                    "metric_name": reading.metric.as_str(), "metric_value": reading.value,
                    "software_version": reading.software_version,
                })))
            }));
        }
    }
    changes
}

/// Causes by device and hour since the begin.
type Causes = BTreeMap<(String, i64), BTreeSet<String>>;

fn causes(rows: &BTreeMap<String, Row>) -> Result<Causes> {
    let mut found = Causes::new();
    for row in rows.values() {
        let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
        let start = row.get("window_start").and_then(Value::as_i64);
        let device = text("device_id").context("no device_id")?;
        let hour = (start.context("no window_start")? - BEGIN) / HOUR;
        let cause = text("cause").context("no cause")?;
        found.entry((device, hour)).or_default().insert(cause);
    }
    Ok(found)
}

/// Runs the ward through the production SQL.
pub(crate) async fn run(bench: &Bench, copy: &Copy) -> Result<()> {
    let ward = ward();
    let mut pipeline = bench.pipeline(copy, Bound::Bounded, 1).await?;
    let rows: Vec<Change> = ward.iter().map(Patient::row).map(Change::Put).collect();
    pipeline.send("src_hc_devices", &rows).await?;
    let readings = readings(&ward);
    pipeline.send("hc_raw_device_metrics", &readings).await?;
    pipeline.start().await?;
    pipeline.completed().await?;
    let found = causes(&pipeline.state(TABLE).await?);
    pipeline.close().await?;
    judge(&ward, found?)
}

/// Every cause is found, and nothing else is.
fn judge(ward: &[Patient], mut found: Causes) -> Result<()> {
    for patient in ward {
        let expected = patient.shows_after().map(|hours| WRONG + hours);
        for hour in 0..HOURS {
            let key = (patient.device.device_id.to_string(), hour);
            let causes = found.remove(&key).unwrap_or_default();
            let causes: Vec<&str> = causes.iter().map(String::as_str).collect();
            let name = patient.defect.map_or("nothing", DefectKind::as_str);
            let is_right = match expected {
                Some(from) if hour >= from => causes == [name],
                // In the hours in which it grows it may show or not.
                Some(_) if hour >= WRONG => causes.iter().all(|cause| *cause == name),
                _ => causes.is_empty(),
            };
            ensure!(
                is_right,
                "hour {hour} of {name}, seed {}: {causes:?}",
                patient.seed
            );
        }
    }
    ensure!(found.is_empty(), "nobody has these: {found:?}");
    Ok(())
}
