//! Random numbers that depend on nothing but the seed: the same on every platform.

/// The generator of Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators".
pub(super) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Draws `count` numbers below `limit`, with replacement.
    pub(super) fn draw(&mut self, limit: usize, count: usize) -> Vec<usize> {
        (0..count).map(|_| (self.next() % limit as u64) as usize).collect()
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
