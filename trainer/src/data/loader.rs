//! Feeds posters to Burn's learner in batches. A thread prepares the next batches while the device works on the
//! current one.

mod batch;
mod mixture;
#[cfg(test)]
mod mixup_test;
mod sampling;
mod targets;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::Result;
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Tensor};
use marquee::Preprocess;

use crate::data::augment::Augmentation;
use crate::data::feature_maps::FeatureMaps;
use crate::data::posters::Poster;
pub(crate) use batch::Batch;
use batch::{BatchBuilder, HostBatch};
pub(crate) use mixture::Mixture;
use sampling::Sampler;
pub(crate) use targets::{TARGET_WEIGHTS, Targets, TruncatedLabels, total_weights, weights};

/// Batches prepared ahead of the device.
const PREFETCHED: usize = 2;

/// Serves its posters in batches, epoch after epoch.
#[derive(Clone)]
pub(crate) struct Loader {
    posters: Arc<Vec<Poster>>,
    /// The positions in the first epoch that are served: all, or the share of one device.
    range: Range<usize>,
    input: Preprocess,
    batch_size: usize,
    device: Device,
    targets: Arc<Targets>,
    features: Option<Arc<FeatureMaps>>,
    /// Absent for evaluation.
    training: Option<Training>,
}

/// What differs in training: the order of the posters, and augmentation.
#[derive(Clone)]
struct Training {
    sampler: Sampler,
    augmentation: Augmentation,
}

impl Loader {
    /// Serves the posters in their given order, for evaluation.
    pub(crate) fn in_order(
        posters: Vec<Poster>,
        input: &Preprocess,
        batch_size: usize,
        device: &Device,
    ) -> Self {
        Self {
            range: 0..posters.len(),
            targets: Arc::new(Targets::for_evaluation(&posters)),
            posters: Arc::new(posters),
            input: input.clone(),
            batch_size,
            device: device.clone(),
            features: None,
            training: None,
        }
    }

    /// Serves feature maps in place of the posters' pixels.
    pub(crate) fn with_features(self, features: Option<Arc<FeatureMaps>>) -> Self {
        Self { features, ..self }
    }

    /// Serves the posters in random order and augmented, for training that starts with epoch `first_epoch` (from 1),
    /// as often as `mixture` says. `genre_balance` is the exponent of class-balanced sampling; see [`Sampler`].
    pub(crate) fn shuffled(
        self,
        seed: u64,
        first_epoch: usize,
        augmentation: &Augmentation,
        targets: Targets,
        mixture: Mixture,
        genre_balance: f64,
    ) -> Self {
        let (posters, frequencies) = (&self.posters, &targets.frequencies);
        let sampler = Sampler::new(seed, first_epoch, mixture, posters, frequencies, genre_balance);
        let training = Training { sampler, augmentation: augmentation.clone() };
        let range = 0..mixture.posters_in(1);
        Self { range, targets: Arc::new(targets), training: Some(training), ..self }
    }
}

impl DataLoader<Batch> for Loader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        let (order, epoch, seed) = match &self.training {
            None => (self.range.clone().collect(), 0, 0),
            Some(training) => {
                let drawn = training.sampler.next_epoch(self.range.clone());
                // Dropout draws from the device's generator. Seeding it per epoch lets a resumed run repeat the
                // draws of an uninterrupted one.
                self.device.seed(drawn.seed);
                (drawn.order, drawn.epoch, drawn.seed)
            }
        };
        let training = self.training.as_ref();
        let builder = BatchBuilder {
            posters: self.posters.clone(),
            input: self.input.clone(),
            targets: self.targets.clone(),
            features: self.features.clone(),
            augmentation: training.map(|training| training.augmentation.clone()),
            epoch,
        };
        let size = self.batch_size;
        let total = order.len();
        let (sender, prepared) = sync_channel(PREFETCHED);
        std::thread::spawn(move || {
            for (number, indices) in order.chunks(size).enumerate() {
                let seed = seed.wrapping_mul(1_000_033).wrapping_add(number as u64);
                // Sending fails if the consumer has stopped early; then no more batches are needed.
                if sender.send(builder.batch(indices, seed)).is_err() {
                    break;
                }
            }
        });
        let part = self.features.as_ref().map_or(0, |features| features.part);
        Box::new(Batches { prepared, device: &self.device, part, done: 0, total })
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Batch>> {
        Arc::new(Self { device: device.clone(), ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Batch>> {
        let range = self.range.start + start..(self.range.start + end).min(self.range.end);
        // Each device iterates its own slice, so each needs its own count of epochs.
        let training = self.training.as_ref().map(|training| Training {
            sampler: training.sampler.with_own_epochs(),
            ..training.clone()
        });
        Arc::new(Self { range, training, ..self.clone() })
    }
}

/// Moves prepared batches to the device.
struct Batches<'a> {
    prepared: Receiver<Result<HostBatch>>,
    device: &'a Device,
    part: usize,
    done: usize,
    total: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let HostBatch { inputs, targets } = match self.prepared.recv().ok()? {
            Ok(batch) => batch,
            Err(error) => {
                return Some(Err(DatasetError::new(io::Error::other(format!("{error:#}")))));
            }
        };
        let inputs = Tensor::<4>::from_data(inputs, self.device);
        let targets = Tensor::<3>::from_data(targets, self.device);
        self.done += inputs.dims()[0];
        Some(Ok(Batch { inputs, part: self.part, targets }))
    }
}

impl DataLoaderIterator<Batch> for Batches<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.total, Some("posters".into()))
    }
}
