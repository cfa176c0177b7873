//! Each defect shows in its own statistic, the one that `docs/simulator.md` names.

use hc_domain::{EpochMillis, Metric};
use hc_simulator::{Active, CLOCK_SKEW, DefectKind, Mailbag, Simulator};
use proptest::prelude::*;

use crate::support::{HOUR, NOW, ROUND, active, deviation, device, mean, series};

/// The cause that an hour of the device `n` points to, by the rules of the documentation.
fn cause(
    n: u32,
    hour: EpochMillis,
    reading: impl Fn(Metric, EpochMillis) -> f64,
) -> Option<DefectKind> {
    let readings = |metric, (from, to): (i64, i64)| -> Vec<f64> {
        let rounds = from * HOUR / ROUND..to * HOUR / ROUND;
        rounds
            .map(|round| reading(metric, hour + round * ROUND))
            .collect()
    };
    let relative = |metric, hours| mean(&readings(metric, hours)) / device(n).setting(metric) - 1.0;
    let flow = relative(Metric::FlowRate, (0, 1));
    let pressure = relative(Metric::Pressure, (0, 1));
    let before = relative(Metric::Pressure, (-3, -2));
    let between = relative(Metric::Pressure, (-2, 0));
    let pressures = readings(Metric::Pressure, (0, 1));
    let highest = pressures.iter().copied().fold(f64::MIN, f64::max);
    let lowest = pressures.iter().copied().fold(f64::MAX, f64::min);
    let is_steady = highest <= 1.5 * lowest;
    let is_rising =
        (1.0 + pressure) / (1.0 + before) > 1.1 && (1.0 + between) / (1.0 + before) > 1.05;
    let is_high = pressure.min(before) > 0.35;
    if flow > 0.15 {
        Some(DefectKind::MaskLeak)
    } else if flow < -0.15 && pressure > 0.08 {
        Some(DefectKind::PatientCondition)
    } else if flow < -0.15 && pressure < -0.08 {
        Some(DefectKind::MechanicalWear)
    } else if flow.abs() <= 0.15 && pressure > 0.08 && is_steady && (is_rising || is_high) {
        Some(DefectKind::CloggedFilter)
    } else {
        None
    }
}

/// What a device reports while defects last.
fn reported((seed, n): (u64, u32), defects: &[Active]) -> impl Fn(Metric, EpochMillis) -> f64 {
    move |metric, ts| series((seed, n), metric, (ts, ts + ROUND), defects)[0]
}

/// What one metric of a device reports in the rounds of a script.
fn scripted(seed: u64, kind: DefectKind, metric: Metric) -> Vec<f64> {
    let rounds = kind.steps().unwrap_or(0);
    let round = |round: u32| {
        let defect = Active {
            kind,
            since: NOW,
            round,
        };
        let ts = NOW + i64::from(round) * ROUND;
        series((seed, 1), metric, (ts, ts + ROUND), &[defect])[0]
    };
    (0..rounds).map(round).collect()
}

