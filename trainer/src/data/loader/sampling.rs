//! The order of the posters in each epoch.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::mixture::Mixture;
use crate::data::posters::Poster;

/// Draws a new order for every epoch. The order depends on the seed and the epoch alone, so that a resumed run sees
/// the posters in the order of an uninterrupted one.
#[derive(Clone)]
pub(super) struct Sampler {
    seed: u64,
    epoch: Arc<AtomicU64>,
    mixture: Mixture,
    /// The relative probability of drawing each poster; `None` draws each as often as `mixture` says.
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
        mixture: Mixture,
        posters: &[Poster],
        frequencies: &[f32],
        genre_balance: f64,
    ) -> Self {
        let weights = (genre_balance > 0.0)
            .then(|| Arc::new(sampling_weights(posters, frequencies, genre_balance)));
        Self { seed, epoch: Arc::new(AtomicU64::new(first_epoch as u64)), mixture, weights }
    }

    /// Returns a sampler that starts with the same epoch and counts its epochs by itself.
    pub(super) fn with_own_epochs(&self) -> Self {
        let epoch = Arc::new(AtomicU64::new(self.epoch.load(Ordering::Relaxed)));
        Self { epoch, ..self.clone() }
    }

    /// Draws the order of the next epoch. `range` is the share of one device, among the positions of the first
    /// epoch; in an epoch of another length, the share is as large a part of it.
    pub(super) fn next_epoch(&self, range: Range<usize>) -> Epoch {
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(epoch);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order = self.draw(epoch as usize, &mut rng);
        let positions = self.mixture.posters_in(1).max(1);
        let scaled = |position: usize| position * order.len() / positions;
        let (start, end) = (scaled(range.start), scaled(range.end));
        order.truncate(end);
        order.drain(..start);
        Epoch { order, epoch, seed }
    }

    /// Draws the posters of an epoch, of all devices.
    fn draw(&self, epoch: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let Some(weights) = &self.weights else {
            let mut order = self.mixture.each(epoch, rng);
            order.shuffle(rng);
            return order;
        };
        let weights = weights.iter().enumerate();
        let weights = weights.map(|(index, weight)| weight * self.mixture.repeat(epoch, index));
        let count = self.mixture.posters_in(epoch);
        match WeightedIndex::new(weights) {
            Ok(weighted) => (0..count).map(|_| weighted.sample(rng)).collect(),
            Err(_) => Vec::new(), // there is no poster
        }
    }
}

fn sampling_weights(posters: &[Poster], frequencies: &[f32], genre_balance: f64) -> Vec<f64> {
    let rarest = |poster: &Poster| {
        let labels = poster.row.labels.iter().zip(frequencies);
        let present = labels.filter(|(label, _)| **label == Some(true));
        present.map(|(_, frequency)| f64::from(*frequency)).fold(1.0, f64::min)
    };
    posters.iter().map(|poster| rarest(poster).powf(-genre_balance)).collect()
}

#[cfg(test)]
mod tests {
    use marquee::Pixels;
    use marquee::metrics::LabelRow;

    use super::*;

    fn posters(labels: &[[Option<bool>; 2]]) -> Vec<Poster> {
        let poster = |labels: &[Option<bool>; 2]| Poster {
            row: LabelRow { id: "film".into(), labels: labels.to_vec() },
            pixels: Pixels::from_fn(0, 0, |_, _| [0; 3]).into(),
            hash: [0; 32],
        };
        labels.iter().map(poster).collect()
    }

    fn sampler(mixture: Mixture, posters: &[Poster], genre_balance: f64) -> Sampler {
        Sampler::new(7, 1, mixture, posters, &[0.01, 0.81], genre_balance)
    }

    fn counts(order: &[usize], posters: usize) -> Vec<usize> {
        (0..posters).map(|index| order.iter().filter(|&&drawn| drawn == index).count()).collect()
    }

