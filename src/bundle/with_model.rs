//! A bundle whose weights are loaded into a Burn model.

#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use burn::tensor::Device;

#[cfg(not(target_arch = "wasm32"))]
use super::files;
use super::{Manifest, WeightFile};
use crate::error::Result;
use crate::model::Model;
use crate::weights::{self, Precision};

/// A manifest and the model that it describes, on one of Burn's devices.
#[derive(Debug)]
pub struct Bundle {
    /// Everything about the model except for its weights.
    pub manifest: Manifest,
    /// The model, on the device on which it was loaded.
    pub model: Model,
}

impl Bundle {
    /// Checks `weights` against the manifest, which is the text of a `model.json`, and builds the model on `device`.
    ///
    /// # Errors
    /// [`Manifest`](crate::Error::Manifest), [`FormatVersion`](crate::Error::FormatVersion),
    /// [`WeightsLength`](crate::Error::WeightsLength), [`WeightsHash`](crate::Error::WeightsHash) or
    /// [`WeightsShape`](crate::Error::WeightsShape).
    pub fn from_parts(manifest: &str, weights: &[u8], device: &Device) -> Result<Self> {
        let manifest = Manifest::from_json(manifest)?;
        manifest.weights.check(weights)?;
        let size = [manifest.input.width, manifest.input.height];
        let (architecture, genres) = (&manifest.architecture, manifest.genres.len());
        let model = Model::with_weights(architecture, size, genres, weights, device)?;
        Ok(Self { manifest, model })
    }

    /// Loads a bundle in one file; see [`Bundle::to_file`].
    ///
    /// # Errors
    /// Those of [`Bundle::from_parts`], and [`NotABundle`](crate::Error::NotABundle).
    pub fn from_file(file: &[u8], device: &Device) -> Result<Self> {
        let (manifest, weights) = weights::split_manifest(file)?;
        Self::from_parts(&manifest, &weights, device)
    }

    /// Returns the bundle as the bytes of one file: the weights, with the manifest in their header. Fills in
    /// [`Manifest::weights`].
    ///
    /// # Errors
    /// Those of [`Bundle::to_parts`], and [`WeightsShape`](crate::Error::WeightsShape).
    pub async fn to_file(&mut self, precision: Precision) -> Result<Vec<u8>> {
        let (manifest, weights) = self.to_parts(precision).await?;
        weights::with_manifest(&weights, &manifest)
    }

    /// Returns the text of the manifest and the bytes of the weights, for [`Bundle::from_parts`]. Fills in
    /// [`Manifest::weights`].
    ///
    /// # Errors
    /// [`Compute`](crate::Error::Compute) or [`Manifest`](crate::Error::Manifest).
    pub async fn to_parts(&mut self, precision: Precision) -> Result<(String, Vec<u8>)> {
        let weights = self.encode(precision).await?;
        Ok((self.manifest.to_json()?, weights))
    }

    /// Loads the bundle in a folder, or in one file.
    ///
    /// # Errors
    /// Those of [`Bundle::from_file`], and [`File`](crate::Error::File).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read(path: &Path, device: &Device) -> Result<Self> {
        let (manifest, weights) = files::read_parts(path)?;
        Self::from_parts(&manifest, &weights, device)
    }

    /// Writes the bundle into the folder `dir`, replacing the bundle that is there. Fills in [`Manifest::weights`].
    /// If it is interrupted, the folder holds the old bundle or the new one.
    ///
    /// # Errors
    /// [`File`](crate::Error::File), and those of [`Bundle::to_parts`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn write(&mut self, dir: &Path, precision: Precision) -> Result<()> {
        let weights = pollster::block_on(self.encode(precision))?;
        files::write_parts(dir, &self.manifest, &weights)
    }

    async fn encode(&mut self, precision: Precision) -> Result<Vec<u8>> {
        let weights = self.model.encode(precision).await?;
        self.manifest.weights = WeightFile::describe(&weights);
        Ok(weights)
    }
}
