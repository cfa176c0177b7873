//! Each defect shows in its own statistic, the one that `docs/simulator.md` names.

use hc_domain::{EpochMillis, Metric};
use hc_simulator::{Active, CLOCK_SKEW, DefectKind, Mailbag, Simulator};
use proptest::prelude::*;

use crate::support::{HOUR, NOW, ROUND, active, deviation, device, mean, series};

/// The cause that an hour of the three metrics points to, by the rule of the documentation.
fn cause(of: (u64, u32), hour: EpochMillis, defects: &[Active]) -> Option<DefectKind> {
    let relative = |metric, from| {
        let setting = device(of.1).setting(metric);
        mean(&series(of, metric, (from, from + HOUR), defects)) / setting - 1.0
    };
    let pressure = relative(Metric::Pressure, hour);
    let flow = relative(Metric::FlowRate, hour);
    let before = relative(Metric::Pressure, hour - 3 * HOUR);
    if flow > 0.15 {
        Some(DefectKind::MaskLeak)
    } else if flow < -0.15 && pressure > 0.08 {
        Some(DefectKind::PatientCondition)
    } else if flow < -0.15 && pressure < -0.08 {
        Some(DefectKind::MechanicalWear)
    } else if (1.0 + pressure) / (1.0 + before) > 1.1 && flow.abs() <= 0.15 {
        Some(DefectKind::CloggedFilter)
    } else {
        None
    }
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
        prop_assert_eq!(cause((seed, n), since, &[]), None);
        for kind in [
            DefectKind::MaskLeak,
            DefectKind::PatientCondition,
            DefectKind::MechanicalWear,
            DefectKind::CloggedFilter,
        ] {
            let defects = [active(kind, since)];
            // The filter needs three hours; the others have grown after one.
            for hour in 3..6 {
                prop_assert_eq!(cause((seed, n), since + hour * HOUR, &defects), Some(kind), "hour {}", hour);
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
