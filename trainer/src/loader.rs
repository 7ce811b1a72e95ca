//! Posters in memory to batches on a device, as Burn's learner asks for them. A thread prepares the next
//! batches while the device works on the current one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Int, Tensor, TensorData};
use marquee::Preprocess;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::posters::Poster;

/// Some posters on a device.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// `[N, 3, height, width]`, normalised.
    pub(crate) images: Tensor<4>,
    /// `[N, genres]`, 0 or 1.
    pub(crate) labels: Tensor<2, Int>,
}

/// Hands out its posters in batches, epoch after epoch.
#[derive(Clone)]
pub(crate) struct Loader {
    posters: Arc<Vec<Poster>>,
    input: Preprocess,
    batch_size: usize,
    device: Device,
    shuffle: Option<Shuffle>,
}

/// A new order in every epoch, drawn from the seed and the epoch alone, so that a resumed run sees the
/// posters in the order of an unbroken one.
#[derive(Clone)]
struct Shuffle {
    seed: u64,
    epoch: Arc<AtomicU64>,
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
        Self { posters, input: input.clone(), batch_size, device: device.clone(), shuffle: None }
    }

    /// Batches for training, starting with epoch `first_epoch` (from 1).
    pub(crate) fn shuffled(self, seed: u64, first_epoch: usize) -> Self {
        let epoch = Arc::new(AtomicU64::new(first_epoch as u64));
        Self { shuffle: Some(Shuffle { seed, epoch }), ..self }
    }

    fn next_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.posters.len()).collect();
        if let Some(Shuffle { seed, epoch }) = &self.shuffle {
            let epoch = epoch.fetch_add(1, Ordering::Relaxed);
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(epoch);
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
            // Dropout draws from the device's generator: it starts anew with the epoch for the same reason.
            self.device.seed(seed);
        }
        order
    }
}

impl DataLoader<Batch> for Loader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        let order = self.next_order();
        let (posters, input, size) = (self.posters.clone(), self.input.clone(), self.batch_size);
        let (sender, prepared) = sync_channel(2);
        std::thread::spawn(move || {
            for indices in order.chunks(size) {
                // Fails when the consumer has left early; then there is nothing more to prepare.
                if sender.send(Prepared::new(&posters, indices, &input)).is_err() {
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
    labels: TensorData,
}

impl Prepared {
    fn new(posters: &[Poster], indices: &[usize], input: &Preprocess) -> Self {
        let chosen: Vec<&Poster> = indices.iter().map(|&index| &posters[index]).collect();
        let values: Vec<Vec<f32>> =
            chosen.par_iter().map(|poster| input.normalise(&poster.pixels)).collect();
        let labels: Vec<i32> = chosen
            .iter()
            .flat_map(|poster| &poster.row.labels)
            .map(|&label| label.into())
            .collect();
        let genres = labels.len() / chosen.len();
        let shape = [chosen.len(), 3, input.height as usize, input.width as usize];
        Self {
            images: TensorData::new::<f32, _>(values.concat(), shape),
            labels: TensorData::new::<i32, _>(labels, [chosen.len(), genres]),
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
        let Prepared { images, labels } = self.prepared.recv().ok()?;
        let images = Tensor::<4>::from_data(images, self.device);
        let labels = Tensor::<2, Int>::from_data(labels, self.device);
        self.done += images.dims()[0];
        Some(Ok(Batch { images, labels }))
    }
}

impl DataLoaderIterator<Batch> for Batches<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.total, Some("posters".into()))
    }
}
