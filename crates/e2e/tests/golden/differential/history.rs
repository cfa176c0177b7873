//! Random histories of devices and prescriptions, the same again for the same seed.

use std::collections::BTreeMap;

use hc_e2e::oracle::{Reading, Target};
use hc_e2e::{Change, Row};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// So many that each partition has some.
const DEVICES: i64 = 24;
const METRICS: [&str; 3] = ["Pressure", "FlowRate", "FlowLevel"];
/// Of one metric of one device; they are not in step.
const SERIES_MS: i64 = TICK_MS / (DEVICES * 3);
/// 2026-01-01 00:17 UTC: the first hour is not a whole one.
const START: i64 = 1_767_226_620_000;
/// Readings of one device and metric, and what is between them.
const TICKS: i64 = 400;
const TICK_MS: i64 = 20_000;
const HOUR_MS: i64 = 3_600_000;
/// How long a reading may be under way: less than the watermark waits.
const DELAY_MS: i64 = 4_900;
/// And two more for each hour.
const ROUNDS: usize = 6;

/// What happens, and what is left of it.
#[derive(Debug)]
pub(crate) struct History {
    /// Rows of `src_hc_prescriptions` before the first reading.
    pub(crate) before: Vec<Change>,
    pub(crate) rounds: Vec<Round>,
    /// Readings that close every hour of the history: one at least for each partition.
    pub(crate) sentinels: Vec<Change>,
    /// Event time of the sentinels.
    pub(crate) end: i64,
    /// Every reading once.
    pub(crate) readings: Vec<Reading>,
    /// The prescriptions as they stand in the end.
    pub(crate) targets: Vec<Target>,
}

/// Corrections, and then readings, some out of order and some twice.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) corrections: Vec<Change>,
    pub(crate) readings: Vec<Change>,
}

/// By prescription and metric.
type Targets = BTreeMap<(String, String), Target>;

impl History {
    pub(crate) fn random(seed: u64, with_corrections: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut targets = Targets::new();
        let before = (0..3 * DEVICES)
            .map(|_| prescribe(&mut rng, &mut targets))
            .collect();
        let readings = readings(&mut rng, &targets);
        let mut under_way: Vec<(i64, &Reading)> = Vec::new();
        for reading in &readings {
            let times = if rng.random_ratio(1, 20) { 2 } else { 1 };
            for _ in 0..times {
                under_way.push((reading.ts + delay(&mut rng, reading.ts), reading));
            }
        }
        under_way.sort_by_key(|(arrival, _)| *arrival);
        let cuts = cuts(&mut rng);
        let rounds = under_way
            .chunk_by(|(one, _), (next, _)| !cuts.iter().any(|cut| one < cut && cut <= next))
            .map(|arrived| Round {
                corrections: (0..if with_corrections { 6 } else { 0 })
                    .map(|_| correct(&mut rng, &mut targets))
                    .collect(),
                readings: arrived.iter().map(|(_, reading)| put(reading)).collect(),
            })
            .collect();
        let end = START + TICKS * TICK_MS + 2 * HOUR_MS;
        let sentinels = (0..DEVICES).map(|number| {
            put(&Reading {
                device_id: format!("SENTINEL-{number}"),
                patient_id: "P".to_owned(),
                metric_name: METRICS[0].to_owned(),
                ts: end,
                value: 0.0,
            })
        });
        Self {
            before,
            rounds,
            sentinels: sentinels.collect(),
            end,
            targets: targets.into_values().collect(),
            readings,
        }
    }
}

/// Most readings are there at once, and the last ones of an hour as late as it can be.
fn delay(rng: &mut StdRng, ts: i64) -> i64 {
    if ts % HOUR_MS >= HOUR_MS - 1000 {
        DELAY_MS
    } else if rng.random_ratio(1, 5) {
        rng.random_range(0..=DELAY_MS)
    } else {
        rng.random_range(0..300)
    }
}

/// When one round ends and the next begins. Event time moves on in between, which matters most when an hour has just ended
/// and some of its readings are still under way.
fn cuts(rng: &mut StdRng) -> Vec<i64> {
    let end = START + TICKS * TICK_MS;
    let mut cuts: Vec<i64> = (0..ROUNDS).map(|_| rng.random_range(START..end)).collect();
    let first = START - START % HOUR_MS + HOUR_MS;
    for hour in (first..end).step_by(3_600_000) {
        cuts.extend([hour + DELAY_MS / 2, hour + DELAY_MS * 4 / 5]);
    }
    cuts
}

