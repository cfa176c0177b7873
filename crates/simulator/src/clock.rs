//! Story time: the event time of simulated readings.

use std::time::Duration;

use hc_domain::EpochMillis;

/// How the story begins and advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first story time lies this long before now.
    pub backfill: Duration,
    /// Story time between two rounds of readings, until the story has caught up with real time.
    pub interval: Duration,
}

impl Pace {
    fn interval_ms(self) -> EpochMillis {
        even(millis(self.interval)).max(2)
    }
}

/// Gives each round of readings its time. It starts in the past, advances faster than real time until it has
/// caught up, then follows real time; it never goes backwards and never stands still, so two rounds never
/// share a time, also when the wall clock is set back.
///
/// Rounds are at even milliseconds. The odd ones belong to devices whose own clock is wrong
/// ([`DefectKind::ClockSkew`](crate::DefectKind::ClockSkew)), so such a device never repeats a time that it has
/// reported before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryClock {
    pace: Pace,
    /// Time of the latest round.
    last: EpochMillis,
}

impl StoryClock {
    /// A new story. Its first round lies `pace.backfill` before `now`, at a whole interval.
    pub fn begin(now: EpochMillis, pace: Pace) -> Self {
        let interval = pace.interval_ms();
        let first = (now - millis(pace.backfill)).div_euclid(interval) * interval;
        Self {
            pace,
            last: first - interval,
        }
    }

    /// Goes on after the round at `last`, which was stored or read back.
    pub fn resume(last: EpochMillis, pace: Pace) -> Self {
        Self {
            pace,
            last: even(last + 1),
        }
    }

    /// The story's present: time of the latest round. Before the first round it is one interval earlier
    /// than that. This is the value to store.
    pub fn time(&self) -> EpochMillis {
        self.last
    }

    /// Moves on to the next round and returns its time.
    pub fn advance(&mut self, now: EpochMillis) -> EpochMillis {
        self.last = self.after(now);
        self.last
    }

    /// Whether the next round happens in real time.
    pub fn has_caught_up(&self, now: EpochMillis) -> bool {
        self.last + self.pace.interval_ms() >= now
    }

    /// Story seconds per wall second, when a round takes `round` of wall time.
    pub fn speed(&self, now: EpochMillis, round: Duration) -> f64 {
        if self.has_caught_up(now) || round.is_zero() {
            1.0
        } else {
            self.pace.interval.as_secs_f64() / round.as_secs_f64()
        }
    }

    fn after(&self, now: EpochMillis) -> EpochMillis {
        let next = (self.last + self.pace.interval_ms()).min(even(now));
        next.max(self.last + 2)
    }
}

fn even(ts: EpochMillis) -> EpochMillis {
    ts & !1
}

fn millis(duration: Duration) -> EpochMillis {
    EpochMillis::try_from(duration.as_millis()).unwrap_or(EpochMillis::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        backfill: Duration::from_secs(180 * 86_400),
        interval: Duration::from_secs(300),
    };
    const NOW: EpochMillis = 1_790_000_123_456;

    #[test]
    fn catches_up_and_then_follows_real_time() {
        let mut clock = StoryClock::begin(NOW, PACE);
        let first = clock.advance(NOW);
        assert_eq!(
            first, 1_774_448_100_000,
            "180 days ago, at a whole interval"
        );
        assert_eq!(clock.advance(NOW), first + 300_000);
        // 300 s of story in a round of 3 s.
        assert!((clock.speed(NOW, Duration::from_secs(3)) - 100.0).abs() < 1e-9);

        let mut now = NOW;
        let mut rounds = 2;
        while !clock.has_caught_up(now) {
            now += 3_000;
            clock.advance(now);
            rounds += 1;
        }
        // 15552023 s of story behind, 297 s gained in each round.
        assert_eq!(rounds, 52_364);
        assert!((clock.speed(now, Duration::from_secs(3)) - 1.0).abs() < 1e-9);
        for _ in 0..10 {
            now += 3_000;
            assert_eq!(clock.advance(now), now & !1);
        }
    }

    #[test]
    fn a_resumed_clock_goes_on_where_the_stored_one_stopped() {
        let mut clock = StoryClock::begin(NOW, PACE);
        clock.advance(NOW);
        let mut resumed = StoryClock::resume(clock.time(), PACE);
        assert_eq!(resumed.advance(NOW + 60_000), clock.advance(NOW));
    }

    proptest! {
        #[test]
        fn never_goes_backwards_or_stands_still(
            steps in prop::collection::vec(-10_000_000_i64..10_000_000, 1..200),
            backfill_s in 0_u64..100_000,
            interval_ms in 0_u64..600_000,
        ) {
            let pace = Pace {
                backfill: Duration::from_secs(backfill_s),
                interval: Duration::from_millis(interval_ms),
            };
            let mut now = NOW;
            let mut clock = StoryClock::begin(now, pace);
            let mut before = clock.time();
            for (round, step) in steps.into_iter().enumerate() {
                now += step;
                if round % 7 == 6 {
                    clock = StoryClock::resume(clock.time(), pace);
                }
                let time = clock.advance(now);
                prop_assert!(time > before);
                prop_assert!(time <= now.max(before + 2), "never ahead of real time");
                prop_assert_eq!(time % 2, 0);
                prop_assert_eq!(time, clock.time());
                before = time;
            }
        }
    }
}