    #[test]
    fn every_epoch_draws_each_poster_once_in_an_order_of_its_own() {
        let posters = posters(&[[Some(true), Some(false)]; 50]);
        let sampler = sampler(Mixture::of_main(50), &posters, 0.0);
        let (first, second) = (sampler.next_epoch(0..50), sampler.next_epoch(0..50));
        assert_eq!(counts(&first.order, 50), [1; 50]);
        assert_eq!(counts(&second.order, 50), [1; 50]);
        assert_ne!(first.order, second.order);
        assert_eq!((first.epoch, second.epoch), (1, 2));
    }

    #[test]
    fn a_resumed_run_draws_the_orders_of_an_uninterrupted_one() {
        let posters = posters(&[[Some(true), Some(false)]; 50]);
        for balance in [0.0, 0.5] {
            let uninterrupted = sampler(Mixture::of_main(50), &posters, balance);
            uninterrupted.next_epoch(0..50);
            let resumed =
                Sampler::new(7, 2, Mixture::of_main(50), &posters, &[0.01, 0.81], balance);
            assert_eq!(uninterrupted.next_epoch(0..50).order, resumed.next_epoch(0..50).order);
        }
    }

    #[test]
    fn the_devices_of_an_epoch_share_its_posters() {
        let posters = posters(&[[Some(true), Some(false)]; 50]);
        let one = sampler(Mixture::of_main(50), &posters, 0.0);
        let other = one.with_own_epochs();
        for epoch in [1, 2] {
            let (a, b) = (one.next_epoch(0..20), other.next_epoch(20..50));
            assert_eq!((a.epoch, b.epoch), (epoch, epoch));
            assert_eq!((a.order.len(), b.order.len()), (20, 30));
            assert_eq!(counts(&[a.order, b.order].concat(), 50), [1; 50]);
        }
    }

    #[test]
    fn balanced_sampling_draws_posters_by_the_frequency_of_their_rarest_known_genre() {
        let rows = [[Some(true), Some(true)], [Some(false), Some(true)], [None, Some(true)]];
        let posters = posters(&rows.repeat(1000));
        let sampler = sampler(Mixture::of_main(3000), &posters, 0.5);
        let order = sampler.next_epoch(0..3000).order;
        let share = |kind| order.iter().filter(|&index| index % 3 == kind).count() as f64 / 3e3;
        // 0.01 ^ -0.5 : 0.81 ^ -0.5 : 0.81 ^ -0.5 = 9 : 1 : 1.
        for (kind, expected) in [(0, 9.0 / 11.0), (1, 1.0 / 11.0), (2, 1.0 / 11.0)] {
            assert!((share(kind) - expected).abs() < 0.03, "{kind}: {}", share(kind));
        }
    }

    #[test]
    fn main_posters_are_repeated_and_the_last_epochs_draw_them_alone() {
        let posters = posters(&[[Some(true), Some(false)]; 30]);
        let mixture = Mixture { main: 10, additional: 20, main_repeat: 2.5, main_only_from: 3 };
        for balance in [0.0, 0.5] {
            let sampler = sampler(mixture, &posters, balance);
            let epochs: Vec<Vec<usize>> = (0..3).map(|_| sampler.next_epoch(0..45).order).collect();
            let lengths: Vec<usize> = epochs.iter().map(Vec::len).collect();
            assert_eq!(lengths, [45, 45, 10]);
            assert!(epochs[2].iter().all(|&index| index < 10));
            if balance == 0.0 {
                let drawn = counts(&epochs[0], 30);
                assert!(drawn[..10].iter().all(|count| (2..=3).contains(count)), "{drawn:?}");
                assert_eq!(drawn[10..], [1; 20]);
                // Which posters are drawn a third time differs between epochs.
                assert_ne!(drawn, counts(&epochs[1], 30));
                assert_eq!(counts(&epochs[2], 10), [1; 10]);
            }
        }
    }
}
