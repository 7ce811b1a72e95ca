//! The manifest of a bundle (`model.json`): everything about a model except for its weights.

use serde::{Deserialize, Serialize};

use super::{WeightFile, number};
use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::image::Preprocess;

/// Version of the bundle format that this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// File name of the manifest in a bundle's folder.
pub const MANIFEST_FILE: &str = "model.json";

/// Everything about a model except for its weights. Its JSON form is `model.json`; unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// The architecture and its sizes.
    pub architecture: Architecture,
    /// How a poster becomes the model's input.
    pub input: Preprocess,
    /// The model's outputs, in order.
    pub genres: Vec<Genre>,
    /// Logits are divided by this before the sigmoid; above 0, and 1 leaves them as they are (Guo et al. 2017,
    /// "On Calibration of Modern Neural Networks", section 4.2).
    pub temperature: f32,
    /// Metrics on held-out posters, beside those of the best baseline. See [`Training::test_posters`].
    pub metrics: Vec<Metric>,
    /// Metrics on held-out posters of other sources, see [`Training::additional_test_posters`]: they show how well the
    /// model does on posters unlike those that it is meant for. Empty without such posters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_metrics: Vec<Metric>,
    /// Where the model comes from.
    pub training: Training,
    /// The weight file.
    pub weights: WeightFile,
}

/// A genre that the model predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genre {
    /// Name, as the data set spells it.
    pub name: String,
    /// Probability, 0..=1, from which on the genre counts as likely.
    pub threshold: f32,
    /// Number of training posters of the main data that have this genre.
    pub posters: usize,
    /// Number of additional training posters that have it. They count in no frequency: their genres may be more or less
    /// frequent than those of the posters that the model is meant for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub additional_posters: usize,
    /// Number of training posters of the main data for which it is known whether they have this genre; `None` if it is
    /// known for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled_posters: Option<usize>,
    /// How well the model predicts it, on the posters of [`Manifest::metrics`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<GenreQuality>,
}

/// How well the model predicts a genre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenreQuality {
    /// Evaluated posters that have it.
    pub positives: usize,
    /// Area under its precision-recall curve; a random order scores the genre's share of the evaluated posters. NaN
    /// without positives, `null` in JSON.
    #[serde(deserialize_with = "number::or_null")]
    pub average_precision: f64,
}

/// One metric of a model, beside the best baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Name, as `trainer evaluate` prints it.
    pub name: String,
    /// Value of this model; NaN if it is undefined on these posters, such as a mean over no genre. `null` in JSON.
    #[serde(deserialize_with = "number::or_null")]
    pub value: f64,
    /// Value of the best baseline on the same posters; `None` if a comparison is not meaningful.
    pub baseline: Option<f64>,
    /// Whether higher is better.
    pub higher_is_better: bool,
}

/// Where the model comes from, for people to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Name of the training configuration.
    pub config: String,
    /// The training data.
    pub data: String,
    /// Number of posters of the main data that the model was trained on.
    pub train_posters: usize,
    /// Number of posters of additional data that it was trained on too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub additional_posters: usize,
    /// Number of held-out posters that chose the epoch, the calibration and the thresholds.
    pub valid_posters: usize,
    /// Number of held-out posters on which nothing was fitted and [`Manifest::metrics`] were measured. If it is 0,
    /// they were measured on the validation posters.
    pub test_posters: usize,
    /// Number of held-out posters of additional data, on which nothing was fitted.
    /// [`Manifest::additional_metrics`] were measured on them, if they were at hand.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub additional_test_posters: usize,
    /// Epoch whose weights these are, counted from 1.
    pub epoch: usize,
    /// Device on which it was trained.
    pub device: String,
    /// Duration of training in minutes, including validation.
    pub minutes: f64,
    /// The resolved configuration, without settings that are specific to one machine.
    pub settings: serde_json::Value,
    /// Licence of the model, and rights in its training data.
    pub licence: String,
}

impl Manifest {
    /// Parses and checks the text of a `model.json`.
    ///
    /// # Errors
    /// [`Error::Manifest`] or [`Error::FormatVersion`].
    pub fn from_json(json: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let invalid = |error: serde_json::Error| Error::Manifest { reason: error.to_string() };

        // Check the version first: a newer manifest may hold unknown fields.
        let Version { format_version: found } = serde_json::from_str(json).map_err(invalid)?;
        if found != FORMAT_VERSION {
            let advice =
                if found > FORMAT_VERSION { "update Marquee" } else { "export the bundle again" };
            return Err(Error::FormatVersion { found, supported: FORMAT_VERSION, advice });
        }
        let manifest: Self = serde_json::from_str(json).map_err(invalid)?;
        manifest.check().map_err(|reason| Error::Manifest { reason })?;
        Ok(manifest)
    }

    /// Returns the text of a `model.json`.
    ///
    /// # Errors
    /// [`Error::Manifest`] if it cannot be serialised.
    pub fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        let json = json.map_err(|error| Error::Manifest { reason: error.to_string() })?;
        Ok(json + "\n")
    }

    /// Returns each genre's frequency among the training posters for which it is known, 0..=1.
    pub fn frequencies(&self) -> Vec<f32> {
        let posters = |genre: &Genre| genre.labelled_posters.unwrap_or(self.training.train_posters);
        let frequency = |genre: &Genre| genre.posters as f32 / posters(genre).max(1) as f32;
        self.genres.iter().map(frequency).collect()
    }

    /// Returns which genres are predicted for each poster: those whose probability reaches their threshold. The
    /// outer index is the poster, the inner one the genre.
    pub fn decide(&self, probabilities: &[Vec<f32>]) -> Vec<Vec<bool>> {
        let decide = |row: &Vec<f32>| {
            row.iter().zip(&self.genres).map(|(p, genre)| *p >= genre.threshold).collect()
        };
        probabilities.iter().map(decide).collect()
    }

    /// Checks what the types of an untrusted manifest do not guarantee.
    fn check(&self) -> std::result::Result<(), String> {
        let Preprocess { width, height, std, mean } = &self.input;
        if !(1..=2048).contains(width) || !(1..=2048).contains(height) {
            return Err(format!(
                "the input is {width} x {height} pixels; each side must be 1..=2048"
            ));
        }
        if std.iter().any(|&value| !(value.is_finite() && value > 0.0))
            || mean.iter().any(|value| !value.is_finite())
        {
            return Err("the input's mean and std must be finite, and std above 0".into());
        }
        if self.genres.is_empty() {
            return Err("it lists no genre".into());
        }
        for (index, genre) in self.genres.iter().enumerate() {
            if self.genres.iter().take(index).any(|other| other.name == genre.name) {
                return Err(format!("it lists the genre {:?} twice", genre.name));
            }
            if !(0.0..=1.0).contains(&genre.threshold) {
                return Err(format!("the threshold of {:?} is not in 0..=1", genre.name));
            }
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err("the temperature must be above 0".into());
        }
        let size = [self.input.width, self.input.height];
        let accepted = self.architecture.check(size, self.genres.len());
        accepted.map_err(|error| error.to_string())?;
        let file = &self.weights.file;
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', ':']) {
            return Err(format!("the weight file {file:?} is not a plain file name"));
        }
        Ok(())
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
