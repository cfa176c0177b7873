//! What all readings together look like.

use std::{collections::HashMap, time::Duration};

use hc_domain::{EpochMillis, Reading};
use hc_simulator::{Active, DefectKind, Mailbag, Pace, Simulator, StoryClock, story_time};
use proptest::prelude::*;

use crate::support::{NOW, device};

/// A round: how much wall time passes before it, and which defects begin or end with it, by device and kind.
type Step = (i64, Vec<(u32, usize)>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let switches = prop::collection::vec((1_u32..4, 0..DefectKind::ALL.len()), 0..3);
    prop::collection::vec((-400_000_i64..400_000, switches), 1..120)
}

/// The readings of three devices in the order of delivery, with the story time of their round.
fn stream(seed: u64, steps: &[Step]) -> Vec<(EpochMillis, Reading)> {
    let pace = Pace {
        backfill: Duration::from_secs(3_600),
        interval: Duration::from_secs(60),
    };
    let simulator = Simulator::new(seed);
    let mut now = NOW;
    let mut clock = StoryClock::begin(now, pace);
    let mut bag = Mailbag::default();
    let mut defects: HashMap<u32, Vec<Active>> = HashMap::new();
    let mut readings = Vec::new();
    for (pause, switches) in steps {
        now += pause;
        let ts = clock.advance(now);
        for &(n, kind) in switches {
            let kind = DefectKind::ALL[kind];
            let active = defects.entry(n).or_default();
            if active.iter().any(|defect| defect.kind == kind) {
                active.retain(|defect| defect.kind != kind);
            } else {
                active.push(Active {
                    kind,
                    since: ts,
                    round: 0,
                });
            }
        }
        for n in 1..=3 {
            let (device, defects) = (device(n), defects.entry(n).or_default());
            let round = simulator.readings(&device, ts, defects);
            let passed = bag.pass(&device.device_id, round, defects);
            readings.extend(passed.into_iter().map(|reading| (ts, reading)));
            for defect in defects.iter_mut() {
                defect.round += 1;
            }
            defects.retain(|defect| defect.kind.steps().is_none_or(|steps| defect.round < steps));
        }
    }
    readings
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_stream(seed: u64, steps in steps()) {
        prop_assert_eq!(stream(seed, &steps), stream(seed, &steps));
    }

    #[test]
    fn an_identity_has_one_value_and_comes_once_unless_delivery_is_duplicated(seed: u64, steps in steps()) {
        let mut seen: HashMap<_, (f64, usize)> = HashMap::new();
        for (_, reading) in stream(seed, &steps) {
            let identity = (reading.device_id, reading.metric, reading.ts);
            let (value, count) = seen.entry(identity).or_insert((reading.value, 0));
            prop_assert_eq!(*value, reading.value);
            *count += 1;
        }
        let duplicated = |(_, switches): &Step| {
            switches.iter().any(|(_, kind)| DefectKind::ALL[*kind] == DefectKind::DuplicateDelivery)
        };
        let limit = if steps.iter().any(duplicated) { 2 } else { 1 };
        prop_assert!(seen.values().all(|(_, count)| *count <= limit));
    }

    #[test]
    fn the_story_time_can_be_read_back_from_a_reading(seed: u64, steps in steps()) {
        let rounds: std::collections::HashSet<_> = stream(seed, &steps)
            .iter()
            .map(|(round, _)| *round)
            .collect();
        for (round, reading) in stream(seed, &steps) {
            let told = story_time(reading.ts);
            // At once, or in a round before when delivery is late.
            prop_assert!(told <= round && (rounds.contains(&told) || told < round));
        }
    }

    #[test]
    fn another_seed_device_or_metric_is_another_story(seed: u64) {
        let values = |seed, n| -> Vec<f64> {
            (0..20)
                .flat_map(|round| Simulator::new(seed).readings(&device(n), NOW + round * 300_000, &[]))
                .map(|reading| reading.value - device(n).setting(reading.metric))
                .collect()
        };
        let this = values(seed, 1);
        prop_assert_ne!(&this, &values(seed ^ 1, 1));
        prop_assert_ne!(&this, &values(seed, 4));
        let metric = |metric: usize, span: f64| -> Vec<i64> {
            this.iter().skip(metric).step_by(3).map(|value| (value / span * 10.0).round() as i64).collect()
        };
        prop_assert_ne!(metric(0, 0.8), metric(1, 0.4));
    }
}
