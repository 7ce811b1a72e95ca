//! Fine-tuning: trains a shipped model further on a few posters, natively and in a browser with the same code.
//!
//! The front of the model is frozen, so its output for each poster is computed once (`features.rs`). Only the
//! linear head is trained (`head.rs`), which takes milliseconds per step on any device, or the last stage as
//! well (`last_stage.rs`). The trained weights are pulled towards their initial values, so that a handful of
//! posters does not make the other genres worse (L2-SP; Li et al. 2018, "Explicit Inductive Bias for Transfer
//! Learning with Convolutional Networks").
//!
//! With few posters, a small held-out part says little. Heads are cheap, so a cross-validation is trained along
//! with the head that is kept: one more head per fold, which does not learn from that fold. All heads are
//! columns of one matrix, so a step costs hardly more than for one.

mod features;
mod folds;
mod head;
mod last_stage;
mod options;
mod random;
mod report;
mod trainer;
mod training_set;

use burn::tensor::Tensor;

use crate::bundle::{Bundle, Genre, Manifest};
use crate::error::{Error, Result};
use crate::image::{Pixels, Preprocess};
use crate::metrics::sigmoid;
use crate::model::{Model, read};

pub use options::{Depth, FineTuneOptions};
pub use report::{Comparison, FineTuneReport, GenreReport};

use features::FeatureCache;
use random::SplitMix64;
use report::HeldOut;
use trainer::Trainer;
use training_set::TrainingSet;

/// Threshold of a new genre, until a better one is known.
const NEW_THRESHOLD: f32 = 0.5;

/// A poster's labels in the order of [`FineTuner::genres`]; `None` if unknown.
pub type PartialLabels = Vec<Option<bool>>;

/// Fine-tunes a bundle: [`add`](Self::add) posters, take [`step`](Self::step)s, [`evaluate`](Self::evaluate),
/// and get the new [`bundle`](Self::bundle).
///
/// ```no_run,ignore-wasm32
/// # async fn example(poster: marquee::Pixels) -> marquee::Result<()> {
/// use burn::tensor::Device;
/// use marquee::{Bundle, FineTuneOptions, FineTuner};
///
/// let bundle = Bundle::read("www/model", &Device::flex())?;
/// let options = FineTuneOptions { steps: 100, ..Default::default() };
/// let mut tuner = FineTuner::new(bundle, &["Noir".into()], options)?;
/// let labels = tuner.genres().map(|genre| (genre == "Noir").then_some(true)).collect();
/// tuner.add(&[(poster, labels)]).await?;
/// let loss = tuner.step(100).await?;
/// let tuned = tuner.bundle();
/// # Ok(())
/// # }
/// ```
pub struct FineTuner {
    manifest: Manifest,
    options: FineTuneOptions,
    /// Number of genres that the model had before.
    known_genres: usize,
    features: FeatureCache,
    trainer: Trainer,
    /// Built from the features at the first step.
    training_set: Option<TrainingSet>,
    steps_taken: usize,
    random: SplitMix64,
}

impl FineTuner {
    /// Starts from `bundle`, on the device on which it was loaded, with `new_genres` added after its own.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] if the model's head is not linear over its features, a new genre's name is empty or
    /// taken, or an option is out of range.
    pub fn new(bundle: Bundle, new_genres: &[String], options: FineTuneOptions) -> Result<Self> {
        options.check()?;
        let Bundle { mut manifest, model } = bundle;
        let device = &model.device();
        let Model::EfficientNetLite(model) = model else {
            let name = manifest.architecture.name();
            return Err(rejected(format!("the head of a {name} is not linear over its features")));
        };
        for name in new_genres {
            check_name(&manifest, name)?;
            manifest.genres.push(Genre {
                additional_posters: 0,
                name: name.clone(),
                threshold: NEW_THRESHOLD,
                posters: 0,
                labelled_posters: None,
                quality: None,
            });
        }

        // Move the temperature into the head, so that training optimises the probabilities that users see.
        let (weight, bias) = model.head();
        let [features, known_genres] = weight.dims();
        let scale = 1.0 / manifest.temperature;
        manifest.temperature = 1.0;
        let (added, plain) = (new_genres.len(), weight.device());
        let weight = Tensor::cat(vec![weight * scale, Tensor::zeros([features, added], &plain)], 1);
        let bias = Tensor::cat(vec![bias * scale, Tensor::zeros([added], &plain)], 0);
        let origin = model.with_head(head::linear(weight.clone(), bias.clone()));

        let genres = [known_genres, added];
        let trainer = Trainer::new(&origin, (weight, bias), genres, &options, device);
        Ok(Self {
            features: FeatureCache::new(origin, &manifest, &options, device)?,
            manifest,
            known_genres,
            trainer,
            training_set: None,
            steps_taken: 0,
            random: SplitMix64::new(options.seed),
            options,
        })
    }

    /// Returns the names of all genres, new ones last.
    pub fn genres(&self) -> impl Iterator<Item = &str> {
        self.manifest.genres.iter().map(|genre| genre.name.as_str())
    }

    /// Returns how posters become the model's input.
    pub fn input(&self) -> &Preprocess {
        &self.manifest.input
    }

