//! A bundle in one file: a safetensors file whose header metadata holds the manifest.
//!
//! Unlike an archive it has no paths to escape through and nothing to unpack, and every safetensors reader
//! opens it. Another program may write it again, with its tensors in another order: the hash in the manifest is that
//! of the weights as [`serialise`] writes them.

use std::collections::BTreeMap;

use safetensors::tensor::SafeTensors;

use super::container::{Entry, serialise};
use super::invalid_weights;
use crate::error::{Error, Result};

/// Metadata key of the manifest.
const MANIFEST: &str = "marquee.manifest";

/// Returns `weights` with `manifest`, the text of a `model.json`, in the header metadata.
///
/// # Errors
/// [`Error::WeightsShape`] if `weights` is not a safetensors file.
pub fn with_manifest(weights: &[u8], manifest: &str) -> Result<Vec<u8>> {
    let metadata = serde_json::to_string(&BTreeMap::from([(MANIFEST, manifest)]));
    rewrite(weights, Some(&metadata.map_err(invalid_weights)?))
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
    // Without metadata, these are the bytes whose hash the manifest contains.
    Ok((manifest.clone(), rewrite(file, None)?))
}

/// Writes the tensors of a safetensors file again, with other metadata.
fn rewrite(file: &[u8], metadata: Option<&str>) -> Result<Vec<u8>> {
    let tensors = SafeTensors::deserialize(file).map_err(invalid_weights)?.tensors();
    let entries = tensors
        .iter()
        .map(|(name, view)| Entry::new(name, view.dtype(), view.shape(), view.data()));
    Ok(serialise(entries.collect::<Result<_>>()?, metadata))
}
