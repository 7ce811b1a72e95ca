//! From a poster's bytes to its genres: a [`Bundle`] on a device. No JavaScript types here; the browser's
//! boundary and the command line both stand on this.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use serde::Serialize;

use crate::bundle::{Bundle, Manifest};
use crate::error::{Error, Result};
use crate::heatmap::{Heatmap, Heatmaps};
use crate::metrics;
use crate::model::{Contributions, Model};
use crate::preprocess::Pixels;
#[cfg(doc)]
use crate::preprocess::Preprocess;

/// A network that answers which genres a poster has.
#[derive(Debug)]
pub struct Classifier {
    manifest: Manifest,
    model: Model,
    device: Device,
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
    /// Puts a bundle on `device`, where its model was loaded.
    pub fn new(bundle: Bundle, device: Device) -> Self {
        Self { manifest: bundle.manifest, model: bundle.model, device }
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
        let [x, y] = architecture.places([input.width, input.height]).ok_or_else(no_heatmaps)?;
        let batch = input.batch(&[input.decode(bytes)?], &self.device);
        let Contributions { maps, bias } =
            self.model.contributions(batch).ok_or_else(no_heatmaps)?;
        let maps = read(maps / *temperature).await?;
        let bias = read(bias / *temperature).await?;

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
        let logits = self.model.forward(self.manifest.input.batch(posters, &self.device));
        let values = read(sigmoid(logits / self.manifest.temperature)).await?;
        Ok(values.chunks(self.manifest.genres.len()).map(<[f32]>::to_vec).collect())
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

/// A tensor's values, once the device has them.
pub(crate) async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let failed = |reason: String| Error::Compute { reason };
    let data = tensor.into_data_async().await.map_err(|error| failed(error.to_string()))?;
    let values = data.try_to_vec::<f32>().map_err(|error| failed(format!("{error:?}")))?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(failed("an answer is not a number".into()));
    }
    Ok(values)
}
