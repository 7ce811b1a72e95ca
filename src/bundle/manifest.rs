//! The manifest of a bundle (`model.json`): everything about a network but its weights.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::preprocess::Preprocess;

/// Version of the format that this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// Name of the manifest's file in a bundle's folder.
pub const MANIFEST_FILE: &str = "model.json";

/// Everything about a network but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Architecture and sizes.
    pub architecture: Architecture,
    /// How a poster becomes the network's input.
    pub input: Preprocess,
    /// The outputs, in the network's order.
    pub genres: Vec<Genre>,
    /// Logits are divided by this before the sigmoid; 1 leaves them as they are. After Guo et al. 2017,
    /// "On Calibration of Modern Neural Networks", section 4.2.
    pub temperature: f32,
    /// Quality on the validation posters, beside what guessing scores.
    pub metrics: Vec<Metric>,
    /// Where the network comes from.
    pub training: Training,
    /// The weights' file.
    pub weights: Weights,
}

/// An output of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genre {
    /// Its name, as the data set spells it.
    pub name: String,
    /// Probability, 0..=1, from which on a poster counts as one of this genre.
    pub threshold: f32,
    /// Training posters that had this genre.
    pub posters: usize,
    /// How well it was told on the posters of [`Manifest::metrics`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<GenreQuality>,
}

/// How well a genre is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenreQuality {
    /// Judged posters that have it.
    pub positives: usize,
    /// Area under its precision-recall curve; guessing scores its share of the judged posters.
    pub average_precision: f64,
}

/// One figure of quality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name, as `trainer evaluate` prints it.
    pub name: String,
    /// This network's figure.
    pub value: f64,
    /// What the best of the trivial baselines scores on the same posters, where that says anything.
    pub baseline: Option<f64>,
    /// Whether more is better.
    pub higher_is_better: bool,
}

/// Where the network comes from, for people to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Name of the training configuration.
    pub config: String,
    /// The training data.
    pub data: String,
    /// Posters trained on.
    pub train_posters: usize,
    /// Posters kept aside that chose the epoch, the temperature and the thresholds.
    pub valid_posters: usize,
    /// Posters that nothing was fitted on, on which [`Manifest::metrics`] were measured; 0 where there are
    /// none, and the validation posters judge.
    pub test_posters: usize,
    /// The epoch whose weights these are, from 1.
    pub epoch: usize,
    /// Device that it was trained on.
    pub device: String,
    /// How long training took, in minutes, judging included.
    pub minutes: f64,
    /// The resolved configuration, but for what is only true on one machine.
    pub settings: serde_json::Value,
    /// Licences and rights.
    pub licence: String,
}

/// The weights' file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// File name, beside the manifest.
    pub file: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`Error::Manifest`] or [`Error::FormatVersion`].
    pub fn from_json(json: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let unreadable = |error: serde_json::Error| Error::Manifest { reason: error.to_string() };

        // The version first: a newer manifest may hold fields that are unknown here.
        let Version { format_version: found } = serde_json::from_str(json).map_err(unreadable)?;
        if found != FORMAT_VERSION {
            let advice = if found > FORMAT_VERSION {
                "renew the program"
            } else {
                "export the bundle again"
            };
            return Err(Error::FormatVersion { found, supported: FORMAT_VERSION, advice });
        }
        let manifest: Self = serde_json::from_str(json).map_err(unreadable)?;
        manifest.check().map_err(|reason| Error::Manifest { reason })?;
        Ok(manifest)
    }

    #[cfg(any(feature = "burn", target_arch = "wasm32"))]
    pub(crate) fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        let json = json.map_err(|error| Error::Manifest { reason: error.to_string() })?;
        Ok(json + "\n")
    }

    /// Which genres each poster is said to have: those whose probability reaches their threshold. Outer index
    /// the poster, inner the genre.
    pub fn decide(&self, probabilities: &[Vec<f32>]) -> Vec<Vec<bool>> {
        let decide = |row: &Vec<f32>| {
            row.iter().zip(&self.genres).map(|(p, genre)| *p >= genre.threshold).collect()
        };
        probabilities.iter().map(decide).collect()
    }

    /// What a stranger's manifest could have wrong that its types do not rule out.
    fn check(&self) -> std::result::Result<(), String> {
        let Preprocess { width, height, std, mean } = &self.input;
        if !(1..=2048).contains(width) || !(1..=2048).contains(height) {
            return Err(format!("the input size {width} x {height} is not within 1..=2048"));
        }
        if std.iter().any(|&value| !(value.is_finite() && value > 0.0))
            || mean.iter().any(|value| !value.is_finite())
        {
            return Err("the input's mean and std must be finite, and std above 0".into());
        }
        if self.genres.is_empty() {
            return Err("it names no genre".into());
        }
        for (index, genre) in self.genres.iter().enumerate() {
            if self.genres.iter().take(index).any(|other| other.name == genre.name) {
                return Err(format!("it names the genre {:?} twice", genre.name));
            }
            if !(0.0..=1.0).contains(&genre.threshold) {
                return Err(format!("the threshold of {:?} is not within 0..=1", genre.name));
            }
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err("its temperature must be above 0".into());
        }
        let file = &self.weights.file;
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', ':']) {
            return Err(format!("its weight file {file:?} is not a plain file name"));
        }
        Ok(())
    }
}

impl Weights {
    #[cfg(feature = "burn")]
    pub(crate) fn describe(bytes: &[u8]) -> Self {
        let sha256 = hex(&Sha256::digest(bytes));
        let file = format!("model-{}.safetensors", sha256.get(..12).unwrap_or(&sha256));
        Self { file, bytes: bytes.len() as u64, sha256 }
    }

    /// Whether `bytes` are the file's.
    ///
    /// # Errors
    /// [`Error::WeightsLength`] or [`Error::WeightsHash`].
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        self.check_length(bytes)?;
        self.check_hash(&Sha256::digest(bytes))
    }

    pub(crate) fn check_length(&self, bytes: &[u8]) -> Result<()> {
        let (expected, found) = (self.bytes, bytes.len() as u64);
        if expected == found {
            return Ok(());
        }
        Err(Error::WeightsLength { file: self.file.clone(), expected, found })
    }

    /// `hash` is the SHA-256 of the bytes.
    pub(crate) fn check_hash(&self, hash: &[u8]) -> Result<()> {
        let (expected, found) = (self.sha256.clone(), hex(hash));
        if expected == found {
            return Ok(());
        }
        Err(Error::WeightsHash { file: self.file.clone(), expected, found })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
