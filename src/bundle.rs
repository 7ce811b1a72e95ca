//! The bundle: what the trainer ships and the browser loads. A manifest (`model.json`) that says everything
//! about the network, and its weights (safetensors; see `weights.rs`).
//!
//! Weights are named by their hash (`model-<hash>.safetensors`), not just `model.safetensors`: the manifest's
//! rename is then the one moment at which a folder turns from the old bundle into the new one, and a web
//! cache can never pair one's manifest with the other's weights.

#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::{Model, ModelConfig};
use crate::preprocess::Preprocess;
use crate::weights::{self, Precision};

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
    pub architecture: ModelConfig,
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

/// A network with its weights, and its manifest.
#[derive(Debug)]
pub struct Bundle {
    /// Everything but the weights.
    pub manifest: Manifest,
    /// The network, on the device that it was loaded to.
    pub model: Model,
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

impl Bundle {
    /// Checks `weights` against the manifest and builds the network on `device`.
    ///
    /// # Errors
    /// [`Error::Manifest`], [`Error::FormatVersion`], [`Error::WeightsLength`], [`Error::WeightsHash`] or
    /// [`Error::WeightsShape`].
    pub fn from_parts(manifest: &str, weights: Vec<u8>, device: &Device) -> Result<Self> {
        let manifest = Manifest::from_json(manifest)?;
        manifest.weights.check(&weights)?;
        let Preprocess { width, height, .. } = manifest.input;
        let mut model = manifest
            .architecture
            .init([width, height], manifest.genres.len(), device)
            .map_err(|reason| Error::Manifest { reason })?;
        weights::decode(weights, &mut model)?;
        Ok(Self { manifest, model })
    }

    /// Reads a bundle in one file; see [`Bundle::to_file`].
    ///
    /// # Errors
    /// Those of [`Bundle::from_parts`], and [`Error::NotABundle`].
    pub fn from_file(file: &[u8], device: &Device) -> Result<Self> {
        let (manifest, weights) = weights::split_manifest(file)?;
        Self::from_parts(&manifest, weights, device)
    }

    /// The bundle as one file, to be taken along: the weights, with the manifest in their header.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] or [`Error::Manifest`].
    pub async fn to_file(&mut self, precision: Precision) -> Result<Vec<u8>> {
        let (manifest, weights) = self.to_parts(precision).await?;
        weights::with_manifest(&weights, &manifest)
    }

    /// Reads the bundle in a folder, or in one file.
    ///
    /// # Errors
    /// Those of [`Bundle::from_file`], and [`Error::File`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read(dir: &Path, device: &Device) -> Result<Self> {
        if dir.is_file() {
            let file = std::fs::read(dir).map_err(|source| file_error(dir, source))?;
            return Self::from_file(&file, device);
        }
        let path = dir.join(MANIFEST_FILE);
        let json = std::fs::read_to_string(&path).map_err(|source| file_error(&path, source))?;
        let path = dir.join(Manifest::from_json(&json)?.weights.file);
        let weights = std::fs::read(&path).map_err(|source| file_error(&path, source))?;
        Self::from_parts(&json, weights, device)
    }

    /// Writes the bundle into the folder `dir`, replacing the one that is there; fills in
    /// [`Manifest::weights`]. Killed at any moment, it leaves the old bundle or the new one.
    ///
    /// # Errors
    /// [`Error::File`], and those of [`Bundle::to_parts`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn write(&mut self, dir: &Path, precision: Precision) -> Result<()> {
        let weights = pollster::block_on(self.encode(precision))?;
        std::fs::create_dir_all(dir).map_err(|source| file_error(dir, source))?;
        write_atomically(&dir.join(&self.manifest.weights.file), &weights)?;
        write_atomically(&dir.join(MANIFEST_FILE), self.manifest.to_json()?.as_bytes())?;
        self.remove_replaced_weights(dir);
        Ok(())
    }

    /// The manifest and the weights as they would be written, for [`Bundle::from_parts`].
    ///
    /// # Errors
    /// [`Error::Compute`] or [`Error::Manifest`].
    pub async fn to_parts(&mut self, precision: Precision) -> Result<(String, Vec<u8>)> {
        let weights = self.encode(precision).await?;
        Ok((self.manifest.to_json()?, weights))
    }

    async fn encode(&mut self, precision: Precision) -> Result<Vec<u8>> {
        let weights = weights::encode(&self.model, precision).await?;
        self.manifest.weights = Weights::describe(&weights);
        Ok(weights)
    }

    /// What cannot be removed is only left over; the bundle is complete without.
    #[cfg(not(target_arch = "wasm32"))]
    fn remove_replaced_weights(&self, dir: &Path) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_weights = name.starts_with("model-") && name.ends_with(".safetensors");
            if is_weights && name != self.manifest.weights.file {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

impl Weights {
    fn describe(bytes: &[u8]) -> Self {
        let sha256 = sha256_hex(bytes);
        let file = format!("model-{}.safetensors", sha256.get(..12).unwrap_or(&sha256));
        Self { file, bytes: bytes.len() as u64, sha256 }
    }

    fn check(&self, bytes: &[u8]) -> Result<()> {
        let file = self.file.clone();
        if bytes.len() as u64 != self.bytes {
            let (expected, found) = (self.bytes, bytes.len() as u64);
            return Err(Error::WeightsLength { file, expected, found });
        }
        let found = sha256_hex(bytes);
        if found != self.sha256 {
            return Err(Error::WeightsHash { file, expected: self.sha256.clone(), found });
        }
        Ok(())
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes `bytes` to a file beside `path`, then renames it to `path`.
///
/// # Errors
/// [`Error::File`]; what was at `path` is then untouched.
#[cfg(not(target_arch = "wasm32"))]
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;

    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = path.with_file_name(name);
    let written = std::fs::File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    });
    written.map_err(|source| {
        let _ = std::fs::remove_file(&draft);
        file_error(path, source)
    })
}

#[cfg(not(target_arch = "wasm32"))]
fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}
