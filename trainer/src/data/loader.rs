//! Posters in memory to batches on a device, as Burn's learner asks for them. A thread prepares the next
//! batches while the device works on the current one.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Tensor, TensorData};
use marquee::Preprocess;
use rand::SeedableRng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::Beta;
use rayon::prelude::*;

use crate::data::augment::{Augment, Crops};
use crate::data::dataset::Row;
use crate::data::posters::Poster;
use crate::training::features::Features;

/// Some posters on a device.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// `[N, 3, height, width]`, normalised; or what goes into a later part of the network.
    pub(crate) images: Tensor<4>,
    /// That part.
    pub(crate) part: usize,
    /// `[N, genres]`, 0..=1.
    pub(crate) targets: Tensor<2>,
}

/// Hands out its posters in batches, epoch after epoch.
#[derive(Clone)]
pub(crate) struct Loader {
    posters: Arc<Vec<Poster>>,
    /// Those that are handed out: all, or a device's share.
    range: Range<usize>,
    input: Preprocess,
    batch_size: usize,
    device: Device,
    shuffle: Option<Shuffle>,
    targets: Arc<Targets>,
    features: Option<Arc<Features>>,
}

/// What the network is told to answer.
#[derive(Clone, Default)]
pub(crate) struct Targets {
    /// Share of each label that is replaced by its genre's frequency.
    pub(crate) smoothing: f32,
    /// Each genre's frequency among the training posters.
    pub(crate) frequencies: Vec<f32>,
    /// By id: what teachers answer, and how much of the target that is.
    pub(crate) teachers: HashMap<String, Vec<f32>>,
    pub(crate) teaching: f32,
}

impl Targets {
    fn of(&self, row: &Row) -> Vec<f32> {
        let mut targets: Vec<f32> = row.labels.iter().map(|&label| label.into()).collect();
        for (target, frequency) in targets.iter_mut().zip(&self.frequencies) {
            *target += (frequency - *target) * self.smoothing;
        }
        for (target, taught) in
            targets.iter_mut().zip(self.teachers.get(&row.id).into_iter().flatten())
        {
            *target += (taught - *target) * self.teaching;
        }
        targets
    }
}

/// A new order in every epoch, drawn from the seed and the epoch alone, so that a resumed run sees the
/// posters in the order of an unbroken one.
#[derive(Clone)]
struct Shuffle {
    seed: u64,
    epoch: Arc<AtomicU64>,
    augment: Augment,
    /// The size of the posters before they are changed.
    from: Preprocess,
    /// How often each poster is drawn, beside the others; `None` draws each once.
    weights: Option<Arc<Vec<f64>>>,
}

impl Loader {
    /// Batches in the given order, for judging.
    pub(crate) fn in_order(
        posters: Vec<Poster>,
        input: &Preprocess,
        batch_size: usize,
        device: &Device,
    ) -> Self {
        let range = 0..posters.len();
        let posters = Arc::new(posters);
        let (input, device) = (input.clone(), device.clone());
        Self {
            posters,
            range,
            input,
            batch_size,
            device,
            shuffle: None,
            targets: Arc::default(),
            features: None,
        }
    }

    /// The posters' features in the posters' place.
    pub(crate) fn with_features(self, features: Option<Arc<Features>>) -> Self {
        Self { features, ..self }
    }

    /// Batches for training, starting with epoch `first_epoch` (from 1).
    pub(crate) fn shuffled(
        self,
        seed: u64,
        first_epoch: usize,
        crops: Crops<'_>,
        targets: Targets,
        balance: f64,
    ) -> Self {
        let epoch = Arc::new(AtomicU64::new(first_epoch as u64));
        let weights = (balance > 0.0)
            .then(|| Arc::new(sampling_weights(&self.posters, &targets.frequencies, balance)));
        let (augment, from) = (crops.augment.clone(), crops.from.clone());
        let shuffle = Shuffle { seed, epoch, augment, from, weights };
        Self { shuffle: Some(shuffle), targets: Arc::new(targets), ..self }
    }

    /// The order of the next epoch, its number, and the seed of everything that is random in it.
    fn next_order(&self) -> (Vec<usize>, u64, u64) {
        let mut order: Vec<usize> = self.range.clone().collect();
        let Some(Shuffle { seed, epoch, weights, .. }) = &self.shuffle else {
            return (order, 0, 0);
        };
        let epoch = epoch.fetch_add(1, Ordering::Relaxed);
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(epoch);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let weights = weights.as_deref().map(|weights| &weights[self.range.clone()]);
        match weights.map(WeightedIndex::new) {
            Some(Ok(weighted)) => {
                order.fill_with(|| self.range.start + weighted.sample(&mut rng));
            }
            _ => order.shuffle(&mut rng),
        }
        // Dropout draws from the device's generator: it starts anew with the epoch for the same reason.
        self.device.seed(seed);
        (order, epoch, seed)
    }
}

