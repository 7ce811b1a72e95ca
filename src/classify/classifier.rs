//! The classifier: a bundle, and the CPU or the Burn device on which it runs.

#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use super::prediction::rank;
use super::{Explanation, Heatmap, Heatmaps, Prediction};
#[cfg(feature = "burn")]
use crate::bundle::Bundle;
use crate::bundle::{BundleFiles, Manifest};
use crate::contributions::Contributions;
use crate::cpu::CpuModel;
use crate::error::{Error, Result};
use crate::finite::check_finite;
use crate::image::Pixels;
#[cfg(any(doc, feature = "burn"))]
use crate::image::Preprocess;
use crate::metrics::sigmoid;
#[cfg(feature = "burn")]
use crate::model::{self, Model};

/// Posters that a Burn device processes at a time; all feature maps of these are in its memory together.
#[cfg(feature = "burn")]
const BATCH: usize = 32;

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
    Cpu(Box<CpuModel>),
    /// On the Burn device of its weights, at most `batch` posters at a time.
    #[cfg(feature = "burn")]
    Burn { model: Box<Model>, batch: usize },
}

impl Classifier {
    /// Creates a classifier that runs on the Burn device on which the bundle was loaded.
    #[cfg(feature = "burn")]
    pub fn new(bundle: Bundle) -> Self {
        let model = RunnableModel::Burn { model: Box::new(bundle.model), batch: BATCH };
        Self { manifest: bundle.manifest, model }
    }

    /// Limits batches so that no feature map takes more than `bytes`, the largest buffer of a GPU.
    ///
    /// # Errors
    /// [`Error::Device`] if a single poster's feature map takes more.
    #[cfg(feature = "burn")]
    pub fn with_largest_buffer(mut self, bytes: u64) -> Result<Self> {
        let Preprocess { width, height, .. } = self.manifest.input;
        let largest_map = self.manifest.architecture.largest_map([width, height]);
        let needed = (largest_map * size_of::<f32>()) as u64;
        if bytes < needed {
            let reason = format!(
                "its buffers hold {bytes} bytes, but the model needs {needed} for a poster of {width} x {height}; \
                 export it with a smaller input, or use the CPU"
            );
            return Err(Error::Device { device: "GPU", reason });
        }
        if let RunnableModel::Burn { batch, .. } = &mut self.model {
            *batch = BATCH.min((bytes / needed) as usize);
        }
        Ok(self)
    }

    /// Opens the bundle in a folder, or in one file, for the CPU, without Burn.
    ///
    /// # Errors
    /// Those of [`BundleFiles::read`] and [`Classifier::load`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::load(BundleFiles::read(path)?)
    }

    /// Creates a classifier that runs on the CPU, without Burn.
    ///
    /// # Errors
    /// Those of [`Classifier::on_cpu`].
    pub fn load(files: BundleFiles) -> Result<Self> {
        let (manifest, weights) = files.into_parts();
        Self::on_cpu(manifest, &weights)
    }

    /// Creates a classifier that runs on the CPU, without Burn. `weights` are the bytes of the weight file; unlike
    /// [`Classifier::load`], this does not check their hash.
    ///
    /// # Errors
    /// [`Error::Architecture`] if the architecture does not accept the manifest's sizes; [`Error::WeightsShape`] if the
    /// weights are not those of the architecture.
    pub fn on_cpu(manifest: Manifest, weights: &[u8]) -> Result<Self> {
        let Manifest { architecture, input, genres, .. } = &manifest;
        let model = CpuModel::new(architecture, input, genres.len(), weights)?;
        Ok(Self { manifest, model: RunnableModel::Cpu(Box::new(model)) })
    }

    /// Returns the bundle's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns whether Burn runs the model, on a device of its own. Otherwise each call computes on the calling thread,
    /// one poster after the other; several threads may call at once.
    #[cfg(feature = "burn")]
    pub fn uses_burn(&self) -> bool {
        matches!(self.model, RunnableModel::Burn { .. })
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

    /// Predicts the genres of several posters, given the bytes of image files. Returns one result per
    /// file: all its genres, the most probable first, or the error for which it cannot be decoded.
    ///
    /// # Errors
    /// [`Error::Compute`] if the device fails.
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
    /// [`Error::PosterSize`] if a poster does not have the manifest's input size; [`Error::Compute`].
    pub async fn probabilities(&self, posters: &[Pixels]) -> Result<Vec<Vec<f32>>> {
        if posters.is_empty() {
            return Ok(Vec::new());
        }
        let Manifest { temperature, genres, .. } = &self.manifest;
        let mut logits = match &self.model {
            RunnableModel::Cpu(model) => {
                let rows = posters.iter().map(|poster| model.logits(poster));
                check_finite(rows.collect::<Result<Vec<_>>>()?.concat())?
            }
            #[cfg(feature = "burn")]
            RunnableModel::Burn { model, batch } => {
                let (input, device) = (&self.manifest.input, model.device());
                let mut logits = Vec::with_capacity(posters.len() * genres.len());
                for posters in posters.chunks(*batch) {
                    let batch = input.batch(posters, &device)?;
                    logits.extend(model::read(model.forward(batch)).await?);
                }
                logits
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
                .contributions(poster)?
                .map(|Contributions { maps, bias }| {
                    let (maps, bias) = (check_finite(maps)?, check_finite(bias)?);
                    Ok(Contributions { maps, bias })
                })
                .transpose(),
            #[cfg(feature = "burn")]
            RunnableModel::Burn { model, .. } => {
                let poster = std::slice::from_ref(poster);
                let batch = self.manifest.input.batch(poster, &model.device())?;
                model.contributions(batch).await
            }
        }
    }

    /// Turns probabilities, in the order of the manifest's genres, into predictions, the most probable first.
    pub fn rank(&self, probabilities: &[f32]) -> Vec<Prediction> {
        rank(&self.manifest.genres, probabilities)
    }
}
