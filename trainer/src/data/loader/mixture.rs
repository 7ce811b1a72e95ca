//! How often an epoch draws the main and the additional posters.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::data::additional::AdditionalConfig;

/// The training posters of a run, the main ones first, and how often they are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixture {
    /// Number of main posters.
    pub(crate) main: usize,
    /// Number of additional posters.
    pub(crate) additional: usize,
    /// How often an epoch draws each main poster, on average.
    pub(crate) main_repeat: f64,
    /// First epoch, from 1, that draws each main poster once and no additional one.
    pub(crate) main_only_from: usize,
}

impl Mixture {
    /// Returns a mixture of main posters alone.
    pub(crate) fn of_main(main: usize) -> Self {
        Self { main, additional: 0, main_repeat: 1.0, main_only_from: usize::MAX }
    }

    /// Returns the mixture of a run with this many epochs. Without additional posters, the configuration of the
    /// mixture has no effect.
    pub(crate) fn new(
        config: &AdditionalConfig,
        main: usize,
        additional: usize,
        epochs: usize,
    ) -> Self {
        if additional == 0 {
            return Self::of_main(main);
        }
        let main_only_from = epochs.saturating_sub(config.main_only_epochs) + 1;
        Self { main, additional, main_repeat: config.main_repeat, main_only_from }
    }

    /// Returns the number of posters that an epoch (from 1) draws.
    pub(crate) fn posters_in(&self, epoch: usize) -> usize {
        if epoch >= self.main_only_from {
            return self.main;
        }
        (self.main as f64 * self.main_repeat).round() as usize + self.additional
    }

    /// Returns how often an epoch draws the poster with this index, on average.
    pub(super) fn repeat(&self, epoch: usize, index: usize) -> f64 {
        match (epoch >= self.main_only_from, index < self.main) {
            (true, true) | (false, false) => 1.0,
            (true, false) => 0.0,
            (false, true) => self.main_repeat,
        }
    }

    /// Returns the posters that an epoch draws, in no particular order. Which posters are drawn for a fraction of
    /// `main_repeat` is random.
    pub(super) fn each(&self, epoch: usize, rng: &mut impl Rng) -> Vec<usize> {
        if epoch >= self.main_only_from {
            return (0..self.main).collect();
        }
        let count = self.posters_in(epoch) - self.additional;
        let mut order = Vec::with_capacity(count + self.additional);
        while order.len() + self.main <= count {
            order.extend(0..self.main);
        }
        if order.len() < count {
            let mut main: Vec<usize> = (0..self.main).collect();
            main.shuffle(rng);
            order.extend(main.into_iter().take(count - order.len()));
        }
        order.extend(self.main..self.main + self.additional);
        order
    }
}
