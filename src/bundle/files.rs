//! A bundle as its files hold it, without Burn: the manifest, and the bytes of the weights that it describes.

#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

#[cfg(not(target_arch = "wasm32"))]
use super::folder;
use super::{Manifest, WeightFile};
use crate::error::Result;
use crate::weights;

/// A manifest, and the bytes of the weights that it describes. They always match: a damaged or foreign weight file
/// is refused when they are joined.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleFiles {
    manifest: Manifest,
    weights: Vec<u8>,
}

impl BundleFiles {
    /// Joins a manifest with new weights, the bytes of a safetensors file. Fills in [`Manifest::weights`].
    pub fn new(mut manifest: Manifest, weights: Vec<u8>) -> Self {
        manifest.weights = WeightFile::describe(&weights);
        Self { manifest, weights }
    }

    /// Parses the text of a `model.json` and checks that `weights` have the length and the hash in it.
    ///
    /// # Errors
    /// Those of [`Manifest::from_json`] and [`WeightFile::check`].
    pub fn from_parts(manifest: &str, weights: Vec<u8>) -> Result<Self> {
        let manifest = Manifest::from_json(manifest)?;
        manifest.weights.check(&weights)?;
        Ok(Self { manifest, weights })
    }

    /// Splits and checks the bytes of a bundle in one file; see [`Self::to_single_file`].
    ///
    /// # Errors
    /// Those of [`weights::split_manifest`] and [`Self::from_parts`].
    pub fn from_single_file(file: &[u8]) -> Result<Self> {
        let (manifest, weights) = weights::split_manifest(file)?;
        Self::from_parts(&manifest, weights)
    }

    /// Reads the bundle in a folder, or in one file.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File), and those of [`Self::from_single_file`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        folder::read(path.as_ref())
    }

    /// Writes the bundle into the folder `dir`, which is created if needed, and replaces the bundle that is there: its
    /// manifest, and the weight file that this manifest names. Other files stay. If it is interrupted, the folder holds
    /// the old bundle or the new one.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) or [`Error::Manifest`](crate::Error::Manifest).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<()> {
        folder::write(dir.as_ref(), self)
    }

    /// Returns the bundle as the bytes of one file: the weights, with the manifest in their header.
    ///
    /// # Errors
    /// [`Error::Manifest`](crate::Error::Manifest), and those of [`weights::with_manifest`].
    pub fn to_single_file(&self) -> Result<Vec<u8>> {
        weights::with_manifest(&self.weights, &self.manifest.to_json()?)
    }

    /// Returns everything about the model except for its weights.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the bytes of the weight file.
    pub fn weights(&self) -> &[u8] {
        &self.weights
    }

    /// Returns the manifest and the bytes of the weight file.
    pub fn into_parts(self) -> (Manifest, Vec<u8>) {
        (self.manifest, self.weights)
    }
}
