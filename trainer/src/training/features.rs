//! What the frozen front of a network makes of the posters, computed once and kept: several differently
//! changed views of each poster, so that what is trained behind it still sees variety. It turns hours on a
//! CPU into minutes, at the cost of a front that never learns.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use marquee::bundle::write_atomically;
use marquee::model::EfficientNetLite;
use marquee::{Model, Preprocess};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::data::augment::{Augment, Crops};
use crate::data::posters::Poster;
use crate::inference::BATCH;
use crate::progress::Ticker;
use crate::training::config::Config;

/// Feature maps of posters, in the posters' order.
pub(crate) struct Features {
    /// The part of the network that they go into; see [`EfficientNetLite::run`].
    pub(crate) part: usize,
    /// Channels, height and width of a map.
    pub(crate) shape: [usize; 3],
    posters: usize,
    /// View by view, poster by poster, each map row-major.
    values: Vec<f16>,
}

/// What is asked for.
pub(crate) struct Views<'a> {
    pub(crate) posters: &'a [Poster],
    /// How many of each poster; with 1 and no `crops`, the poster as it is.
    pub(crate) views: usize,
    pub(crate) crops: Option<Crops<'a>>,
    /// What they are made to.
    pub(crate) input: &'a Preprocess,
}

impl Features {
    /// Reads the features from `dir`, or computes them with the front of `model` and keeps them there.
    pub(crate) fn of(
        wanted: &Views<'_>,
        model: &Model,
        config: &Config,
        dir: &Path,
        device: &Device,
    ) -> Result<Self> {
        let Model::EfficientNetLite(network) = model else {
            bail!("{} has no parts to keep features of", config.architecture.name());
        };
        let path = dir.join(format!("{}.f16", wanted.key(config)?));
        let input = [3, wanted.input.height as usize, wanted.input.width as usize];
        let probe = Tensor::zeros([1, input[0], input[1], input[2]], device);
        let [_, channels, height, width] = network.run(0..config.frozen_parts, probe).dims();
        let (part, shape) = (config.frozen_parts, [channels, height, width]);
        let posters = wanted.posters.len();
        let length = wanted.views * posters * channels * height * width;

        let values = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == length * 2 => {
                println!("features from {}", path.display());
                let (halves, _) = bytes.as_chunks::<2>();
                halves.iter().map(|bytes| f16::from_le_bytes(*bytes)).collect()
            }
            _ => {
                let values = wanted.compute(network, config, device)?;
                ensure!(
                    values.len() == length,
                    "the features have another size than was asked for"
                );
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
                write_atomically(&path, &bytes)?;
                values
            }
        };
        Ok(Self { part, shape, posters, values })
    }

    /// A poster's map as it is seen in an epoch.
    pub(crate) fn get(&self, epoch: u64, poster: usize) -> Vec<f32> {
        let size: usize = self.shape.iter().product();
        let views = self.values.len() / (size * self.posters);
        let view = (epoch % views as u64) as usize;
        let first = (view * self.posters + poster) * size;
        self.values[first..first + size].iter().map(|value| value.to_f32()).collect()
    }
}

impl Views<'_> {
    /// A name for everything that the features depend on.
    fn key(&self, config: &Config) -> Result<String> {
        let mut hasher = Sha256::new();
        let weights = config.pretrained.as_ref().map(std::fs::read).transpose()?;
        hasher.update(weights.unwrap_or_default());
        // Posters are mixed later, as features.
        let crops = self.crops.map(|crops| (Augment { mixup: 0.0, ..*crops.augment }, crops.from));
        hasher.update(serde_json::to_vec(&(
            (config.architecture.name(), self.input, config.frozen_parts, config.seed),
            (self.views, crops),
        ))?);
        self.posters.iter().for_each(|poster| hasher.update(poster.hash));
        let hash = hasher.finalize();
        Ok(hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    fn compute(
        &self,
        network: &EfficientNetLite,
        config: &Config,
        device: &Device,
    ) -> Result<Vec<f16>> {
        let input = self.input;
        let ticker = Ticker::new("computing features", self.views * self.posters.len());
        let mut values = Vec::new();
        let mut done = 0;
        for view in 0..self.views {
            for batch in self.posters.chunks(BATCH) {
                let images: Vec<Vec<f32>> = batch
                    .par_iter()
                    .enumerate()
                    .map(|(index, poster)| {
                        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
                        rng.set_stream((view * self.posters.len() + done + index) as u64);
                        Crops::normalised(self.crops, &poster.pixels, input, &mut rng)
                    })
                    .collect();
                let shape = [batch.len(), 3, input.height as usize, input.width as usize];
                let images = TensorData::new::<f32, _>(images.concat(), shape);
                let features =
                    network.run(0..config.frozen_parts, Tensor::from_data(images, device));
                let features: Vec<f32> = features.try_into_vec_as()?;
                values.extend(features.into_iter().map(f16::from_f32));
                done += batch.len();
                ticker.tick(done);
            }
        }
        ticker.finish();
        Ok(values)
    }
}