proptest! {
    #[test]
    fn every_cause_is_told_from_the_others_and_from_rest(seed: u64, n in 1_u32..13, start in 0_i64..200_000) {
        let since = NOW + start * ROUND;
        for (kind, grown) in [
            (DefectKind::MaskLeak, 0),
            (DefectKind::PatientCondition, 1),
            (DefectKind::MechanicalWear, 1),
            // The filter needs three hours, is full after eight, and still is after twelve.
            (DefectKind::CloggedFilter, 3),
        ] {
            let defects = [active(kind, since)];
            // From an hour of which it has only the end, to one that begins somewhere within it.
            for hour in (start % 7 - 6..78).step_by(7) {
                let found = cause(n, since + hour * HOUR / 6, reported((seed, n), &defects));
                if hour >= 6 * grown {
                    prop_assert_eq!(found, Some(kind), "hour {}/6", hour);
                } else {
                    prop_assert!(found.is_none_or(|found| found == kind), "{:?} in hour {}/6 of {}", found, hour, kind);
                }
            }
        }
    }

    #[test]
    fn what_is_no_cause_is_taken_for_none(seed: u64, n in 1_u32..13, start in 0_i64..200_000) {
        let since = NOW + start * ROUND;
        prop_assert_eq!(cause(n, since, reported((seed, n), &[])), None);
        let stuck = [active(DefectKind::StuckSensor, since)];
        prop_assert_eq!(cause(n, since, reported((seed, n), &stuck)), None);
        for kind in DefectKind::ALL.into_iter().filter(|kind| kind.steps().is_some()) {
            let scripted = |metric, ts| {
                let round = u32::try_from((ts - since) / ROUND).ok();
                let round = round.filter(|round| ts >= since && kind.steps() > Some(*round));
                let defect = round.map(|round| Active { kind, since: ts, round });
                reported((seed, n), defect.as_slice())(metric, ts)
            };
            // From an hour that ends with the first round of the script to one that begins after its last.
            for round in (start % 4 - 11..14).step_by(4) {
                let found = cause(n, since + round * ROUND, scripted);
                prop_assert_eq!(found, None, "{}, {} rounds after its begin", kind, round);
            }
        }
    }

    #[test]
    fn a_worn_blower_scatters(seed: u64, n in 1_u32..13) {
        let scatter = |defects: &[Active]| {
            let hours = (2..26).map(|hour| {
                let from = NOW + hour * HOUR;
                deviation(&series((seed, n), Metric::Pressure, (from, from + HOUR), defects))
            });
            mean(&hours.collect::<Vec<_>>())
        };
        let ratio = scatter(&[active(DefectKind::MechanicalWear, NOW)]) / scatter(&[]);
        prop_assert!(ratio > 1.5, "{}", ratio);
    }

    #[test]
    fn a_clogged_filter_needs_ten_percent_more_pressure_in_three_hours_for_the_same_flow(seed: u64, n in 1_u32..13) {
        let defects = [active(DefectKind::CloggedFilter, NOW)];
        let hours: Vec<f64> = (0..4)
            .map(|hour| {
                let from = NOW + hour * HOUR;
                mean(&series((seed, n), Metric::Pressure, (from, from + HOUR), &defects))
            })
            .collect();
        prop_assert!(hours[3] / hours[0] > 1.1, "{:?}", hours);
        for metric in [Metric::FlowRate, Metric::FlowLevel] {
            let period = (NOW, NOW + 4 * HOUR);
            prop_assert_eq!(
                series((seed, n), metric, period, &defects),
                series((seed, n), metric, period, &[])
            );
        }
    }

    #[test]
    fn a_stuck_sensor_does_not_vary_and_a_spike_is_alone(seed: u64, n in 1_u32..13) {
        let period = (NOW, NOW + HOUR);
        let stuck = series((seed, n), Metric::Pressure, period, &[active(DefectKind::StuckSensor, NOW)]);
        prop_assert!(stuck.iter().all(|value| *value == stuck[0]), "{:?}", stuck);
        let free = series((seed, n), Metric::Pressure, period, &[]);
        prop_assert!(deviation(&free) > 0.05, "{:?}", free);
        prop_assert_eq!(stuck[0], free[0]);

        let spike = series((seed, n), Metric::Pressure, (NOW, NOW + ROUND), &[active(DefectKind::Spike, NOW)])[0];
        // More than ten times as far from the mean as anything at rest.
        let setting = device(n).pressure_setting;
        prop_assert!(spike - setting > 10.0 * 0.8, "{}", spike);
    }

    #[test]
    fn scripts_replace_their_metric_and_no_other(seed: u64) {
        let check = |kind, of, values: &[f64]| {
            assert_eq!(scripted(seed, kind, of), values);
            for metric in Metric::ALL.into_iter().filter(|metric| *metric != of) {
                let end = NOW + i64::try_from(values.len()).unwrap() * ROUND;
                assert_eq!(scripted(seed, kind, metric), series((seed, 1), metric, (NOW, end), &[]));
            }
        };
        check(
            DefectKind::FlowLevelDown,
            Metric::FlowLevel,
            &[60.0, 50.0, 40.0, 30.0, 20.0, 15.0, 10.0, 0.0],
        );
        check(
            DefectKind::PressureOscillate,
            Metric::Pressure,
            &[12.0, 16.0, 22.0, 21.0, 18.0, 15.0, 22.0, 19.0, 16.0, 13.0, 10.0],
        );
        check(
            DefectKind::FlowRateDown,
            Metric::FlowRate,
            &[2.5, 2.0, 1.0, 0.5, 0.0, 0.7, 1.4, 2.1, 1.3, 1.0, 0.7, 0.4, 0.1],
        );
    }
}

#[test]
fn defects_add_up() {
    let both = [
        active(DefectKind::MaskLeak, NOW),
        active(DefectKind::PressureOscillate, NOW),
    ];
    let at = |metric| series((1, 1), metric, (NOW, NOW + ROUND), &both)[0];
    assert_eq!(at(Metric::Pressure), 12.0, "the script replaces");
    let flow = at(Metric::FlowRate);
    assert!((flow - 2.5 * 1.5).abs() <= 0.4, "the leak lets out: {flow}");
}

#[test]
fn defects_of_delivery_show_in_time_and_number() {
    let simulator = Simulator::new(1);
    let device = device(1);
    let times = |kind: Option<DefectKind>| -> Vec<EpochMillis> {
        let mut bag = Mailbag::default();
        let defects: Vec<Active> = kind.map(|kind| active(kind, NOW)).into_iter().collect();
        (0..6)
            .flat_map(|round| {
                // The defect is over in the last round.
                let defects = if round == 5 { &[][..] } else { &defects };
                let readings = simulator.readings(&device, NOW + round * ROUND, defects);
                let passed = bag.pass(&device.device_id, readings, defects);
                let pressures = passed.into_iter().filter(|r| r.metric == Metric::Pressure);
                pressures.map(|r| r.ts - NOW).collect::<Vec<_>>()
            })
            .collect()
    };
    let rounds = |list: &[i64]| list.iter().map(|round| round * ROUND).collect::<Vec<_>>();
    assert_eq!(times(None), rounds(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(times(Some(DefectKind::Silence)), rounds(&[5]));
    assert_eq!(
        times(Some(DefectKind::DuplicateDelivery)),
        rounds(&[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
    );
    let behind = |round: i64| round * ROUND + CLOCK_SKEW;
    assert_eq!(
        times(Some(DefectKind::ClockSkew)),
        [
            behind(0),
            behind(1),
            behind(2),
            behind(3),
            behind(4),
            5 * ROUND
        ]
    );
    // Late readings come in order, and what was held comes when the defect is over.
    assert_eq!(
        times(Some(DefectKind::LateDelivery)),
        rounds(&[0, 1, 2, 3, 4, 5])
    );
    let mut bag = Mailbag::default();
    let late = [active(DefectKind::LateDelivery, NOW)];
    let delivered: Vec<usize> = (0..6)
        .map(|round| {
            let defects = if round == 5 { &[][..] } else { &late };
            let readings = simulator.readings(&device, NOW + round * ROUND, defects);
            bag.pass(&device.device_id, readings, defects).len() / 3
        })
        .collect();
    assert_eq!(delivered, [0, 0, 0, 1, 1, 4]);
}
