//! The configuration of a training run. Its doc comments are the reference that `trainer config` prints.
//!
//! | file | contents |
//! |---|---|
//! | `resolve` | from a named or written configuration, `extends` and `--set` to a [`Config`] |
//! | `check` | ranges and combinations of values |
//! | `architecture_keys` | misspelt keys of `[architecture]` |
//! | `saved` | the copies in a run folder and in a manifest |
//! | `reference` | `trainer config`: a commented configuration, and the table of all keys |

mod architecture_keys;
mod check;
pub(crate) mod reference;
mod resolve;
mod saved;

use std::path::{Path, PathBuf};

use anyhow::Result;
use marquee::{Architecture, Preprocess};
use serde::{Deserialize, Serialize};

use crate::data::additional::AdditionalConfig;
use crate::data::augment::Augmentation;
use crate::data::dataset::Dataset;
use crate::data::posters::Resolution;
use crate::documented::documented;
use crate::training::loss::LossConfig;
pub(crate) use resolve::Overrides;

documented! {
    /// A resolved training configuration.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Config {
        /// Name or file of the configuration; set by `--config`.
        #[serde(default)]
        pub(crate) name: String,
        /// Absolute path of the poster folder; set by `--data`.
        #[serde(default)]
        pub(crate) data: PathBuf,
        /// Absolute path of the pretrained weights; set by `--pretrained`.
        pub(crate) pretrained: Option<PathBuf>,
        /// Whether to leave out posters whose image is missing or damaged; set by `--skip-bad`.
        #[serde(default)]
        pub(crate) skip_bad: bool,
        /// Number of rows of train.csv to use, from the top. Unset: all.
        pub(crate) limit: Option<usize>,
        /// Column of train.csv that marks missing data and is no genre: in rows where it is 1, the absent genres are
        /// unknown. Without such a column, it has no effect.
        pub(crate) missing_genre: Option<String>,
        /// Largest number of passes over the training posters.
        pub(crate) epochs: usize,
        /// Posters per optimiser step, on each device.
        pub(crate) batch_size: usize,
        /// Peak learning rate, of the head; see `optimiser.part_decay` for the other parts.
        pub(crate) learning_rate: f64,
        /// Random seed of the poster order, the initial weights and dropout, and of the split unless `split_seed` is
        /// set.
        pub(crate) seed: u64,
        /// Random seed of the split alone, so that runs with different seeds are evaluated on the same posters.
        pub(crate) split_seed: Option<u64>,
        /// Whether to keep near-duplicate posters in the same split. New runs default to true. Runs from before this
        /// key existed have no value and keep their split.
        #[serde(default)]
        pub(crate) group_near_duplicates: bool,
        /// Fraction of the posters in the validation split, which selects the best epoch and fits calibration and
        /// thresholds, above 0 and below 1.
        pub(crate) valid_share: f64,
        /// Fraction of the posters in the test split, which is used for the reported metrics alone, 0..1. With 0, the
        /// validation split serves for both.
        #[serde(default)]
        pub(crate) test_share: f64,
        /// Number of parts of the model, from the front, whose weights are not trained. Without `--pretrained`, only
        /// `--set frozen_parts=N` freezes parts, because random weights must learn.
        #[serde(default)]
        pub(crate) frozen_parts: usize,
        /// Number of augmented views of each poster for which the outputs of the frozen parts are computed once and
        /// cached on disk. 0 turns caching off.
        #[serde(default)]
        pub(crate) cached_views: usize,
        /// Decay per step of the exponential moving average (EMA) of the weights, 0..1. The averaged weights are
        /// evaluated and exported. 0 turns averaging off.
        #[serde(default)]
        pub(crate) ema_decay: f64,
        /// Exponent of class-balanced sampling, 0 or more: a poster whose rarest genre has frequency f is drawn with
        /// a probability proportional to f^-genre_balance. With 0, each poster is drawn once per epoch.
        #[serde(default)]
        pub(crate) genre_balance: f64,
        /// The metric on the validation split that selects the best epoch: `loss` (lowest binary cross-entropy) or
        /// `mean-average-precision` (highest).
        #[serde(default)]
        pub(crate) selection_metric: SelectionMetric,
        /// Early stopping: the number of epochs without improvement after which training ends. Unset: never.
        pub(crate) patience: Option<usize>,
        /// Number of optimiser steps per row of `steps.csv`, the step-level log. 0 turns it off.
        #[serde(default = "default_log_steps")]
        pub(crate) log_steps: usize,
        /// The model.
        pub(crate) architecture: Architecture,
        /// The input of the model in training.
        pub(crate) input: Preprocess,
        /// Factor, 0.5 to 2, by which the input is larger in evaluation and in the exported model. Random crops show
        /// everything larger than whole posters do, and a larger input makes up for it (Touvron et al. 2019, "Fixing
        /// the train-test resolution discrepancy").
        #[serde(default = "same_size")]
        pub(crate) inference_scale: f64,
        /// Training posters are kept at their own resolution, but at most this factor larger than `input`, from 0.5 to
        /// 8, and crops are cut from them. Posters that would take more than 256 MB are kept in a temporary file in
        /// the run folder. Unset, as in runs from before this key existed: they are kept at the size of evaluation.
        #[serde(default)]
        pub(crate) stored_scale: Option<f64>,
        /// The optimiser.
        #[serde(default)]
        pub(crate) optimiser: OptimiserConfig,
        /// The loss.
        #[serde(default)]
        pub(crate) loss: LossConfig,
        /// Augmentation of the training posters.
        #[serde(default)]
        pub(crate) augment: Augmentation,
        /// Distillation.
        #[serde(default)]
        pub(crate) distillation: DistillationConfig,
        /// Additional data.
        #[serde(default)]
        pub(crate) additional: AdditionalConfig,
    }
}