    /// Returns the options of this fine-tuning.
    pub fn options(&self) -> &FineTuneOptions {
        &self.options
    }

    /// Returns the number of steps taken so far.
    pub fn steps_taken(&self) -> usize {
        self.steps_taken
    }

    /// Renames a genre.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] if there is no genre `from`, or `to` is empty or taken.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        if from == to {
            return Ok(());
        }
        check_name(&self.manifest, to)?;
        let genre = self.manifest.genres.iter_mut().find(|genre| genre.name == from);
        let genre = genre.ok_or_else(|| rejected(format!("there is no genre {from:?}")))?;
        genre.name = to.into();
        Ok(())
    }

    /// Adds posters to learn from. All posters must be added before the first step.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] if a poster does not have one label per genre, or a step was taken already;
    /// [`Error::Compute`] if the device fails.
    pub async fn add(&mut self, posters: &[(Pixels, PartialLabels)]) -> Result<()> {
        let genres = self.manifest.genres.len();
        if let Some((_, labels)) = posters.iter().find(|(_, labels)| labels.len() != genres) {
            let reason = format!("a poster has {} labels for {genres} genres", labels.len());
            return Err(rejected(reason));
        }
        if self.training_set.is_some() {
            return Err(rejected("posters must be added before the first step".into()));
        }
        for (poster, labels) in posters {
            self.features.add(&self.manifest.input, poster, labels).await?;
            let labelled = self.manifest.genres.iter_mut().zip(labels);
            labelled.for_each(|(genre, label)| genre.posters += usize::from(*label == Some(true)));
        }
        Ok(())
    }

    /// Takes `steps` optimiser steps and returns the mean cross-entropy, in nats, of the known labels in their
    /// batches.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] if no label is known; [`Error::Compute`] if the device fails or the loss is not
    /// finite.
    pub async fn step(&mut self, steps: usize) -> Result<f32> {
        let training_set = match self.training_set.take() {
            Some(training_set) => training_set,
            None => {
                let Manifest { input, genres, .. } = &self.manifest;
                let device = self.trainer.device();
                self.features.training_set(input, genres.len(), &self.options, device)?
            }
        };
        let training_set = self.training_set.insert(training_set);
        let rows = training_set.rows();
        let mut sum: Option<Tensor<1>> = None;
        for _ in 0..steps {
            let batch = self.random.draw(rows, self.options.batch_size);
            let loss = self.trainer.step(training_set, &batch);
            sum = Some(sum.map_or(loss.clone(), |sum| sum + loss));
        }
        self.steps_taken += steps;
        let Some(sum) = sum else { return Ok(f32::NAN) };
        let sum = read(sum).await?;
        Ok(sum.first().copied().unwrap_or(f32::NAN) / steps as f32)
    }

    /// Compares the fine-tuned model with the one before and with the baseline, on held-out posters; `None` if
    /// none are held out, see [`FineTuneOptions::folds`].
    ///
    /// # Errors
    /// [`Error::NotTeachable`] before the first step; [`Error::Compute`] if the device fails.
    pub async fn evaluate(&self) -> Result<Option<FineTuneReport>> {
        let training_set = self.training_set.as_ref();
        let training_set = training_set.ok_or_else(|| rejected("no step was taken yet".into()))?;
        if self.options.folds < 2 {
            return Ok(None);
        }
        let genres = self.manifest.genres.len();
        let logits = read(self.trainer.logits(training_set.inputs())).await?;
        let columns = genres * self.options.heads();
        // A poster's first view is the poster itself.
        let rows = logits.chunks(columns).step_by(self.options.views);
        let examples = self.features.examples();
        let mut held_out = Vec::new();
        for ((example, row), &fold) in examples.iter().zip(rows).zip(training_set.folds()) {
            let Some(head) = folds::head_without(fold, &self.options) else { continue };
            let after = &row[head * genres..(head + 1) * genres];
            let before = example.before.iter().enumerate();
            let before = before.map(|(genre, z)| (genre < self.known_genres).then(|| sigmoid(*z)));
            held_out.push(HeldOut {
                labels: &example.labels,
                before: before.collect(),
                after: after.iter().map(|z| sigmoid(*z)).collect(),
            });
        }
        Ok(Some(FineTuneReport::new(&self.manifest, &held_out)))
    }

    /// Returns the bundle as it is fine-tuned so far, without the metrics, which no longer apply.
    pub fn bundle(&self) -> Bundle {
        let mut manifest = self.manifest.clone();
        if self.steps_taken > 0 {
            manifest.metrics.clear();
            for genre in &mut manifest.genres {
                genre.quality = None;
            }
            let posters = self.features.examples().len();
            manifest.training.config += &format!(", fine-tuned on {posters} posters");
        }
        let model = self.trainer.model(self.features.origin());
        Bundle { manifest, model: Model::EfficientNetLite(model) }
    }
}

fn check_name(manifest: &Manifest, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(rejected("the name of a genre is empty".into()));
    }
    if manifest.genres.iter().any(|genre| genre.name == name) {
        return Err(rejected(format!("the genre {name:?} already exists")));
    }
    Ok(())
}

fn rejected(reason: String) -> Error {
    Error::NotTeachable { reason }
}
