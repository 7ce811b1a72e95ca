//! Builds batches in main memory: augmentation, normalisation and mixup.

use std::sync::Arc;

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};
use marquee::Preprocess;
use rand::SeedableRng;
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::Beta;
use rayon::prelude::*;

use super::{TARGET_WEIGHTS, Targets};
use crate::data::augment::{Augmentation, normalised};
use crate::data::feature_maps::FeatureMaps;
use crate::data::posters::Poster;

/// A batch on a device.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// `[N, 3, height, width]`, normalised posters; or feature maps, if `part` is above 0.
    pub(crate) inputs: Tensor<4>,
    /// The part of the model that takes the inputs.
    pub(crate) part: usize,
    /// `[N, TARGET_WEIGHTS, genres]`, 0 or more; see [`Targets`].
    pub(crate) targets: Tensor<3>,
}

/// A batch in main memory.
pub(super) struct HostBatch {
    pub(super) inputs: TensorData,
    pub(super) targets: TensorData,
}

/// Everything that batches are made of, owned by the preparing thread.
pub(super) struct BatchBuilder {
    pub(super) posters: Arc<Vec<Poster>>,
    pub(super) input: Preprocess,
    pub(super) targets: Arc<Targets>,
    pub(super) features: Option<Arc<FeatureMaps>>,
    /// `None` for evaluation.
    pub(super) augmentation: Option<Augmentation>,
    pub(super) epoch: u64,
}

impl BatchBuilder {
    /// Builds the batch of the posters at `indices`. All randomness comes from `seed`.
    ///
    /// # Errors
    /// A poster cannot be read.
    pub(super) fn batch(&self, indices: &[usize], seed: u64) -> Result<HostBatch> {
        let generator = |stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            rng
        };
        // Each poster has its own stream, so that the threads can draw in any order. Stream 0 is mixup's.
        let mut inputs: Vec<Vec<f32>> = indices
            .par_iter()
            .enumerate()
            .map(|(position, &index)| self.input(index, &mut generator(position as u64 + 1)))
            .collect::<Result<_>>()?;
        let target = |&index: &usize| self.targets.of(index, &self.posters[index].row);
        let mut targets: Vec<Vec<f32>> = indices.iter().map(target).collect();
        if let Some(augmentation) = &self.augmentation
            && let Ok(weights) = Beta::new(augmentation.mixup, augmentation.mixup)
        {
            let weight: f32 = weights.sample(&mut generator(0)) as f32;
            mix_with_reversed(&mut inputs, weight);
            mix_with_reversed(&mut targets, weight);
        }
        let genres = targets.first().map_or(0, Vec::len) / TARGET_WEIGHTS;
        let target_shape = [indices.len(), TARGET_WEIGHTS, genres];
        let [channels, height, width] = match &self.features {
            Some(features) => features.shape,
            None => [3, self.input.height as usize, self.input.width as usize],
        };
        let shape = [indices.len(), channels, height, width];
        Ok(HostBatch {
            inputs: TensorData::new::<f32, _>(inputs.concat(), shape),
            targets: TensorData::new::<f32, _>(targets.concat(), target_shape),
        })
    }

    fn input(&self, index: usize, rng: &mut ChaCha8Rng) -> Result<Vec<f32>> {
        if let Some(features) = &self.features {
            return Ok(features.get(self.epoch, index));
        }
        normalised(self.augmentation.as_ref(), &self.posters[index].pixels, &self.input, rng)
    }
}

/// Blends the first row with the last, the second with the second last, and so on. Each row keeps `weight` of itself.
fn mix_with_reversed(rows: &mut [Vec<f32>], weight: f32) {
    let (front, back) = rows.split_at_mut(rows.len() / 2);
    for (a, b) in front.iter_mut().zip(back.iter_mut().rev()) {
        for (a, b) in a.iter_mut().zip(b) {
            (*a, *b) = (*b + (*a - *b) * weight, *a + (*b - *a) * weight);
        }
    }
}
