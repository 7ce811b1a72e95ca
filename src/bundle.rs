//! The bundle: what the trainer ships and the browser loads. A manifest (`model.json`) that says everything
//! about the network, and its weights (safetensors; see `weights.rs`).
//!
//! Weights are named by their hash (`model-<hash>.safetensors`), not just `model.safetensors`: the manifest's
//! rename is then the one moment at which a folder turns from the old bundle into the new one, and a web
//! cache can never pair one's manifest with the other's weights.

#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use burn::tensor::Device;

#[cfg(not(target_arch = "wasm32"))]
use crate::error::Error;
use crate::error::Result;
#[cfg(not(target_arch = "wasm32"))]
use crate::manifest::MANIFEST_FILE;
use crate::manifest::{Manifest, Weights};
use crate::model::Model;
use crate::weights::{self, Precision};

/// A network with its weights, and its manifest.
#[derive(Debug)]
pub struct Bundle {
    /// Everything but the weights.
    pub manifest: Manifest,
    /// The network, on the device that it was loaded to.
    pub model: Model,
}

impl Bundle {
    /// Checks `weights` against the manifest and builds the network on `device`.
    ///
    /// # Errors
    /// [`Error::Manifest`], [`Error::FormatVersion`], [`Error::WeightsLength`], [`Error::WeightsHash`] or
    /// [`Error::WeightsShape`].
    pub fn from_parts(manifest: &str, weights: &[u8], device: &Device) -> Result<Self> {
        let manifest = Manifest::from_json(manifest)?;
        manifest.weights.check(weights)?;
        let size = [manifest.input.width, manifest.input.height];
        let (architecture, genres) = (&manifest.architecture, manifest.genres.len());
        let model = Model::with_weights(architecture, size, genres, weights, device)?;
        Ok(Self { manifest, model })
    }

    /// Reads a bundle in one file; see [`Bundle::to_file`].
    ///
    /// # Errors
    /// Those of [`Bundle::from_parts`], and [`Error::NotABundle`].
    pub fn from_file(file: &[u8], device: &Device) -> Result<Self> {
        let (manifest, weights) = weights::split_manifest(file)?;
        Self::from_parts(&manifest, &weights, device)
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
    pub fn read(path: &Path, device: &Device) -> Result<Self> {
        let (manifest, weights) = read_parts(path)?;
        Self::from_parts(&manifest, &weights, device)
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
        let weights = self.model.encode(precision).await?;
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

/// The text of the manifest and the weights of the bundle in a folder, or in one file. They are not yet checked
/// against each other.
///
/// # Errors
/// [`Error::File`], [`Error::NotABundle`], and those of [`Manifest::from_json`].
#[cfg(not(target_arch = "wasm32"))]
pub fn read_parts(path: &Path) -> Result<(String, Vec<u8>)> {
    let read = |path: &Path| std::fs::read(path).map_err(|source| file_error(path, source));
    if path.is_file() {
        return weights::split_manifest(&read(path)?);
    }
    let manifest = path.join(MANIFEST_FILE);
    let json = std::fs::read_to_string(&manifest);
    let json = json.map_err(|source| file_error(&manifest, source))?;
    let weights = read(&path.join(Manifest::from_json(&json)?.weights.file))?;
    Ok((json, weights))
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
