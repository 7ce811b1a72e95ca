//! Folds the batch norm between a seed-cnn's dense layers into the second one, so that the graph has one node less.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use marquee::architecture::seed_cnn::{NORM_TENSORS, fold_into_output, norm_scales};
use marquee::weights::NamedTensor;

/// Returns the tensors without those of `hidden_norm`, whose effect is in `output`. Models without this batch norm
/// stay as they are.
///
/// # Errors
/// Fails if one of the tensors is missing.
pub(super) fn fold_hidden_norm(tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>> {
    if !tensors.iter().any(|tensor| tensor.name.starts_with("hidden_norm.")) {
        return Ok(tensors);
    }
    let mut tensors: BTreeMap<String, NamedTensor> =
        tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let mut take = |name: &str| {
        tensors.remove(name).with_context(|| format!("the model has no tensor {name}"))
    };
    let [gamma, beta, mean, variance] =
        NORM_TENSORS.map(|name| take(&format!("hidden_norm.{name}")));
    let (mut weight, mut bias) = (take("output.weight")?, take("output.bias")?);
    let norm = norm_scales([&gamma?.values, &beta?.values, &mean?.values, &variance?.values]);
    fold_into_output(&norm, &mut weight.values, &mut bias.values);
    Ok(tensors.into_values().chain([weight, bias]).collect())
}
