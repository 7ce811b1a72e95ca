//! Drawing resamples.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws as many posters as there are, with replacement, and returns how often each was drawn. The same seed and index
/// give the same resample.
pub(super) fn draw(posters: usize, seed: u64, index: u64) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index);
    let mut counts = vec![0; posters];
    for _ in 0..posters {
        counts[rng.random_range(0..posters)] += 1;
    }
    counts
}