/// Each device is in range for some minutes and out of range for some minutes, misses a reading now and then, and may go
/// to another patient.
fn readings(rng: &mut StdRng, targets: &Targets) -> Vec<Reading> {
    let mut readings = Vec::new();
    for device in 0..DEVICES {
        let moves = rng.random_range(0..2 * TICKS);
        for metric in METRICS {
            let mut out = rng.random::<bool>();
            for tick in 0..TICKS {
                if rng.random_ratio(1, 20) {
                    out = !out;
                }
                if rng.random_ratio(1, 10) {
                    continue;
                }
                let ts = instant(device, metric, tick);
                let device_id = device_id(device);
                // The newest of those that are valid; another one may see it otherwise.
                let target = targets
                    .values()
                    .filter(|target| target.device_id == device_id && target.metric_name == metric)
                    .filter(|target| target.start <= ts && target.end.is_none_or(|end| ts < end))
                    .max_by_key(|target| target.start);
                readings.push(Reading {
                    patient_id: format!("P-{}", if tick < moves { device } else { device + 100 }),
                    metric_name: metric.to_owned(),
                    value: value(rng, target, out),
                    device_id,
                    ts,
                });
            }
        }
    }
    readings
}

/// In hundredths, so that the edge of the band is hit exactly, as people write it.
fn value(rng: &mut StdRng, target: Option<&Target>, out: bool) -> f64 {
    let (middle, tolerance) = target.map_or((1000, 50), |target| {
        (hundredths(target.value), hundredths(target.tolerance))
    });
    let distance = match out {
        true => tolerance + rng.random_range(1..=300),
        false if rng.random_ratio(1, 3) => tolerance,
        false => rng.random_range(0..=tolerance),
    };
    let sign = if rng.random() { 1 } else { -1 };
    f64::from(middle + sign * distance) / 100.0
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn hundredths(value: f64) -> i32 {
    (value * 100.0).round() as i32
}

/// A new prescription of one metric, valid for a while, or for ever.
fn prescribe(rng: &mut StdRng, targets: &mut Targets) -> Change {
    let device = rng.random_range(0..DEVICES);
    let metric = METRICS[rng.random_range(0..METRICS.len())];
    let mut target = Target {
        prescription_id: format!("RX-{}-{:04}", device_id(device), targets.len()),
        device_id: device_id(device),
        metric_name: metric.to_owned(),
        value: 0.0,
        tolerance: 0.0,
        start: 0,
        end: None,
    };
    dose(rng, &mut target);
    period(rng, device, &mut target);
    store(targets, target)
}

/// Something happens to a prescription: it is corrected, moved, taken back, or there is one more.
fn correct(rng: &mut StdRng, targets: &mut Targets) -> Change {
    let keys: Vec<_> = targets.keys().cloned().collect();
    let Some(mut target) = keys.choose(rng).and_then(|key| targets.get(key)).cloned() else {
        return prescribe(rng, targets);
    };
    let device = rng.random_range(0..DEVICES);
    match rng.random_range(0..6) {
        0 | 1 => dose(rng, &mut target),
        2 => period(rng, device, &mut target),
        3 => {
            target.device_id = device_id(device);
            period(rng, device, &mut target);
        }
        4 => return prescribe(rng, targets),
        _ => {
            let (prescription, metric) = (target.prescription_id, target.metric_name);
            let key = json!({ "prescription_id": prescription, "metric_name": metric });
            targets.remove(&(prescription, metric));
            return Change::Delete(object(key));
        }
    }
    store(targets, target)
}

fn dose(rng: &mut StdRng, target: &mut Target) {
    target.value = f64::from(rng.random_range(20..200)) / 10.0;
    target.tolerance = f64::from(rng.random_range(0..10)) / 10.0;
}

/// Starts and ends at a reading, a moment before or a moment after it.
fn period(rng: &mut StdRng, device: i64, target: &mut Target) {
    let first = rng.random_range(-100..TICKS);
    let last = first + rng.random_range(1..TICKS);
    let is_open = rng.random();
    let mut near = |tick| instant(device, &target.metric_name, tick) + rng.random_range(-1..=1);
    target.start = near(first);
    target.end = if is_open { None } else { Some(near(last)) };
}

fn store(targets: &mut Targets, target: Target) -> Change {
    let row = json!({
        "prescription_id": target.prescription_id,
        "metric_name": target.metric_name,
        "patient_id": "P",
        "device_id": target.device_id,
        "target_value": target.value,
        "tolerance": target.tolerance,
        "start_date": target.start,
        "end_date": target.end,
    });
    let key = (target.prescription_id.clone(), target.metric_name.clone());
    targets.insert(key, target);
    Change::Put(object(row))
}

fn put(reading: &Reading) -> Change {
    Change::Put(object(json!({
        "device_id": reading.device_id,
        "patient_id": reading.patient_id,
        "ts": reading.ts,
        "metric_name": reading.metric_name,
        "metric_value": reading.value,
    })))
}

fn object(value: serde_json::Value) -> Row {
    match value {
        serde_json::Value::Object(row) => row,
        _ => Row::new(),
    }
}

fn instant(device: i64, metric: &str, tick: i64) -> i64 {
    let metric = METRICS.iter().zip(0..).find(|(name, _)| **name == metric);
    let series = metric.map_or(0, |(_, number)| number) * DEVICES + device;
    START + tick * TICK_MS + series * SERIES_MS
}

fn device_id(device: i64) -> String {
    format!("D{device:02}")
}
