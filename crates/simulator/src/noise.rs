//! Noise as a pure function of its coordinates.

/// One independent source of noise, such as what makes a device differ from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice(u64);

impl Voice {
    /// The voice of a device in the story of this seed. Costs about as much as a reading, so a caller that has a few
    /// devices keeps it, and one that has very many makes it each time.
    pub fn new(seed: u64, device_id: &str) -> Self {
        // FNV-1a
        let name = device_id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self(scramble(seed ^ scramble(name)))
    }

    /// Another source, independent of this one.
    pub(crate) fn branch(self, index: u64) -> Self {
        Self(scramble(self.0 ^ scramble(index)))
    }

    /// Uniform in [-1, 1), independent for every `at`.
    pub(crate) fn at(self, at: i64) -> f64 {
        let bits = scramble(self.0 ^ scramble(at.cast_unsigned()));
        // 53 bits: as many as a double holds exactly.
        (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Uniform in [0, 1), one value per source.
    pub(crate) fn fraction(self) -> f64 {
        f64::midpoint(self.at(0), 1.0)
    }

    /// In [-1, 1), without jumps: random points every `period`, and a smooth curve between them.
    pub(crate) fn smooth(self, at: i64, period: i64) -> f64 {
        let cell = at.div_euclid(period);
        let x = at.rem_euclid(period) as f64 / period as f64;
        let weight = x * x * (3.0 - 2.0 * x);
        self.at(cell) * (1.0 - weight) + self.at(cell + 1) * weight
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn scramble(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_uniform_and_fills_its_range() {
        let voice = Voice::new(1, "DEV-P001");
        let values: Vec<_> = (0..100_000).map(|at| voice.at(at)).collect();
        let mean = values.iter().sum::<f64>() / 100_000.0;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / 100_000.0;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0 / 3.0).abs() < 0.01, "{variance}");
        assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
        assert!(values.iter().any(|v| *v < -0.999) && values.iter().any(|v| *v > 0.999));
    }

    #[test]
    fn smooth_noise_has_no_jumps() {
        let voice = Voice::new(1, "DEV-P001");
        // A step of 1/1000 of the period moves at most 2 (the range) * 1.5 (the steepest slope) / 1000.
        for at in -5_000..5_000 {
            let step = voice.smooth(at + 1, 1_000) - voice.smooth(at, 1_000);
            assert!(step.abs() <= 0.003 + 1e-9, "{step} at {at}");
        }
    }
}
