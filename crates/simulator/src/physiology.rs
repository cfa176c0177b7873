//! What a device measures.

use std::f64::consts::TAU;

use hc_domain::{Device, DeviceId, EpochMillis, Metric, Reading};

use crate::noise::Source;

const MINUTE: EpochMillis = 60_000;
const DAY: EpochMillis = 24 * 60 * MINUTE;

/// A device that measures beside its setting, such as one whose calibration is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Bias {
    pub device_id: DeviceId,
    pub metric: Metric,
    /// Added to every value, in the unit of the metric.
    pub offset: f64,
}

/// Makes readings around the settings of a device: a daily course, a slow wander, breathing, and noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulator {
    seed: u64,
    biases: Vec<Bias>,
}

impl Simulator {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            biases: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_bias(mut self, bias: Bias) -> Self {
        self.biases.push(bias);
        self
    }

    /// One round of a device, in the order of [`Metric::ALL`]. Empty while nobody wears it.
    pub fn readings(&self, device: &Device, ts: EpochMillis) -> Vec<Reading> {
        let Some(patient_id) = &device.patient_id else {
            return Vec::new();
        };
        Metric::ALL
            .into_iter()
            .map(|metric| Reading {
                device_id: device.device_id.clone(),
                patient_id: patient_id.clone(),
                ts,
                metric,
                value: self.value(device, metric, ts),
                software_version: Some(device.software_version.clone()),
            })
            .collect()
    }

    /// The value at `ts`, in the unit of the metric, rounded to its resolution.
    pub fn value(&self, device: &Device, metric: Metric, ts: EpochMillis) -> f64 {
        let nature = Nature::of(metric);
        let source = Source::new(self.seed, device.device_id.as_str(), metric.as_str());
        let bias: f64 = self
            .biases
            .iter()
            .filter(|bias| bias.metric == metric && bias.device_id == device.device_id)
            .map(|bias| bias.offset)
            .sum();
        let value = device.setting(metric) + bias + nature.span * at_rest(source, ts);
        let bounded = value.clamp(0.0, nature.max);
        (bounded * nature.steps_per_unit).round() / nature.steps_per_unit
    }
}

/// What is particular to a metric.
struct Nature {
    /// Farthest from the setting at rest. 0.8 of the tolerance that the seeded prescriptions allow (1.0, 0.5
    /// and 50), so that nothing drifts before something is wrong.
    span: f64,
    /// What the device can deliver at most.
    max: f64,
    /// Resolution: hundredths, and tenths of a millilitre.
    steps_per_unit: f64,
}

impl Nature {
    fn of(metric: Metric) -> Self {
        match metric {
            Metric::Pressure => Self {
                span: 0.8,
                max: 60.0,
                steps_per_unit: 100.0,
            },
            Metric::FlowRate => Self {
                span: 0.4,
                max: 100.0,
                steps_per_unit: 100.0,
            },
            Metric::FlowLevel => Self {
                span: 40.0,
                max: 3_000.0,
                steps_per_unit: 10.0,
            },
        }
    }
}

/// Distance from the setting in spans, within [-1, 1]: the weights add up to one.
fn at_rest(source: Source, ts: EpochMillis) -> f64 {
    let daily = wave(ts, DAY, source.branch(1).fraction());
    let wander = source.branch(2).smooth(ts, 20 * MINUTE);
    // 12 to 20 breaths a minute is the normal range of adults at rest.
    let breath_ms = 3_000 + (2_000.0 * source.branch(3).fraction()) as EpochMillis;
    let breathing = wave(ts, breath_ms, source.branch(4).fraction());
    // The mean of two uniform values: small deviations are more frequent than large ones.
    let noise = f64::midpoint(source.branch(5).at(ts), source.branch(6).at(ts));
    0.15 * daily + 0.25 * wander + 0.2 * breathing + 0.4 * noise
}

