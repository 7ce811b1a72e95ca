//! Initial weights from a bundle: training continues where another one ended.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use marquee::{Architecture, BundleFiles, Error, Model};

/// Returns the bundle in `path`, a folder or one file; `None` for a file of pretrained weights of another kind.
///
/// # Errors
/// Fails if `path` is a folder without a bundle, or if the bundle is damaged.
pub(crate) fn read_bundle(path: &Path) -> Result<Option<BundleFiles>> {
    let is_folder = path.is_dir();
    if !is_folder && path.extension().is_none_or(|extension| extension != "safetensors") {
        return Ok(None);
    }
    match BundleFiles::read(path) {
        Ok(files) => Ok(Some(files)),
        Err(Error::NotABundle { .. }) if !is_folder => Ok(None),
        Err(error) => Err(error).with_context(|| format!("--pretrained {}", path.display())),
    }
}

/// Builds a model with the weights of a bundle. A genre that both have keeps its weights in the head; each other one
/// starts at its frequency in `genres`.
///
/// # Errors
/// Fails if the bundle has another architecture, or its head is not linear over a feature map.
pub(crate) fn model_from_bundle(
    files: &BundleFiles,
    architecture: &Architecture,
    input: [u32; 2],
    genres: &[(&str, f32)],
    device: &Device,
) -> Result<Model> {
    let manifest = files.manifest();
    let (theirs, ours) = (manifest.architecture.name(), architecture.name());
    ensure!(
        theirs == ours,
        "the bundle has the architecture {theirs}, not {ours}: set architecture.name"
    );
    let outputs = manifest.genres.len();
    let model = Model::with_weights(architecture, input, outputs, files.weights(), device)?;
    let Model::EfficientNetLite(lite) = model else {
        bail!("a {ours} cannot start from a bundle: omit --pretrained");
    };
    let (weight, bias) = lite.head();
    let column = |&(name, frequency): &(&str, f32)| match manifest
        .genres
        .iter()
        .position(|genre| genre.name == name)
    {
        Some(index) => {
            let weight = weight.clone().narrow(1, index, 1);
            let bias = bias.clone().narrow(0, index, 1);
            (weight / manifest.temperature, bias / manifest.temperature)
        }
        None => {
            let logit = (frequency / (1.0 - frequency)).ln();
            (weight.clone().narrow(1, 0, 1).zeros_like(), Tensor::from_floats([logit], device))
        }
    };
    let (weights, biases) = genres.iter().map(column).unzip::<_, _, Vec<_>, Vec<_>>();
    // Detached: the new head is a parameter, not a function of the old one.
    Ok(Model::EfficientNetLite(lite.with_head(Linear {
        weight: Param::from_tensor(Tensor::cat(weights, 1).detach()),
        bias: Some(Param::from_tensor(Tensor::cat(biases, 0).detach())),
    })))
}
