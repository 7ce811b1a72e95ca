//! The manifest's entry about the weight file, by which a damaged or foreign file is detected.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The weight file of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightFile {
    /// File name, in the folder of the manifest.
    pub file: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

impl WeightFile {
    /// Describes a weight file with the contents `bytes`, named by its hash: `model-<12 digits>.safetensors`.
    pub fn describe(bytes: &[u8]) -> Self {
        let sha256 = hex(&Sha256::digest(bytes));
        let file = format!("model-{}.safetensors", sha256.get(..12).unwrap_or(&sha256));
        Self { file, bytes: bytes.len() as u64, sha256 }
    }

    /// Checks that `bytes` have the length and the hash of this file.
    ///
    /// # Errors
    /// [`Error::WeightsLength`] or [`Error::WeightsHash`].
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        self.check_length(bytes)?;
        self.check_hash(&Sha256::digest(bytes))
    }

    /// Checks the length alone.
    ///
    /// # Errors
    /// [`Error::WeightsLength`].
    pub(crate) fn check_length(&self, bytes: &[u8]) -> Result<()> {
        let (expected, found) = (self.bytes, bytes.len() as u64);
        if expected == found {
            return Ok(());
        }
        Err(Error::WeightsLength { file: self.file.clone(), expected, found })
    }

    /// Checks `hash`, the SHA-256 of the bytes.
    ///
    /// # Errors
    /// [`Error::WeightsHash`].
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
