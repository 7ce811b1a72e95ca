//! The loaders of the training and the validation split, with soft labels and cached features.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use marquee::Model;

use crate::data::augment::Augmenter;
use crate::data::dataset::Dataset;
use crate::data::feature_maps::FeatureMaps;
use crate::data::loader::{Loader, Targets};
use crate::data::split::Split;
use crate::training::config::Config;
use crate::training::distillation;
use crate::training::features::Views;

/// One loader per split.
pub(crate) struct Loaders {
    pub(crate) train: Loader,
    pub(crate) valid: Loader,
}

/// Everything that the loaders are made of, besides the split.
pub(crate) struct LoaderSource<'a> {
    pub(crate) config: &'a Config,
    pub(crate) dataset: &'a Dataset,
    /// The model before training, whose frozen parts compute cached features.
    pub(crate) model: &'a Model,
    /// Each genre's frequency among the training posters.
    pub(crate) frequencies: Vec<f32>,
    /// The folder of cached features.
    pub(crate) features_dir: &'a Path,
    pub(crate) device: &'a Device,
}

impl LoaderSource<'_> {
    /// Returns the loaders for training that starts with epoch `first_epoch` (from 1).
    pub(crate) fn loaders(&self, split: Split, first_epoch: usize) -> Result<Loaders> {
        let Self { config, device, .. } = self;
        let (input, inference_input) = (&config.input, &config.inference_input());
        let targets = Targets {
            smoothing: config.loss.smoothing as f32,
            frequencies: self.frequencies.clone(),
            soft_labels: distillation::soft_labels(
                &config.distillation,
                self.dataset,
                &split.train,
                device,
            )?,
            soft_label_weight: config.distillation.weight as f32,
        };
        let augmenter = Augmenter { augmentation: &config.augment, from: inference_input };
        let train_features = self.features(&Views {
            posters: &split.train,
            count: config.cached_views,
            augmenter: Some(augmenter),
            input,
        })?;
        let valid_features = self.features(&Views {
            posters: &split.valid,
            count: 1,
            augmenter: None,
            input: inference_input,
        })?;
        let train = Loader::in_order(split.train, input, config.batch_size, device)
            .with_features(train_features)
            .shuffled(config.seed, first_epoch, augmenter, targets, config.genre_balance);
        let valid = Loader::in_order(split.valid, inference_input, config.batch_size, device)
            .with_features(valid_features);
        Ok(Loaders { train, valid })
    }

    /// Returns cached features if the configuration asks for them.
    fn features(&self, views: &Views<'_>) -> Result<Option<Arc<FeatureMaps>>> {
        if self.config.cached_views == 0 {
            return Ok(None);
        }
        let model = self.model.clone().valid();
        let features = views.features(&model, self.config, self.features_dir, self.device)?;
        Ok(Some(Arc::new(features)))
    }
}
