//! The options of a fine-tuning, their defaults and ranges.

use serde::{Deserialize, Serialize};

use super::rejected;
use crate::error::Result;

/// The part of the model that is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// The linear head.
    Head,
    /// The head, and the last stage of blocks with the convolution that follows it, at a tenth of the learning
    /// rate.
    LastStage,
}

/// The options of a fine-tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct FineTuneOptions {
    /// The part of the model that is trained.
    pub depth: Depth,
    /// Optimiser steps.
    pub steps: usize,
    /// Posters per step, 1..=4096, drawn with replacement.
    pub batch_size: usize,
    /// Posters that go through the last stage at once, 1..=4096. Gradients are accumulated, so that a batch may
    /// be larger than the device's memory allows; apart from rounding, the result is the same.
    pub micro_batch_size: usize,
    /// Adam's learning rate for the head. The last stage uses a tenth of it.
    pub learning_rate: f64,
    /// Strength of the L2-SP penalty, which pulls the weights of existing genres, and of the last stage,
    /// towards their initial values. 0 turns it off.
    pub pull: f64,
    /// Strength of the weight decay of new genres, which pulls their weights towards 0.
    pub decay: f64,
    /// How much a genre's rarer label is weighted up, 0..=1: at 0 not at all, at 1 until its positives and
    /// negatives count the same. At most by a factor of 10.
    pub balance: f64,
    /// Views of each poster, 1..=6: the poster itself, its mirror image, then crops.
    pub views: usize,
    /// Folds of the cross-validation, at most 100. With [`Depth::Head`], each fold is evaluated by a head that
    /// did not learn from it. With [`Depth::LastStage`] only the first fold is held out. Below 2, nothing is.
    pub folds: usize,
    /// Seed of the random draws.
    pub seed: u64,
}

impl Default for FineTuneOptions {
    fn default() -> Self {
        Self {
            depth: Depth::Head,
            steps: 200,
            batch_size: 32,
            micro_batch_size: 8,
            learning_rate: 1e-3,
            pull: 1.0,
            decay: 2.0,
            balance: 0.0,
            views: 2,
            folds: 5,
            seed: 1,
        }
    }
}

impl FineTuneOptions {
    /// Checks that all options are in range.
    pub(super) fn check(&self) -> Result<()> {
        let Self { learning_rate, pull, decay, balance, views, .. } = *self;
        let numbers = [("learningRate", learning_rate), ("pull", pull), ("decay", decay)];
        if let Some((name, value)) = numbers.iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
            return Err(rejected(format!("{name} is {value}, but must be a number from 0 up")));
        }
        if !(0.0..=1.0).contains(&balance) {
            return Err(rejected(format!("balance is {balance}, but must be from 0 to 1")));
        }
        let sizes = [("batchSize", self.batch_size), ("microBatchSize", self.micro_batch_size)];
        if let Some((name, size)) = sizes.iter().find(|(_, size)| !(1..=4096).contains(size)) {
            return Err(rejected(format!("{name} is {size}, but must be from 1 to 4096")));
        }
        if !(1..=6).contains(&views) {
            return Err(rejected(format!("views is {views}, but must be from 1 to 6")));
        }
        if self.folds > 100 {
            return Err(rejected(format!("folds is {}, but must be at most 100", self.folds)));
        }
        Ok(())
    }

    /// Returns the number of heads that are trained side by side: the one that is kept, and one per fold of the
    /// cross-validation.
    pub(super) fn heads(&self) -> usize {
        match self.depth {
            Depth::Head if self.folds >= 2 => self.folds + 1,
            _ => 1,
        }
    }
}
