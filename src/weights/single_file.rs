//! A bundle in one file: a safetensors file whose header metadata holds the manifest.
//!
//! Unlike an archive it has no paths to escape through and nothing to unpack, and every safetensors reader
//! opens it.

use safetensors::tensor::SafeTensors;

use super::invalid_weights;
use crate::error::{Error, Result};

/// Metadata key of the manifest.
const MANIFEST: &str = "marquee.manifest";

/// Returns `weights` with `manifest`, the text of a `model.json`, in the header metadata.
///
/// # Errors
/// [`Error::WeightsShape`] if `weights` is not a safetensors file.
pub fn with_manifest(weights: &[u8], manifest: &str) -> Result<Vec<u8>> {
    let file = SafeTensors::deserialize(weights).map_err(invalid_weights)?;
    // Collected without naming the map type, which depends on the target.
    let metadata = [(MANIFEST.to_owned(), manifest.to_owned())].into_iter().collect();
    safetensors::serialize(file.tensors(), Some(metadata)).map_err(invalid_weights)
}

/// Returns the manifest and the weights that [`with_manifest`] joined. They are not checked against each other.
///
/// # Errors
/// [`Error::NotABundle`] if `file` is not a safetensors file with a manifest in its header;
/// [`Error::WeightsShape`] if its tensors cannot be read.
pub fn split_manifest(file: &[u8]) -> Result<(String, Vec<u8>)> {
    let not_a_bundle = |reason: String| Error::NotABundle { reason };
    let (_, header) =
        SafeTensors::read_metadata(file).map_err(|error| not_a_bundle(error.to_string()))?;
    let manifest = header.metadata().as_ref().and_then(|metadata| metadata.get(MANIFEST));
    let manifest = manifest.ok_or_else(|| {
        not_a_bundle("it is a safetensors file without a manifest in its header".into())
    })?;
    Ok((manifest.clone(), without_metadata(file)?))
}

/// Serialises the same tensors again without metadata: the bytes whose hash the manifest contains.
fn without_metadata(bytes: &[u8]) -> Result<Vec<u8>> {
    let file = SafeTensors::deserialize(bytes).map_err(invalid_weights)?;
    safetensors::serialize(file.tensors(), None).map_err(invalid_weights)
}
