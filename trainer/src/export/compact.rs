//! Compact weights: those of a model's large 1x1 convolutions in 5 bits, rounded by how their inputs vary on posters.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use marquee::weights::{NamedTensor, QuantisedWeight, QuantisedWeights, SecondMoments};
use marquee::{Bundle, Model};

use crate::data::posters::Poster;
use crate::inference;

/// Training posters on which the inputs are measured.
pub(crate) const SAMPLES: usize = 320;

/// Bits of the rounded weights.
const BITS: u32 = 5;

/// Fewest values of a weight that is rounded. Smaller ones are few, and rounding them costs the most accuracy.
const LARGE: usize = 80_000;

/// Returns the weights of the large 1x1 convolutions, rounded; none for a model that has no such convolutions.
pub(crate) fn round(
    bundle: &Bundle,
    samples: &[Poster],
    device: &Device,
) -> Result<QuantisedWeights> {
    let moments = second_moments(bundle, samples, device)?;
    let mut weights = QuantisedWeights::new();
    for NamedTensor { name, values, .. } in bundle.model.tensors()? {
        if let Some(moments) = moments.get(&name) {
            let rounded = QuantisedWeight::rounded(&values, moments, BITS);
            weights.insert(name.clone(), rounded.with_context(|| name)?);
        }
    }
    Ok(weights)
}

/// Measures the inputs of the large 1x1 convolutions on `samples`. Returns the second moments by the name of the weight.
fn second_moments(
    bundle: &Bundle,
    samples: &[Poster],
    device: &Device,
) -> Result<BTreeMap<String, SecondMoments>> {
    let mut moments = BTreeMap::new();
    let Model::EfficientNetLite(model) = &bundle.model else { return Ok(moments) };
    let share = 1.0 / samples.len() as f64;
    inference::map_batches("measuring layers", samples, |batch| {
        let posters = bundle.manifest.input.batch(&inference::pixels(batch)?, device)?;
        let mut products = Vec::new();
        model.visit_pointwise(posters, &mut |name, outputs, input| {
            let channels = input.dims()[1];
            if outputs * channels < LARGE {
                return;
            }
            products.push((name.to_owned(), channels, mean_products(input)));
        });
        for (name, channels, products) in products {
            let products: Vec<f32> = products.try_into_vec_as()?;
            let sum = moments.entry(name).or_insert_with(|| SecondMoments {
                values: vec![0.0; channels * channels],
                channels,
            });
            let share = share * batch.len() as f64;
            for (sum, product) in sum.values.iter_mut().zip(products) {
                *sum += f64::from(product) * share;
            }
        }
        Ok(Vec::<()>::new())
    })?;
    Ok(moments)
}

/// Returns the mean products of two channels, `[channels, channels]`, over the places of maps `[N, channels, H, W]`.
fn mean_products(maps: Tensor<4>) -> Tensor<2> {
    let [posters, channels, height, width] = maps.dims();
    let places = posters * height * width;
    let rows = maps.swap_dims(0, 1).reshape([channels, places]);
    rows.clone().matmul(rows.transpose()) / places as f32
}
