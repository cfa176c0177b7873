use hc_domain::{Device, EpochMillis, Metric};
use hc_simulator::{Active, DefectKind, Settings, Voice, value};

pub(crate) const NOW: EpochMillis = 1_774_448_100_000;
pub(crate) const ROUND: EpochMillis = 300_000;
pub(crate) const HOUR: EpochMillis = 3_600_000;

/// The device `n` (from 1) of the demonstration.
pub(crate) fn device(n: u32) -> Device {
    let settings = Settings::typical(n - 1);
    Device {
        device_id: format!("DEV-P{n:03}").parse().unwrap(),
        patient_id: Some(format!("P{n:03}").parse().unwrap()),
        manufacturer: "Acme Medical".to_owned(),
        model_type: "CPAP-Pro".to_owned(),
        serial_number: format!("SN{n:03}"),
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

/// What the seeded prescriptions allow.
pub(crate) fn tolerance(metric: Metric) -> f64 {
    match metric {
        Metric::Pressure => 1.0,
        Metric::FlowRate => 0.5,
        Metric::FlowLevel => 50.0,
    }
}

/// A defect since `since`, on its first round.
pub(crate) fn active(kind: DefectKind, since: EpochMillis) -> Active {
    Active {
        kind,
        since,
        round: 0,
    }
}

/// The readings of one metric in a period, as the device `n` of the seed makes them.
pub(crate) fn series(
    (seed, n): (u64, u32),
    metric: Metric,
    (from, to): (EpochMillis, EpochMillis),
    defects: &[Active],
) -> Vec<f64> {
    let device = device(n);
    let voice = Voice::new(seed, device.device_id.as_str());
    let settings = Settings::from(&device);
    (0..(to - from) / ROUND)
        .map(|round| value(voice, &settings, 0.0, metric, from + round * ROUND, defects))
        .collect()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / values.len() as f64).sqrt()
}
