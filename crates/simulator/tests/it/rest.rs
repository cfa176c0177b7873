//! Devices without a defect.

use hc_domain::{EpochMillis, Metric, Reading};
use hc_simulator::{Bias, Settings, Simulator, Voice, value};
use proptest::prelude::*;

use crate::support::{HOUR, NOW, ROUND, device, mean, series, tolerance};

fn drifts(n: u32, reading: &Reading) -> bool {
    (reading.value - device(n).setting(reading.metric)).abs() > tolerance(reading.metric)
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
        .flat_map(|round| simulator.readings(&device(1), NOW + round * ROUND, &[]))
        .map(|reading| reading.value)
        .collect();
    assert_eq!(told, GOLDEN);
}

const GOLDEN: [f64; 9] = [10.33, 2.42, 115.6, 10.13, 2.54, 132.8, 10.34, 2.58, 129.9];

#[test]
fn readings_carry_their_device_and_stop_when_nobody_wears_it() {
    let simulator = Simulator::new(1);
    let mut worn = device(2);
    let readings = simulator.readings(&worn, NOW, &[]);
    assert_eq!(readings.len(), 3);
    for (reading, metric) in readings.iter().zip(Metric::ALL) {
        assert_eq!(reading.metric, metric);
        assert_eq!(reading.device_id, worn.device_id);
        assert_eq!(Some(&reading.patient_id), worn.patient_id.as_ref());
        assert_eq!(reading.ts, NOW);
        assert_eq!(reading.software_version.as_deref(), Some("1.2.0"));
    }
    worn.patient_id = None;
    assert_eq!(simulator.readings(&worn, NOW, &[]), []);
}

#[test]
fn values_vary_like_measurements_do() {
    for metric in Metric::ALL {
        let values = series((1, 1), metric, (NOW, NOW + 2_000 * ROUND), &[]);
        let setting = device(1).setting(metric);
        let distance = |value: &&f64| (**value - setting).abs() / tolerance(metric);
        let far = values.iter().filter(|v| distance(v) > 0.4).count();
        // Some come near the limit, and most stay near the setting.
        assert!((50..600).contains(&far), "{metric}: {far} of 2000");
        let mean = mean(&values);
        assert!(
            (mean - setting).abs() < 0.05 * tolerance(metric),
            "{metric}: {mean}"
        );
    }
}

#[test]
fn breathing_is_shallower_at_night() {
    // Three in the morning and in the afternoon by the sun of Chicago, on 30 days.
    let sunrise = 20_550 * 24 * HOUR + (87.6298 / 15.0 * HOUR as f64) as EpochMillis;
    let around = |hour: i64, metric| {
        let days = (0..30).flat_map(|day| {
            let at = sunrise + (24 * day + hour) * HOUR;
            series((7, 1), metric, (at - HOUR, at + HOUR), &[])
        });
        mean(&days.collect::<Vec<_>>())
    };
    for metric in [Metric::FlowRate, Metric::FlowLevel] {
        let (night, day) = (around(3, metric), around(15, metric));
        let less = 1.0 - night / day;
        assert!(
            (0.04..0.2).contains(&less),
            "{metric}: {night} against {day}"
        );
    }
    assert!(around(3, Metric::Pressure) > around(15, Metric::Pressure));
}

proptest! {
    #[test]
    fn less_than_one_percent_is_out_of_range_at_rest(seed: u64) {
        let simulator = Simulator::new(seed);
        let (mut readings, mut out) = (0, 0);
        for n in 1..=5 {
            let device = device(n);
            for round in 0..200 {
                for reading in simulator.readings(&device, NOW + round * ROUND, &[]) {
                    readings += 1;
                    out += i32::from(drifts(n, &reading));
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
                for reading in simulator.readings(&device, NOW + round * ROUND, &[]) {
                    let biased = n == 3 && reading.metric == Metric::Pressure;
                    prop_assert_eq!(drifts(n, &reading), biased);
                }
            }
        }
    }

    #[test]
    fn a_changed_setting_moves_the_mean_of_its_metric(seed: u64, more in 1.0_f64..5.0) {
        let voice = Voice::new(seed, "DEV-P001");
        let before = Settings::typical(0);
        let after = Settings { pressure: before.pressure + more, ..before };
        for round in 0..50 {
            let ts = NOW + round * ROUND;
            let at = |settings: &Settings, metric| value(voice, settings, 0.0, metric, ts, &[]);
            let moved = at(&after, Metric::Pressure) - at(&before, Metric::Pressure);
            prop_assert!((moved - more).abs() < 0.011, "{} instead of {}", moved, more);
            prop_assert_eq!(at(&after, Metric::FlowRate), at(&before, Metric::FlowRate));
        }
    }

    #[test]
    fn values_are_possible_and_print_short(seed: u64, offset in -500.0..5_000.0, ts in 0_i64..4_000_000_000_000) {
        let simulator = Metric::ALL
            .into_iter()
            .fold(Simulator::new(seed), |s, metric| s.with_bias(bias(1, metric, offset)));
        for reading in simulator.readings(&device(1), ts, &[]) {
            prop_assert!((0.0..=3_000.0).contains(&reading.value));
            let printed = reading.value.to_string();
            let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            prop_assert!(decimals <= 2, "{}", printed);
        }
    }
}
