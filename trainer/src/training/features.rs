//! Computes the outputs of a model's frozen parts once, for several augmented views of each poster, and caches them on
//! disk. Training on a CPU then takes minutes instead of hours, but the frozen parts never change.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use marquee::model::EfficientNetLite;
use marquee::{Model, Preprocess};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::data::augment::{Augmentation, normalised};
use crate::data::feature_maps::{FeatureMaps, read_values, write_values};
use crate::data::posters::Poster;
use crate::formats::pretrained;
use crate::inference;
use crate::training::config::Config;

/// The posters and views for which features are needed.
pub(crate) struct Views<'a> {
    pub(crate) posters: &'a [Poster],
    /// Number of views of each poster.
    pub(crate) count: usize,
    /// `None` leaves the posters as they are, so that one view is enough.
    pub(crate) augmentation: Option<&'a Augmentation>,
    /// The input of the model.
    pub(crate) input: &'a Preprocess,
}

impl Views<'_> {
    /// Reads the features from `dir`, or computes them with the frozen parts of `model` and writes them there.
    ///
    /// # Errors
    /// The model cannot be divided into parts, or the features cannot be computed or written.
    pub(crate) fn features(
        &self,
        model: &Model,
        config: &Config,
        dir: &Path,
        device: &Device,
    ) -> Result<FeatureMaps> {
        let Model::EfficientNetLite(lite) = model else {
            bail!("cached_views: {} has no parts to freeze", config.architecture.name());
        };
        let path = dir.join(format!("{}.f16", self.cache_key(config)?));
        let [height, width] = [self.input.height as usize, self.input.width as usize];
        let blank = Tensor::zeros([1, 3, height, width], device);
        let [_, channels, height, width] = lite.run(0..config.frozen_parts, blank).dims();
        let posters = self.posters.len();
        let length = self.count * posters * channels * height * width;

        let values = match read_values(&path, length) {
            Some(values) => {
                println!("reading features from {}", path.display());
                values
            }
            None => {
                let values = self.compute(lite, config, device)?;
                ensure!(
                    values.len() == length,
                    "computed {} feature values, expected {length}",
                    values.len()
                );
                write_values(&path, &values)?;
                values
            }
        };
        Ok(FeatureMaps::new(config.frozen_parts, [channels, height, width], posters, values))
    }

    /// Returns a hash of everything that the features depend on.
    fn cache_key(&self, config: &Config) -> Result<String> {
        let mut hasher = Sha256::new();
        let weights = config.pretrained.as_deref().map(pretrained::bytes).transpose()?;
        hasher.update(weights.unwrap_or_default());
        // Mixup is left out because it blends features, not posters.
        let augmentation = self.augmentation.map(|augmentation| {
            (Augmentation { mixup: 0.0, ..*augmentation }, config.resolution())
        });
        hasher.update(serde_json::to_vec(&(
            (config.architecture.name(), self.input, config.frozen_parts, config.seed),
            (self.count, augmentation),
        ))?);
        self.posters.iter().for_each(|poster| hasher.update(poster.hash));
        let hash = hasher.finalize();
        Ok(hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Computes the features in the layout `[views][posters][channels][height][width]`.
    fn compute(
        &self,
        lite: &EfficientNetLite,
        config: &Config,
        device: &Device,
    ) -> Result<Vec<f16>> {
        let input = self.input;
        let mut values = Vec::new();
        // Posters so far, over all views.
        let mut done = 0;
        for view in 0..self.count {
            values.extend(inference::map_batches("computing features", self.posters, |batch| {
                let inputs: Vec<Vec<f32>> = batch
                    .par_iter()
                    .enumerate()
                    .map(|(index, poster)| {
                        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
                        rng.set_stream((view * self.posters.len() + done + index) as u64);
                        normalised(self.augmentation, &poster.pixels, input, &mut rng)
                    })
                    .collect::<Result<_>>()?;
                done += batch.len();
                let shape = [batch.len(), 3, input.height as usize, input.width as usize];
                let inputs = TensorData::new::<f32, _>(inputs.concat(), shape);
                let features = lite.run(0..config.frozen_parts, Tensor::from_data(inputs, device));
                let features: Vec<f32> = features.try_into_vec_as()?;
                Ok(features.into_iter().map(f16::from_f32).collect())
            })?);
        }
        Ok(values)
    }
}
