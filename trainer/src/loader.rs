//! Posters in memory to batches on a device, as Burn's learner asks for them. A thread prepares the next
//! batches while the device works on the current one.

use std::collections::HashMap;
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

use crate::augment::Augment;
use crate::dataset::Row;
use crate::posters::Poster;

/// Some posters on a device.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// `[N, 3, height, width]`, normalised.
    pub(crate) images: Tensor<4>,
    /// `[N, genres]`, 0..=1.
    pub(crate) targets: Tensor<2>,
}

/// Hands out its posters in batches, epoch after epoch.
#[derive(Clone)]
pub(crate) struct Loader {
    posters: Arc<Vec<Poster>>,
    input: Preprocess,
    batch_size: usize,
    device: Device,
    shuffle: Option<Shuffle>,
    targets: Arc<Targets>,
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
        let posters = Arc::new(posters);
        let (input, device) = (input.clone(), device.clone());
        Self { posters, input, batch_size, device, shuffle: None, targets: Arc::default() }
    }

    /// Batches for training, starting with epoch `first_epoch` (from 1).
    pub(crate) fn shuffled(
        self,
        seed: u64,
        first_epoch: usize,
        augment: &Augment,
        targets: Targets,
        balance: f64,
    ) -> Self {
        let epoch = Arc::new(AtomicU64::new(first_epoch as u64));
        let weights = (balance > 0.0)
            .then(|| Arc::new(sampling_weights(&self.posters, &targets.frequencies, balance)));
        let shuffle = Shuffle { seed, epoch, augment: augment.clone(), weights };
        Self { shuffle: Some(shuffle), targets: Arc::new(targets), ..self }
    }

    /// The order of the next epoch, and the seed of everything that is random in it.
    fn next_order(&self) -> (Vec<usize>, u64) {
        let mut order: Vec<usize> = (0..self.posters.len()).collect();
        let Some(Shuffle { seed, epoch, weights, .. }) = &self.shuffle else { return (order, 0) };
        let epoch = epoch.fetch_add(1, Ordering::Relaxed);
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(epoch);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        match weights.as_deref().map(WeightedIndex::new) {
            Some(Ok(weighted)) => order.fill_with(|| weighted.sample(&mut rng)),
            _ => order.shuffle(&mut rng),
        }
        // Dropout draws from the device's generator: it starts anew with the epoch for the same reason.
        self.device.seed(seed);
        (order, seed)
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
        let (order, seed) = self.next_order();
        let (posters, input, size) = (self.posters.clone(), self.input.clone(), self.batch_size);
        let augment = self.shuffle.as_ref().map(|shuffle| shuffle.augment.clone());
        let targets = self.targets.clone();
        let (sender, prepared) = sync_channel(2);
        std::thread::spawn(move || {
            for (number, indices) in order.chunks(size).enumerate() {
                let seed = seed.wrapping_mul(1_000_033).wrapping_add(number as u64);
                let changes = augment.as_ref().map(|augment| (augment, seed));
                // Fails when the consumer has left early; then there is nothing more to prepare.
                if sender.send(Prepared::new(&posters, indices, &input, &targets, changes)).is_err()
                {
                    break;
                }
            }
        });
        let (done, total) = (0, self.posters.len());
        Box::new(Batches { prepared, device: &self.device, done, total })
    }

    fn num_items(&self) -> usize {
        self.posters.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Batch>> {
        Arc::new(Self { device: device.clone(), ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Batch>> {
        let posters = self.posters.get(start..end).unwrap_or_default();
        let posters = posters.iter().map(|poster| Poster {
            row: poster.row.clone(),
            pixels: poster.pixels.clone(),
            hash: poster.hash,
        });
        Arc::new(Self { posters: Arc::new(posters.collect()), ..self.clone() })
    }
}

/// A batch in main memory.
struct Prepared {
    images: TensorData,
    targets: TensorData,
}

impl Prepared {
    fn new(
        posters: &[Poster],
        indices: &[usize],
        input: &Preprocess,
        targets: &Targets,
        changes: Option<(&Augment, u64)>,
    ) -> Self {
        let chosen: Vec<&Poster> = indices.iter().map(|&index| &posters[index]).collect();
        let generator = |seed, stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            rng
        };
        let mut images: Vec<Vec<f32>> = chosen
            .par_iter()
            .enumerate()
            .map(|(index, poster)| match changes {
                Some((augment, seed)) => {
                    let mut rng = generator(seed, index as u64 + 1);
                    input.normalise(&augment.apply(&poster.pixels, input, &mut rng))
                }
                None => input.normalise(&poster.pixels),
            })
            .collect();
        let mut targets: Vec<Vec<f32>> =
            chosen.iter().map(|poster| targets.of(&poster.row)).collect();
        if let Some((augment, seed)) = changes
            && let Ok(shares) = Beta::new(augment.mixup, augment.mixup)
        {
            let share: f32 = shares.sample(&mut generator(seed, 0)) as f32;
            blend_with_reversed(&mut images, share);
            blend_with_reversed(&mut targets, share);
        }
        let genres = targets.first().map_or(0, Vec::len);
        let shape = [chosen.len(), 3, input.height as usize, input.width as usize];
        Self {
            images: TensorData::new::<f32, _>(images.concat(), shape),
            targets: TensorData::new::<f32, _>(targets.concat(), [chosen.len(), genres]),
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
        Some(Ok(Batch { images, targets }))
    }
}

impl DataLoaderIterator<Batch> for Batches<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.total, Some("posters".into()))
    }
}
