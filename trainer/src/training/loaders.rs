//! The loaders of the training and the validation split, with soft labels and cached features.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use marquee::Model;

use crate::data::feature_maps::FeatureMaps;
use crate::data::loader::{Loader, Mixture, Targets, TruncatedLabels};
use crate::data::soft_labels::SoftLabels;
use crate::data::split::Split;
use crate::training::config::Config;
use crate::training::features::Views;

/// One loader per split.
pub(crate) struct Loaders {
    pub(crate) train: Loader,
    pub(crate) valid: Loader,
}

/// Everything that the loaders are made of, besides the split.
pub(crate) struct LoaderSource<'a> {
    pub(crate) config: &'a Config,
    /// The model before training, whose frozen parts compute cached features.
    pub(crate) model: &'a Model,
    /// Each genre's frequency among the training posters.
    pub(crate) frequencies: Vec<f32>,
    /// The teachers' soft labels of the training posters.
    pub(crate) soft_labels: SoftLabels,
    /// How often the posters are drawn.
    pub(crate) mixture: Mixture,
    /// The folder of cached features.
    pub(crate) features_dir: &'a Path,
    pub(crate) device: &'a Device,
}

impl LoaderSource<'_> {
    /// Returns the loaders for training that starts with epoch `first_epoch` (from 1).
    pub(crate) fn loaders(&self, split: Split, first_epoch: usize) -> Result<Loaders> {
        let Self { config, device, .. } = self;
        let Split { mut train, mut valid, additional, .. } = split;
        let truncated = TruncatedLabels {
            first: train.len(),
            weight: config.additional.truncated_weight as f32,
        };
        train.extend(additional.train);
        // A poster without any known label would count as wrong in the accuracy.
        valid.retain(|poster| poster.row.unknown() < poster.row.labels.len());
        let (input, inference_input) = (&config.input, &config.inference_input());
        let targets = Targets {
            label_weight: 1.0,
            smoothing: config.loss.smoothing as f32,
            frequencies: self.frequencies.clone(),
            soft_labels: self.soft_labels.clone(),
            soft_label_weight: config.distillation.weight as f32,
            truncated: Some(truncated),
        };
        let train_features = self.features(&Views {
            posters: &train,
            count: config.cached_views,
            augmentation: Some(&config.augment),
            input,
        })?;
        let valid_features = self.features(&Views {
            posters: &valid,
            count: 1,
            augmentation: None,
            input: inference_input,
        })?;
        let train = Loader::in_order(train, input, config.batch_size, device)
            .with_features(train_features)
            .shuffled(
                config.seed,
                first_epoch,
                &config.augment,
                targets,
                self.mixture,
                config.genre_balance,
            );
        let valid = Loader::in_order(valid, inference_input, config.batch_size, device)
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