/// The validation metric that selects the best epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SelectionMetric {
    /// Lowest binary cross-entropy.
    #[default]
    Loss,
    /// Highest mean average precision.
    #[serde(alias = "ranking")] // its former name
    MeanAveragePrecision,
}

documented! {
    /// AdamW (Loshchilov and Hutter 2019) and the schedule of its learning rate.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct OptimiserConfig {
        /// Decoupled weight decay: each step subtracts this fraction of a weight, times the learning rate.
        pub(crate) weight_decay: f64,
        /// Adam's epsilon, which keeps its divisor above 0.
        pub(crate) epsilon: f64,
        /// Warm-up: the number of epochs, not necessarily whole, in which the learning rate rises linearly from 0.
        pub(crate) warmup_epochs: f64,
        /// Learning rate after the warm-up: `constant`, or `cosine` (half a cosine down to 0 at the last step;
        /// Loshchilov and Hutter 2017, "SGDR").
        pub(crate) schedule: Schedule,
        /// Layer-wise learning-rate decay: the learning rate of a part relative to that of the next part, above 0 and
        /// up to 1. Early layers detect edges and colours, which posters share with ImageNet.
        pub(crate) part_decay: f64,
        /// Gradient clipping: the largest norm of the gradient of one tensor. Unset: no clipping.
        pub(crate) clip_norm: Option<f64>,
    }
}

impl Default for OptimiserConfig {
    /// Returns plain Adam with Keras's epsilon, as in the original notebook.
    fn default() -> Self {
        Self {
            weight_decay: 0.0,
            epsilon: 1e-7,
            warmup_epochs: 0.0,
            schedule: Schedule::Constant,
            part_decay: 1.0,
            clip_norm: None,
        }
    }
}

/// The learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Schedule {
    Constant,
    Cosine,
}

documented! {
    /// Distillation (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network").
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct DistillationConfig {
        /// Folders of the teachers: runs or bundles, which are calibrated. Their mean probabilities are the soft
        /// labels.
        pub(crate) teachers: Vec<PathBuf>,
        /// Files of soft labels, .csv, .parquet or .safetensors, as `trainer predict --data DIR --soft-labels soft.csv`
        /// writes them.
        /// Each counts as one more teacher.
        pub(crate) soft_labels: Vec<PathBuf>,
        /// Weight of the soft labels in the loss, 0..=1; the labels have the rest. A poster without soft labels
        /// learns from its labels alone, an unknown label from the soft label alone.
        pub(crate) weight: f64,
    }
}

fn default_log_steps() -> usize {
    10
}

fn same_size() -> f64 {
    1.0
}

impl Config {
    /// Unfreezes the parts that `frozen_parts` would freeze at random weights, unless a `KEY=VALUE` in `set` or cached
    /// features ask for it, and returns what to tell the user.
    pub(crate) fn unfreeze_random_parts(&mut self, set: &[String]) -> Option<String> {
        let frozen = self.frozen_parts;
        if self.pretrained.is_some() || frozen == 0 {
            return None;
        }
        let is_set = |setting: &String| {
            setting.split_once('=').is_some_and(|(key, _)| key.trim() == "frozen_parts")
        };
        if set.iter().any(is_set) || self.cached_views > 0 {
            return Some(format!(
                "warning: without --pretrained, the {frozen} frozen parts keep their random weights"
            ));
        }
        self.frozen_parts = 0;
        Some(format!(
            "note: without --pretrained, all parts are trained, because the {frozen} that the \
             configuration freezes have random weights; --set frozen_parts={frozen} freezes them anyway"
        ))
    }

    /// Reads the labels of a folder of posters as this configuration asks for.
    pub(crate) fn dataset(&self, data: &Path) -> Result<Dataset> {
        let dataset = Dataset::read(data, self.limit)?;
        Ok(dataset.with_missing_genre(self.missing_genre.as_deref()))
    }

    /// Returns the seed of the splits.
    pub(crate) fn split_seed(&self) -> u64 {
        self.split_seed.unwrap_or(self.seed)
    }

    /// Returns the input of the model in evaluation and after export.
    pub(crate) fn inference_input(&self) -> Preprocess {
        self.scaled_input(self.inference_scale)
    }

    /// Returns the size at which training posters are kept.
    pub(crate) fn resolution(&self) -> Resolution {
        match self.stored_scale {
            Some(scale) => Resolution::AtMost(self.scaled_input(scale)),
            None => Resolution::Input(self.inference_input()),
        }
    }

    fn scaled_input(&self, scale: f64) -> Preprocess {
        let scaled = |side: u32| (f64::from(side) * scale).round() as u32;
        let Preprocess { width, height, .. } = self.input;
        Preprocess { width: scaled(width), height: scaled(height), ..self.input.clone() }
    }
}

/// Returns whether a model accepts posters of any size, not only of the size that it was built for.
pub(crate) fn accepts_any_size(architecture: &Architecture) -> bool {
    !matches!(architecture, Architecture::SeedCnn(_))
}
