//! A bundle whose weights are loaded into a Burn model.

#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use burn::tensor::Device;

use super::{BundleFiles, Manifest};
use crate::error::Result;
use crate::model::Model;
use crate::weights::{CompactTensors, Precision};

/// A manifest and the model that it describes, on one of Burn's devices. [`BundleFiles`] is the same without Burn.
#[derive(Debug)]
pub struct Bundle {
    /// Everything about the model except for its weights. [`Manifest::weights`] describes the file that it was loaded
    /// from, and only counts there: [`Bundle::encode`] describes the new weights.
    pub manifest: Manifest,
    /// The model, on the device on which it was loaded.
    pub model: Model,
}

impl Bundle {
    /// Builds the model on `device`.
    ///
    /// # Errors
    /// [`WeightsShape`](crate::Error::WeightsShape) if the weights are not those of the manifest's architecture;
    /// [`Architecture`](crate::Error::Architecture) if it does not accept the manifest's sizes.
    pub fn load(files: &BundleFiles, device: &Device) -> Result<Self> {
        let manifest = files.manifest().clone();
        let size = [manifest.input.width, manifest.input.height];
        let (architecture, genres) = (&manifest.architecture, manifest.genres.len());
        let model = Model::with_weights(architecture, size, genres, files.weights(), device)?;
        Ok(Self { manifest, model })
    }

    /// Loads the bundle in a folder, or in one file.
    ///
    /// # Errors
    /// Those of [`BundleFiles::read`] and [`Bundle::load`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::load(&BundleFiles::read(path)?, device)
    }

    /// Returns the bundle's files, with the weights in the given precision.
    ///
    /// # Errors
    /// [`Compute`](crate::Error::Compute) if a tensor cannot be read back from its device.
    pub async fn encode(&self, precision: Precision) -> Result<BundleFiles> {
        Ok(BundleFiles::new(self.manifest.clone(), self.model.encode(precision).await?))
    }

    /// Returns the bundle's files, with `tensors` as they are given and the others in 8 bits.
    ///
    /// # Errors
    /// [`Compute`](crate::Error::Compute) if a tensor cannot be read back from its device.
    pub async fn encode_compact(&self, tensors: &CompactTensors) -> Result<BundleFiles> {
        let weights = self.model.encode_compact(tensors).await?;
        Ok(BundleFiles::new(self.manifest.clone(), weights))
    }
}