/// By its rarest genre: a poster of a genre that is `n` times rarer is drawn `n ^ balance` times as often.
fn sampling_weights(posters: &[Poster], frequencies: &[f32], balance: f64) -> Vec<f64> {
    let rarest = |poster: &Poster| {
        let present = poster.row.labels.iter().zip(frequencies).filter(|(label, _)| **label);
        present.map(|(_, frequency)| f64::from(*frequency)).fold(1.0, f64::min)
    };
    posters.iter().map(|poster| rarest(poster).powf(-balance)).collect()
}

impl DataLoader<Batch> for Loader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        let (order, epoch, seed) = self.next_order();
        let shuffle = self.shuffle.as_ref();
        let changes = shuffle.map(|shuffle| (shuffle.augment.clone(), shuffle.from.clone()));
        let maker = Maker {
            posters: self.posters.clone(),
            input: self.input.clone(),
            targets: self.targets.clone(),
            features: self.features.clone(),
            changes,
            epoch,
        };
        let size = self.batch_size;
        let (sender, prepared) = sync_channel(2);
        std::thread::spawn(move || {
            for (number, indices) in order.chunks(size).enumerate() {
                let seed = seed.wrapping_mul(1_000_033).wrapping_add(number as u64);
                // Fails when the consumer has left early; then there is nothing more to prepare.
                if sender.send(maker.batch(indices, seed)).is_err() {
                    break;
                }
            }
        });
        let part = self.features.as_ref().map_or(0, |features| features.part);
        let (done, total) = (0, self.range.len());
        Box::new(Batches { prepared, device: &self.device, part, done, total })
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Batch>> {
        Arc::new(Self { device: device.clone(), ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Batch>> {
        let range = self.range.start + start..(self.range.start + end).min(self.range.end);
        Arc::new(Self { range, ..self.clone() })
    }
}

/// A batch in main memory.
struct Prepared {
    images: TensorData,
    targets: TensorData,
}

/// What batches are made from, in a thread of its own.
struct Maker {
    posters: Arc<Vec<Poster>>,
    input: Preprocess,
    targets: Arc<Targets>,
    features: Option<Arc<Features>>,
    /// How posters are changed, and their size before; `None` for judging.
    changes: Option<(Augment, Preprocess)>,
    epoch: u64,
}

impl Maker {
    fn batch(&self, indices: &[usize], seed: u64) -> Prepared {
        let generator = |stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            rng
        };
        let images = indices.par_iter().enumerate();
        let mut images: Vec<Vec<f32>> = images
            .map(|(place, &index)| self.image(index, &mut generator(place as u64 + 1)))
            .collect();
        let targets = indices.iter().map(|&index| self.targets.of(&self.posters[index].row));
        let mut targets: Vec<Vec<f32>> = targets.collect();
        if let Some((augment, _)) = &self.changes
            && let Ok(shares) = Beta::new(augment.mixup, augment.mixup)
        {
            let share: f32 = shares.sample(&mut generator(0)) as f32;
            blend_with_reversed(&mut images, share);
            blend_with_reversed(&mut targets, share);
        }
        let genres = targets.first().map_or(0, Vec::len);
        let [channels, height, width] = match &self.features {
            Some(features) => features.shape,
            None => [3, self.input.height as usize, self.input.width as usize],
        };
        let shape = [indices.len(), channels, height, width];
        Prepared {
            images: TensorData::new::<f32, _>(images.concat(), shape),
            targets: TensorData::new::<f32, _>(targets.concat(), [indices.len(), genres]),
        }
    }

    fn image(&self, index: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let poster = &self.posters[index].pixels;
        let crops = self.changes.as_ref().map(|(augment, from)| Crops { augment, from });
        match &self.features {
            Some(features) => features.get(self.epoch, index),
            None => Crops::normalised(crops, poster, &self.input, rng),
        }
    }
}

/// Blends each row with the one as far from the end as it is from the start, keeping `share` of it.
fn blend_with_reversed(rows: &mut [Vec<f32>], share: f32) {
    let (front, back) = rows.split_at_mut(rows.len() / 2);
    for (a, b) in front.iter_mut().zip(back.iter_mut().rev()) {
        for (a, b) in a.iter_mut().zip(b) {
            (*a, *b) = (*b + (*a - *b) * share, *a + (*b - *a) * share);
        }
    }
}

struct Batches<'a> {
    prepared: Receiver<Prepared>,
    device: &'a Device,
    part: usize,
    done: usize,
    total: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Prepared { images, targets } = self.prepared.recv().ok()?;
        let images = Tensor::<4>::from_data(images, self.device);
        let targets = Tensor::<2>::from_data(targets, self.device);
        self.done += images.dims()[0];
        Some(Ok(Batch { images, part: self.part, targets }))
    }
}

impl DataLoaderIterator<Batch> for Batches<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.total, Some("posters".into()))
    }
}
