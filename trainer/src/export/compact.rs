//! Compact weights: large 1x1 convolutions in coarse steps, rounded by how their inputs vary on posters; depthwise
//! convolutions in 8 bits.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use marquee::weights::{
    CompactTensors, InputStatistics, NamedTensor, QuantisedWeight, RoundedLayer,
};
use marquee::{Bundle, Model};

use crate::data::posters::Poster;
use crate::inference;

/// Training posters on which the inputs are measured.
pub(crate) const SAMPLES: usize = 1_280;

/// Fewest weights of a layer that is rounded in coarse steps. Smaller layers keep 8 bits: they hold little.
const FEWEST: usize = 4_000;

/// Number of weights of the layer that [`LARGE_STEP`] is for.
const LARGE_WEIGHTS: f32 = 400_000.0;

/// Step of a layer of [`LARGE_WEIGHTS`] weights, in root mean squares of an output's weights.
const LARGE_STEP: f32 = 0.35;

/// Weights that were rounded to at least this fraction of their layer's step are not rounded again.
const FORMER_STEP: f32 = 0.9;

/// Returns the step to which the weights of a layer with this many weights are rounded, in root mean squares of an
/// output's weights.
///
/// Halving a layer's step takes one more bit for each of its weights, and quarters its noise, which is proportional to the
/// square of the step. If the noise of all layers matters equally, its sum is smallest for a given number of bits where each
/// layer's noise is proportional to its number of weights.
fn step(weights: usize) -> Option<f32> {
    (weights >= FEWEST).then(|| LARGE_STEP * (weights as f32 / LARGE_WEIGHTS).sqrt())
}

/// Returns the rounded weights of the depthwise convolutions and of the 1x1 convolutions that are large enough, and the
/// corrected biases of the latter; nothing for a model that has no such convolutions.
pub(crate) fn round(
    bundle: &Bundle,
    samples: &[Poster],
    device: &Device,
) -> Result<CompactTensors> {
    let statistics = input_statistics(bundle, samples, device)?;
    let tensors = bundle.model.tensors()?;
    let mut compact = CompactTensors::default();
    for NamedTensor { name, shape, values } in &tensors {
        if let (&[_, 1, height, width], Model::EfficientNetLite(_)) = (&shape[..], &bundle.model) {
            let filters = QuantisedWeight::of_filters(values, height * width);
            compact.weights.insert(name.clone(), filters);
        }
        let Some((inputs, step)) = statistics.get(name).zip(step(values.len())) else { continue };
        if let Some(former) = already_rounded(values, shape[0], step) {
            compact.weights.insert(name.clone(), former);
            continue;
        }
        let layer = RoundedLayer::new(values, inputs, step).with_context(|| name.clone())?;
        let bias = name.strip_suffix("weight").map(|path| format!("{path}bias"));
        let bias = tensors.iter().find(|tensor| Some(&tensor.name) == bias.as_ref());
        let NamedTensor { name: bias_name, values: biases, .. } =
            bias.with_context(|| format!("{name} has no bias"))?;
        let biases = biases.iter().zip(&layer.bias_changes).map(|(bias, change)| bias + change);
        compact.biases.insert(bias_name.clone(), biases.collect());
        compact.weights.insert(name.clone(), layer.weight);
    }
    Ok(compact)
}

/// Returns a layer's weights if they were already rounded to about `step`: rounding them again would add error.
fn already_rounded(values: &[f32], outputs: usize, step: f32) -> Option<QuantisedWeight> {
    let former = QuantisedWeight::former(values, outputs)?;
    let channels = values.chunks(values.len() / outputs).zip(&former.scales);
    let is_coarse = |(channel, &scale): (&[f32], &f32)| {
        scale >= FORMER_STEP * QuantisedWeight::scale_of_step(channel, step)
    };
    channels.into_iter().all(is_coarse).then_some(former)
}

/// Measures the inputs of these convolutions on `samples`. Returns their statistics by the name of the weight.
fn input_statistics(
    bundle: &Bundle,
    samples: &[Poster],
    device: &Device,
) -> Result<BTreeMap<String, InputStatistics>> {
    let mut statistics: BTreeMap<String, InputStatistics> = BTreeMap::new();
    let Model::EfficientNetLite(model) = &bundle.model else { return Ok(statistics) };
    let share = 1.0 / samples.len() as f64;
    inference::map_batches("measuring layers", samples, |batch| {
        let posters = bundle.manifest.input.batch(&inference::pixels(batch)?, device)?;
        let mut measured = Vec::new();
        model.visit_pointwise(posters, &mut |name, outputs, input| {
            if step(outputs * input.dims()[1]).is_some() {
                measured.push((name.to_owned(), means(input)));
            }
        });
        let share = share * batch.len() as f64;
        for (name, [means, products]) in measured {
            let [means, products] = [means.try_into_vec_as()?, products.try_into_vec_as()?];
            let sums = statistics.entry(name).or_insert_with(|| InputStatistics {
                means: vec![0.0; means.len()],
                covariances: vec![0.0; products.len()],
            });
            let add = |sums: &mut [f64], values: Vec<f32>| {
                let pairs = sums.iter_mut().zip(values);
                pairs.for_each(|(sum, value)| *sum += f64::from(value) * share);
            };
            add(&mut sums.means, means);
            add(&mut sums.covariances, products);
        }
        Ok(Vec::<()>::new())
    })?;
    // So far, the covariances are mean products.
    for InputStatistics { means, covariances } in statistics.values_mut() {
        for (index, value) in covariances.iter_mut().enumerate() {
            *value -= means[index / means.len()] * means[index % means.len()];
        }
    }
    Ok(statistics)
}

/// Returns the mean of each channel, `[1, channels]`, and the mean products of two channels, `[channels, channels]`, over
/// the places of maps `[N, channels, H, W]`.
fn means(maps: Tensor<4>) -> [Tensor<2>; 2] {
    let [posters, channels, height, width] = maps.dims();
    let places = posters * height * width;
    let rows = maps.swap_dims(0, 1).reshape([channels, places]);
    let means = rows.clone().mean_dim(1).transpose();
    [means, rows.clone().matmul(rows.transpose()) / places as f32]
}
