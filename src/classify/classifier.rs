//! From a poster's bytes to its genres. No JavaScript types here; the browser's boundary and the command line both
//! stand on this.

#[cfg(feature = "burn")]
use burn::tensor::Device;
use serde::Serialize;

#[cfg(feature = "burn")]
use crate::bundle::Bundle;
use crate::contributions::Contributions;
use crate::cpu;
use crate::error::{Error, Result};
use crate::finite::check_finite;
use crate::heatmap::{Heatmap, Heatmaps};
use crate::manifest::Manifest;
use crate::metrics;
#[cfg(feature = "burn")]
use crate::model::{self, Model};
use crate::preprocess::Pixels;
#[cfg(doc)]
use crate::preprocess::Preprocess;

/// A network that answers which genres a poster has.
#[derive(Debug)]
pub struct Classifier {
    manifest: Manifest,
    network: Network,
}

/// Where it computes.
#[derive(Debug)]
enum Network {
    /// On the CPU, by itself.
    Cpu(cpu::CpuModel),
    /// On one of Burn's devices.
    #[cfg(feature = "burn")]
    Burn { model: Box<Model>, device: Device },
}

/// A genre and how probable it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The genre's name.
    pub genre: String,
    /// Its probability, 0..=1. Genres are judged each for itself, so these do not add up to 1.
    pub probability: f32,
    /// Whether the probability reaches the genre's threshold.
    pub likely: bool,
}

/// A poster's genres, and where in it they were seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// All genres, the most probable first.
    pub predictions: Vec<Prediction>,
    /// What speaks for each genre, and what against it.
    pub heatmaps: Heatmaps,
}

impl Classifier {
    /// A bundle on one of Burn's devices, where its model was loaded.
    #[cfg(feature = "burn")]
    pub fn new(bundle: Bundle, device: Device) -> Self {
        let network = Network::Burn { model: Box::new(bundle.model), device };
        Self { manifest: bundle.manifest, network }
    }

