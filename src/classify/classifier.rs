//! The classifier: a bundle, and the CPU or the Burn device on which it runs.

#[cfg(feature = "burn")]
use burn::tensor::Device;

use super::prediction::rank;
use super::{Explanation, Heatmap, Heatmaps, Prediction};
#[cfg(feature = "burn")]
use crate::bundle::Bundle;
use crate::bundle::Manifest;
use crate::contributions::Contributions;
use crate::cpu::CpuModel;
use crate::error::{Error, Result};
use crate::finite::check_finite;
use crate::image::Pixels;
#[cfg(doc)]
use crate::image::Preprocess;
use crate::metrics::sigmoid;
#[cfg(feature = "burn")]
use crate::model::{self, Model};

/// A model that predicts the genres of posters.
#[derive(Debug)]
pub struct Classifier {
    manifest: Manifest,
    model: RunnableModel,
}

/// A model and where it runs.
#[derive(Debug)]
enum RunnableModel {
    /// On the CPU, without Burn.
    Cpu(CpuModel),
    /// On one of Burn's devices.
    #[cfg(feature = "burn")]
    Burn { model: Box<Model>, device: Device },
}

impl Classifier {
    /// Creates a classifier that runs on one of Burn's devices, the one on which the bundle was loaded.
    #[cfg(feature = "burn")]
    pub fn new(bundle: Bundle, device: Device) -> Self {
        let model = RunnableModel::Burn { model: Box::new(bundle.model), device };
        Self { manifest: bundle.manifest, model }
    }

    /// Creates a classifier that runs on the CPU, without Burn. `weights` are the bytes of the weight file, already
    /// checked by [`WeightFile::check`](crate::bundle::WeightFile::check).
    ///
    /// # Errors
    /// [`Error::Manifest`] if the architecture does not accept the manifest's sizes; [`Error::WeightsShape`] if the
    /// weights are not those of the architecture.
    pub fn on_cpu(manifest: Manifest, weights: &[u8]) -> Result<Self> {
        let Manifest { architecture, input, genres, .. } = &manifest;
        let model = CpuModel::new(architecture, input, genres.len(), weights)?;
        Ok(Self { manifest, model: RunnableModel::Cpu(model) })
    }

    /// Returns the bundle's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Predicts the genres of a poster, given the bytes of an image file. Returns all genres, the most probable
    /// first.
    ///
    /// # Errors
    /// Those of [`Preprocess::decode`], and [`Error::Compute`].
    pub async fn classify(&self, bytes: &[u8]) -> Result<Vec<Prediction>> {
        self.classify_poster(self.manifest.input.decode(bytes)?).await
    }

    /// Predicts the genres of a poster that is already decoded: `width * height` pixels of red, green, blue and
    /// alpha, rows from the top. Returns all genres, the most probable first.
    ///
    /// # Errors
    /// Those of [`Preprocess::resize_rgba`], and [`Error::Compute`].
    pub async fn classify_pixels(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
    ) -> Result<Vec<Prediction>> {
        self.classify_poster(self.manifest.input.resize_rgba(rgba, width, height)?).await
    }

    async fn classify_poster(&self, poster: Pixels) -> Result<Vec<Prediction>> {
        let mut probabilities = self.probabilities(&[poster]).await?;
        Ok(self.rank(&probabilities.pop().unwrap_or_default()))
    }

    /// Predicts the genres of several posters in one batch, given the bytes of image files. Returns one result per
    /// file: all its genres, the most probable first, or the error for which it cannot be decoded.
    ///
    /// # Errors
    /// [`Error::Compute`] if the batch as a whole fails.
    pub async fn classify_all(&self, files: &[Vec<u8>]) -> Result<Vec<Result<Vec<Prediction>>>> {
        let mut posters = Vec::with_capacity(files.len());
        let mut decoded = Vec::with_capacity(files.len());
        for bytes in files {
            decoded.push(self.manifest.input.decode(bytes).map(|pixels| posters.push(pixels)));
        }
        let mut probabilities = self.probabilities(&posters).await?.into_iter();
        let mut predictions = |()| self.rank(&probabilities.next().unwrap_or_default());
        Ok(decoded.into_iter().map(|poster| poster.map(&mut predictions)).collect())
    }

    /// Predicts the genres of a poster, and where in it the model sees them, given the bytes of an image file.
    ///
    /// # Errors
    /// Those of [`Classifier::classify`], and [`Error::NoHeatmaps`].
    pub async fn explain(&self, bytes: &[u8]) -> Result<Explanation> {
        let Manifest { architecture, input, temperature, genres, .. } = &self.manifest;
        let no_heatmaps = || Error::NoHeatmaps { architecture: architecture.name() };
        let grid = architecture.grid([input.width, input.height]).ok_or_else(no_heatmaps)?;
        let poster = input.decode(bytes)?;
        let contributions = self.contributions(&poster).await?.ok_or_else(no_heatmaps)?;
        let heatmaps = Heatmaps::new(genres, contributions, *temperature, grid);
        let probabilities: Vec<f32> = heatmaps.genres.iter().map(Heatmap::probability).collect();
        Ok(Explanation { predictions: self.rank(&probabilities), heatmaps })
    }

    /// Returns the probabilities of each poster, 0..=1. The outer index is the poster, the inner one the genre, in
    /// the manifest's order.
    ///
    /// # Errors
    /// [`Error::Compute`].
    pub async fn probabilities(&self, posters: &[Pixels]) -> Result<Vec<Vec<f32>>> {
        if posters.is_empty() {
            return Ok(Vec::new());
        }
        let Manifest { temperature, genres, .. } = &self.manifest;
        let mut logits: Vec<f32> = match &self.model {
            RunnableModel::Cpu(model) => {
                check_finite(posters.iter().flat_map(|poster| model.logits(poster)).collect())?
            }
            #[cfg(feature = "burn")]
            RunnableModel::Burn { model, device } => {
                model::read(model.forward(self.manifest.input.batch(posters, device))).await?
            }
        };
        logits.iter_mut().for_each(|logit| *logit = sigmoid(*logit / temperature));
        Ok(logits.chunks(genres.len()).map(<[f32]>::to_vec).collect())
    }

    /// Returns what each place of the poster adds to each genre's logit, or `None` if the head is not linear over a
    /// feature map.
    async fn contributions(&self, poster: &Pixels) -> Result<Option<Contributions>> {
        match &self.model {
            RunnableModel::Cpu(model) => model
                .contributions(poster)
                .map(|Contributions { maps, bias }| {
                    let (maps, bias) = (check_finite(maps)?, check_finite(bias)?);
                    Ok(Contributions { maps, bias })
                })
                .transpose(),
            #[cfg(feature = "burn")]
            RunnableModel::Burn { model, device } => {
                let poster = self.manifest.input.batch(std::slice::from_ref(poster), device);
                model.contributions(poster).await
            }
        }
    }

    /// Turns probabilities, in the order of the manifest's genres, into predictions, the most probable first.
    pub fn rank(&self, probabilities: &[f32]) -> Vec<Prediction> {
        rank(&self.manifest.genres, probabilities)
    }
}
