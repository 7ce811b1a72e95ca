//! The order of the posters in each epoch.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::posters::Poster;

/// Draws a new order for every epoch. The order depends on the seed and the epoch alone, so that a resumed run sees
/// the posters in the order of an uninterrupted one.
#[derive(Clone)]
pub(super) struct Sampler {
    seed: u64,
    epoch: Arc<AtomicU64>,
    /// The relative probability of drawing each poster; `None` draws each once per epoch.
    weights: Option<Arc<Vec<f64>>>,
}

/// The order of one epoch.
pub(super) struct Epoch {
    /// Indices of posters.
    pub(super) order: Vec<usize>,
    /// From 1.
    pub(super) epoch: u64,
    /// The seed of everything random in this epoch.
    pub(super) seed: u64,
}

impl Sampler {
    /// Samples with class balancing if `genre_balance` is above 0: a poster is then drawn with replacement, with a
    /// probability proportional to `frequency ^ -genre_balance` of its rarest genre.
    pub(super) fn new(
        seed: u64,
        first_epoch: usize,
        posters: &[Poster],
        frequencies: &[f32],
        genre_balance: f64,
    ) -> Self {
        let weights = (genre_balance > 0.0)
            .then(|| Arc::new(sampling_weights(posters, frequencies, genre_balance)));
        Self { seed, epoch: Arc::new(AtomicU64::new(first_epoch as u64)), weights }
    }

    /// Draws the order of the next epoch among the posters in `range`.
    pub(super) fn next_epoch(&self, range: Range<usize>) -> Epoch {
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(epoch);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = range.clone().collect();
        let weights = self.weights.as_deref().map(|weights| &weights[range.clone()]);
        match weights.map(WeightedIndex::new) {
            Some(Ok(weighted)) => order.fill_with(|| range.start + weighted.sample(&mut rng)),
            _ => order.shuffle(&mut rng),
        }
        Epoch { order, epoch, seed }
    }
}

fn sampling_weights(posters: &[Poster], frequencies: &[f32], genre_balance: f64) -> Vec<f64> {
    let rarest = |poster: &Poster| {
        let present = poster.row.labels.iter().zip(frequencies).filter(|(label, _)| **label);
        present.map(|(_, frequency)| f64::from(*frequency)).fold(1.0, f64::min)
    };
    posters.iter().map(|poster| rarest(poster).powf(-genre_balance)).collect()
}