fn wave(ts: EpochMillis, period: EpochMillis, phase: f64) -> f64 {
    let turn = ts.rem_euclid(period) as f64 / period as f64;
    (TAU * (turn + phase)).sin()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: EpochMillis = 1_774_447_800_000;
    const ROUND: EpochMillis = 300_000;

    /// The seeded device `n` (from 1).
    fn device(n: u32) -> Device {
        let i = f64::from(n - 1);
        Device {
            device_id: format!("DEV-P{n:03}").parse().unwrap(),
            patient_id: Some(format!("P{n:03}").parse().unwrap()),
            manufacturer: "Acme Medical".to_owned(),
            model_type: "CPAP-Pro".to_owned(),
            serial_number: format!("SN{n:03}"),
            software_version: "1.2.0".to_owned(),
            target_software_version: None,
            hw_model: "RMD-100".to_owned(),
            pressure_setting: 10.0 + i % 3.0,
            flow_rate_setting: 2.5 + i % 3.0 * 0.2,
            flow_level_setting: 120.0 + i % 4.0 * 40.0,
            latitude: None,
            longitude: None,
            battery_level: None,
            plugged: false,
        }
    }

    fn tolerance(metric: Metric) -> f64 {
        match metric {
            Metric::Pressure => 1.0,
            Metric::FlowRate => 0.5,
            Metric::FlowLevel => 50.0,
        }
    }

    fn drifts(device: &Device, reading: &Reading) -> bool {
        (reading.value - device.setting(reading.metric)).abs() > tolerance(reading.metric)
    }

    fn bias(n: u32, metric: Metric, offset: f64) -> Bias {
        Bias {
            device_id: device(n).device_id,
            metric,
            offset,
        }
    }

    /// These values are in recordings, tests and documentation: a change of the rule is a change of the story.
    #[test]
    fn the_story_of_seed_42_stays_what_it_is() {
        let simulator = Simulator::new(42);
        let told: Vec<_> = (0..3)
            .flat_map(|round| simulator.readings(&device(1), NOW + round * ROUND))
            .map(|reading| reading.value)
            .collect();
        assert_eq!(told, GOLDEN);
    }

    const GOLDEN: [f64; 9] = [10.15, 2.5, 134.7, 10.27, 2.49, 129.8, 10.28, 2.43, 113.9];

    #[test]
    fn readings_carry_their_device_and_stop_when_nobody_wears_it() {
        let simulator = Simulator::new(1);
        let mut worn = device(2);
        let readings = simulator.readings(&worn, NOW);
        assert_eq!(readings.len(), 3);
        for (reading, metric) in readings.iter().zip(Metric::ALL) {
            assert_eq!(reading.metric, metric);
            assert_eq!(reading.device_id, worn.device_id);
            assert_eq!(Some(&reading.patient_id), worn.patient_id.as_ref());
            assert_eq!(reading.ts, NOW);
            assert_eq!(reading.software_version.as_deref(), Some("1.2.0"));
        }
        worn.patient_id = None;
        assert_eq!(simulator.readings(&worn, NOW), []);
    }

    #[test]
    fn values_vary_like_measurements_do() {
        let simulator = Simulator::new(1);
        for metric in Metric::ALL {
            let values: Vec<_> = (0..2_000)
                .map(|round| simulator.value(&device(1), metric, NOW + round * ROUND))
                .collect();
            let setting = device(1).setting(metric);
            let distance = |value: &&f64| (**value - setting).abs() / tolerance(metric);
            let far = values.iter().filter(|v| distance(v) > 0.4).count();
            // Some come near the limit, and most stay near the setting.
            assert!((50..600).contains(&far), "{metric}: {far} of 2000");
            let mean = values.iter().sum::<f64>() / 2_000.0;
            assert!(
                (mean - setting).abs() < 0.05 * tolerance(metric),
                "{metric}: {mean}"
            );
        }
    }

    proptest! {
        #[test]
        fn same_seed_same_story(seed: u64, n in 1_u32..6, ts in 0_i64..4_000_000_000_000) {
            prop_assert_eq!(
                Simulator::new(seed).readings(&device(n), ts),
                Simulator::new(seed).readings(&device(n), ts)
            );
        }

        #[test]
        fn another_seed_device_or_metric_is_another_story(seed: u64) {
            let story = |seed, n: u32, metric| -> Vec<f64> {
                let device = device(n);
                (0..20)
                    .map(|i| Simulator::new(seed).value(&device, metric, NOW + i * ROUND) - device.setting(metric))
                    .collect()
            };
            let this = story(seed, 1, Metric::Pressure);
            prop_assert_ne!(&this, &story(seed ^ 1, 1, Metric::Pressure));
            prop_assert_ne!(&this, &story(seed, 4, Metric::Pressure));
        }

        #[test]
        fn less_than_one_percent_is_out_of_range_at_rest(seed: u64) {
            let simulator = Simulator::new(seed);
            let (mut readings, mut out) = (0, 0);
            for n in 1..=5 {
                let device = device(n);
                for round in 0..200 {
                    for reading in simulator.readings(&device, NOW + round * ROUND) {
                        readings += 1;
                        out += i32::from(drifts(&device, &reading));
                    }
                }
            }
            prop_assert_eq!(readings, 3_000);
            prop_assert!(out < 30, "{} of {} out of range", out, readings);
        }

        #[test]
        fn a_biased_metric_is_out_of_range_and_nothing_else_is(seed: u64) {
            let simulator = Simulator::new(seed).with_bias(bias(3, Metric::Pressure, 2.5));
            for n in 1..=5 {
                let device = device(n);
                for round in 0..50 {
                    for reading in simulator.readings(&device, NOW + round * ROUND) {
                        let biased = n == 3 && reading.metric == Metric::Pressure;
                        prop_assert_eq!(drifts(&device, &reading), biased);
                    }
                }
            }
        }

        #[test]
        fn values_are_possible_and_print_short(seed: u64, offset in -500.0..5_000.0, ts in 0_i64..4_000_000_000_000) {
            let simulator = Metric::ALL
                .into_iter()
                .fold(Simulator::new(seed), |s, metric| s.with_bias(bias(1, metric, offset)));
            for reading in simulator.readings(&device(1), ts) {
                prop_assert!((0.0..=3_000.0).contains(&reading.value));
                let printed = reading.value.to_string();
                let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                prop_assert!(decimals <= 2, "{}", printed);
            }
        }
    }
}