    /// A bundle on the CPU, without Burn: its manifest, and the bytes of its weights, which were
    /// [checked](crate::manifest::Weights::check).
    ///
    /// # Errors
    /// [`Error::Manifest`] or [`Error::WeightsShape`].
    pub fn on_cpu(manifest: Manifest, weights: &[u8]) -> Result<Self> {
        let Manifest { architecture, input, genres, .. } = &manifest;
        let network = cpu::CpuModel::new(architecture, input, genres.len(), weights)?;
        Ok(Self { manifest, network: Network::Cpu(network) })
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// All genres of the poster in the image file `bytes`, the most probable first.
    ///
    /// # Errors
    /// Those of [`crate::Preprocess::decode`], and [`Error::Compute`].
    pub async fn classify(&self, bytes: &[u8]) -> Result<Vec<Prediction>> {
        self.answer(self.manifest.input.decode(bytes)?).await
    }

    /// All genres of a picture that is decoded already, the most probable first; see [`Preprocess::take`].
    ///
    /// # Errors
    /// Those of [`Preprocess::take`], and [`Error::Compute`].
    pub async fn classify_pixels(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
    ) -> Result<Vec<Prediction>> {
        self.answer(self.manifest.input.take(rgba, width, height)?).await
    }

    async fn answer(&self, poster: Pixels) -> Result<Vec<Prediction>> {
        let mut answers = self.probabilities(&[poster]).await?;
        Ok(self.rank(&answers.pop().unwrap_or_default()))
    }

    /// All genres of each poster in `files`, which are classified together; a file that cannot be read has its
    /// own error. The outer error is the device's.
    ///
    /// # Errors
    /// [`Error::Compute`].
    pub async fn classify_all(&self, files: &[Vec<u8>]) -> Result<Vec<Result<Vec<Prediction>>>> {
        let mut posters = Vec::with_capacity(files.len());
        let mut decoded = Vec::with_capacity(files.len());
        for bytes in files {
            decoded.push(self.manifest.input.decode(bytes).map(|pixels| posters.push(pixels)));
        }
        let mut answers = self.probabilities(&posters).await?.into_iter();
        let mut answer = |()| self.rank(&answers.next().unwrap_or_default());
        Ok(decoded.into_iter().map(|poster| poster.map(&mut answer)).collect())
    }

    /// The genres of the poster in `bytes`, and where in it they were seen.
    ///
    /// # Errors
    /// Those of [`Classifier::classify`], and [`Error::NoHeatmaps`].
    pub async fn explain(&self, bytes: &[u8]) -> Result<Explanation> {
        let Manifest { architecture, input, temperature, genres, .. } = &self.manifest;
        let no_heatmaps = || Error::NoHeatmaps { architecture: architecture.name() };
        let [x, y] = architecture.grid([input.width, input.height]).ok_or_else(no_heatmaps)?;
        let poster = input.decode(bytes)?;
        let contributions = self.contributions(&poster).await?;
        let Contributions { mut maps, mut bias } = contributions.ok_or_else(no_heatmaps)?;
        maps.iter_mut().chain(&mut bias).for_each(|logit| *logit /= temperature);

        let heatmaps: Vec<Heatmap> = genres
            .iter()
            .zip(maps.chunks(x.count * y.count).zip(bias))
            .map(|(genre, (values, bias))| Heatmap {
                genre: genre.name.clone(),
                bias,
                values: values.to_vec(),
            })
            .collect();
        let probability =
            |map: &Heatmap| metrics::sigmoid(map.bias + map.values.iter().sum::<f32>());
        let probabilities: Vec<f32> = heatmaps.iter().map(probability).collect();
        let predictions = self.rank(&probabilities);
        Ok(Explanation { predictions, heatmaps: Heatmaps { x, y, genres: heatmaps } })
    }

    /// The probabilities of each poster, genres in the manifest's order.
    ///
    /// # Errors
    /// [`Error::Compute`].
    pub async fn probabilities(&self, posters: &[Pixels]) -> Result<Vec<Vec<f32>>> {
        if posters.is_empty() {
            return Ok(Vec::new());
        }
        let Manifest { temperature, genres, .. } = &self.manifest;
        let mut logits: Vec<f32> = match &self.network {
            Network::Cpu(network) => {
                check_finite(posters.iter().flat_map(|poster| network.logits(poster)).collect())?
            }
            #[cfg(feature = "burn")]
            Network::Burn { model, device } => {
                model::read(model.forward(self.manifest.input.batch(posters, device))).await?
            }
        };
        logits.iter_mut().for_each(|logit| *logit = metrics::sigmoid(*logit / temperature));
        Ok(logits.chunks(genres.len()).map(<[f32]>::to_vec).collect())
    }

    /// What each place adds to each genre's logit, where the network can say so.
    async fn contributions(&self, poster: &Pixels) -> Result<Option<Contributions>> {
        match &self.network {
            Network::Cpu(network) => network
                .contributions(poster)
                .map(|Contributions { maps, bias }| {
                    let (maps, bias) = (check_finite(maps)?, check_finite(bias)?);
                    Ok(Contributions { maps, bias })
                })
                .transpose(),
            #[cfg(feature = "burn")]
            Network::Burn { model, device } => {
                let poster = self.manifest.input.batch(std::slice::from_ref(poster), device);
                model.contributions(poster).await
            }
        }
    }

    /// Genres by their probability, the most probable first.
    pub fn rank(&self, probabilities: &[f32]) -> Vec<Prediction> {
        let genres = self.manifest.genres.iter().zip(probabilities);
        let mut ranked: Vec<_> = genres
            .map(|(genre, &probability)| Prediction {
                genre: genre.name.clone(),
                probability,
                likely: probability >= genre.threshold,
            })
            .collect();
        ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        ranked
    }
}
