//! From a poster's bytes to its genres: a [`Bundle`] on a device. No JavaScript types here; the browser's
//! boundary and the command line both stand on this.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;

use crate::bundle::{Bundle, Manifest};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::preprocess::Pixels;

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
        let pixels = self.manifest.input.decode(bytes)?;
        let mut answers = self.probabilities(&[pixels]).await?;
        Ok(self.rank(&answers.pop().unwrap_or_default()))
    }

    /// The probabilities of each poster, genres in the manifest's order.
    ///
    /// # Errors
    /// [`Error::Compute`].
    pub async fn probabilities(&self, posters: &[Pixels]) -> Result<Vec<Vec<f32>>> {
        if posters.is_empty() {
            return Ok(Vec::new());
        }
        let input = &self.manifest.input;
        let values = posters.iter().flat_map(|poster| input.normalise(poster)).collect();
        let shape = [posters.len(), 3, input.height as usize, input.width as usize];
        let batch = Tensor::<4>::from_data(TensorData::new::<f32, _>(values, shape), &self.device);

        let logits = self.model.forward(batch);
        let answer = sigmoid(logits / self.manifest.temperature).into_data_async().await;
        let failed = |reason: String| Error::Compute { reason };
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let values = answer.try_to_vec::<f32>().map_err(|error| failed(format!("{error:?}")))?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(failed("a probability is not a number".into()));
        }
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
