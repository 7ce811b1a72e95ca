//! Tensors to safetensors bytes, in half precision or 8 bits.

use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::Dtype;

use super::{NamedTensor, SCALE, container};
use crate::error::Result;

/// The number format of stored weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Half precision, except for batch norm, whose variances would underflow.
    Half,
    /// 8 bits for convolution weights with at least 8 input channels and for weights that were in 8 bits before; half
    /// precision for the rest.
    Int8,
}

/// Fewest input channels of a weight that is rounded to 8 bits. Smaller weights are few, and rounding them to the nearest
/// integers costs more accuracy.
const MIN_INPUTS: usize = 8;

/// Largest relative error of rounding to half precision, which has 11 significant bits, and a little more.
const HALF_ERROR: f32 = 1.01 / 2048.0;

/// A tensor as it is written to a file.
pub(crate) struct EncodedTensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl EncodedTensor {
    /// Encodes a tensor in full precision.
    pub(crate) fn full(NamedTensor { name, shape, values }: NamedTensor) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F32, shape, bytes }
    }

    /// Encodes a tensor in half precision.
    pub(crate) fn half(NamedTensor { name, shape, values }: NamedTensor) -> Self {
        let bytes = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        Self { name, dtype: Dtype::F16, shape, bytes }
    }

    /// Encodes a convolution weight in 8 bits, followed by its scales; other tensors, and weights that
    /// [`QuantisedWeight::new`] leaves alone, in half precision.
    pub(crate) fn in_8_bits(tensor: NamedTensor) -> Vec<Self> {
        match QuantisedWeight::new(&tensor.shape, &tensor.values) {
            Some(weight) => Self::quantised(tensor.name, tensor.shape, weight),
            None => vec![Self::half(tensor)],
        }
    }

    /// Encodes the replacement in `tensors`, if there is one, or this tensor in 8 bits.
    pub(crate) fn compact(tensor: NamedTensor, tensors: &CompactTensors) -> Vec<Self> {
        if let Some(weight) = tensors.weights.get(&tensor.name) {
            return Self::quantised(tensor.name, tensor.shape, weight.clone());
        }
        match tensors.biases.get(&tensor.name) {
            Some(values) => vec![Self::half(NamedTensor { values: values.clone(), ..tensor })],
            None => Self::in_8_bits(tensor),
        }
    }

    fn quantised(name: String, shape: Vec<usize>, weight: QuantisedWeight) -> Vec<Self> {
        let QuantisedWeight { integers, scales } = weight;
        let scales = Self::half(NamedTensor {
            name: name.clone() + SCALE,
            shape: vec![scales.len()],
            values: scales,
        });
        let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
        vec![Self { name, dtype: Dtype::I8, shape, bytes }, scales]
    }
}

/// A convolution weight in at most 8 bits: each value is an integer times the scale of its output channel.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantisedWeight {
    /// Row-major, -127..=127.
    pub integers: Vec<i8>,
    /// One per output channel, above 0; each is a half-precision number.
    pub scales: Vec<f32>,
}

impl QuantisedWeight {
    /// Quantises a convolution weight `[outputs, inputs, rows, columns]` to 8 bits. A weight that was quantised before,
    /// to however many bits, keeps its values, even if they were rounded to half precision meanwhile. Returns `None` for
    /// other tensors, and for weights with fewer than 8 inputs that were not quantised before.
    pub fn new(shape: &[usize], values: &[f32]) -> Option<Self> {
        let &[outputs, inputs, _, _] = shape else { return None };
        if values.is_empty() {
            return None;
        }
        let channels = || values.chunks(values.len() / outputs);
        let mut scales = Vec::with_capacity(outputs);
        for channel in channels() {
            match Self::former_scale(channel) {
                Some(scale) => scales.push(scale),
                None if inputs < MIN_INPUTS => return None,
                None => scales.push(Self::scale(channel, 127)),
            }
        }
        Some(Self::with_scales(channels(), scales))
    }

    /// Returns a weight of `outputs` channels that was quantised before, however coarsely; `None` for other weights.
    pub fn former(values: &[f32], outputs: usize) -> Option<Self> {
        let channels = || values.chunks((values.len() / outputs).max(1));
        let scales = channels().map(Self::former_scale).collect::<Option<Vec<f32>>>()?;
        Some(Self::with_scales(channels(), scales))
    }

    /// Rounds each channel to the nearest multiples of its scale.
    fn with_scales<'a>(channels: impl Iterator<Item = &'a [f32]>, scales: Vec<f32>) -> Self {
        let rounded = channels.zip(&scales).flat_map(|(channel, &scale)| round(channel, scale));
        Self { integers: rounded.collect(), scales }
    }

    /// Quantises the filters of a depthwise convolution, of `size` values each, to 8 bits, keeping the sum of each filter as
    /// well as integers allow. Neighbouring pixels are similar, so the error of an output is roughly the error of this sum
    /// times a pixel.
    pub fn of_filters(filters: &[f32], size: usize) -> Self {
        let filters = || filters.chunks(size);
        let scales: Vec<f32> = filters().map(|filter| Self::scale(filter, 127)).collect();
        let rounded = filters().zip(&scales).flat_map(|(filter, &scale)| {
            let mut integers: Vec<i8> = round(filter, scale).collect();
            keep_sum(filter, scale, &mut integers);
            integers
        });
        Self { integers: rounded.collect(), scales }
    }

    /// Returns the scale of an output channel whose weights were quantised before: they are its multiples, up to their
    /// rounding to half precision. Of several such scales, it is the one with the smallest errors.
    fn former_scale(channel: &[f32]) -> Option<f32> {
        let scales = (1..=127).flat_map(|largest| {
            let nearest = f16::from_f32(Self::scale(channel, largest)).to_bits();
            [nearest, nearest - 1, nearest + 1].map(|bits| f16::from_bits(bits).to_f32())
        });
        let errors = scales.filter_map(|scale| Some((error_of_multiples(channel, scale)?, scale)));
        errors.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, scale)| scale)
    }

    /// Returns the scale, as it is stored, that is `step` times the root mean square of an output channel's weights. It is
    /// larger if 127 of it would not cover them.
    pub fn scale_of_step(channel: &[f32], step: f32) -> f32 {
        let squares: f32 = channel.iter().map(|value| value * value).sum();
        let scale = step * (squares / channel.len() as f32).sqrt();
        f16::from_f32(scale).to_f32().max(Self::scale(channel, 127))
    }

    /// Returns the smallest scale, as it is stored, with which `largest` times the scale covers the weights of an
    /// output channel, or nearly so: the scale is rounded to half precision.
    pub fn scale(channel: &[f32], largest: i8) -> f32 {
        let value = channel.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        // It must not be 0.
        f16::from_f32(value / f32::from(largest)).max(f16::MIN_POSITIVE).to_f32()
    }
}

/// Returns the sum of the squared errors with which weights are multiples of a scale; `None` if one is not, or is more than
/// 127 times as large.
fn error_of_multiples(weights: &[f32], scale: f32) -> Option<f32> {
    let mut sum = 0.0;
    for weight in weights {
        let integer = (weight / scale).round();
        let error = weight - integer * scale;
        if error.abs() > weight.abs() * HALF_ERROR || integer.abs() > 127.0 {
            return None;
        }
        sum += error * error;
    }
    Some(sum)
}

/// Rounds the weights of an output channel to the nearest integers.
fn round(channel: &[f32], scale: f32) -> impl Iterator<Item = i8> {
    channel.iter().map(move |value| (value / scale).round().clamp(-127.0, 127.0) as i8)
}

/// Adjusts `integers` until their sum is the rounded sum of `channel / scale`: the weights with the largest rounding errors
/// move to the next integer.
fn keep_sum(channel: &[f32], scale: f32, integers: &mut [i8]) {
    let rows = channel.iter().zip(integers);
    let mut lost: Vec<(f32, &mut i8)> =
        rows.map(|(value, integer)| (value / scale - f32::from(*integer), integer)).collect();
    let missing = lost.iter().map(|(lost, _)| lost).sum::<f32>().round();
    lost.sort_by(|(a, _), (b, _)| (b * missing).total_cmp(&(a * missing)));
    for (_, integer) in lost.into_iter().take(missing.abs() as usize) {
        *integer = (i16::from(*integer) + missing.signum() as i16).clamp(-127, 127) as i8;
    }
}

/// Replacements for a model's tensors when it is stored, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompactTensors {
    /// Convolution weights that were quantised.
    pub weights: BTreeMap<String, QuantisedWeight>,
    /// Biases, corrected for the mean error of the rounded weights.
    pub biases: BTreeMap<String, Vec<f32>>,
}

/// Returns the bytes of a safetensors file. They do not depend on the order of `tensors`.
pub(crate) fn serialise(tensors: &[EncodedTensor]) -> Result<Vec<u8>> {
    let entries = tensors.iter().map(|EncodedTensor { name, dtype, shape, bytes }| {
        container::Entry::new(name, *dtype, shape, bytes)
    });
    Ok(container::serialise(entries.collect::<Result<_>>()?, None))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failing test should say where

    use super::*;

    #[test]
    fn weights_that_were_quantised_keep_their_values() {
        for largest in [7_i8, 15, 31, 127] {
            // Each output channel has its largest integer somewhere, and a scale of its own.
            let channel =
                (0..40).map(|index: i16| (index * 7 % (i16::from(largest) * 2 + 1)) as i8);
            let integers: Vec<i8> = channel.map(|integer| integer.wrapping_sub(largest)).collect();
            let mut weight = [integers.clone(), integers].concat();
            weight[3] = largest;
            weight[45] = -largest;
            let scales = [0.0123, 1.7].map(|scale| f16::from_f32(scale).to_f32());
            let values = weight.chunks(40).zip(scales).flat_map(|(channel, scale)| {
                channel.iter().map(move |&integer| f32::from(integer) * scale)
            });
            let values: Vec<f32> = values.collect();
            let again = QuantisedWeight::new(&[2, 40, 1, 1], &values).unwrap();
            assert_eq!(again.integers, weight, "{largest}");
            assert_eq!(again.scales, scales, "{largest}");
        }
    }

    #[test]
    fn few_weights_keep_their_values_exactly_too() {
        for integers in
            [[127, 15, 15, 15, 15, 15, 15, 15, 15], [-90, 3, -7, 11, 12, -14, 101, 1, 0]]
        {
            for scale in [0.25, 0.0123, 0.007, 1.7, 0.0003] {
                let scale = f16::from_f32(scale).to_f32();
                let values = integers.map(|integer: i8| f32::from(integer) * scale);
                let again = QuantisedWeight::new(&[1, 1, 3, 3], &values).unwrap();
                assert_eq!((again.scales[0], again.integers), (scale, integers.to_vec()));
            }
        }
    }

    #[test]
    fn weights_that_were_quantised_and_stored_in_half_precision_are_found() {
        let integers = [-90, 3, -7, 11, 12, -14, 101, 1, 0];
        let scale = f16::from_f32(0.0123).to_f32();
        let stored = integers.map(|integer: i8| f16::from_f32(f32::from(integer) * scale).to_f32());
        let again = QuantisedWeight::new(&[1, 1, 3, 3], &stored).unwrap();
        assert_eq!((again.scales[0], again.integers), (scale, integers.to_vec()));
    }

    #[test]
    fn the_sum_of_a_depthwise_filter_is_kept() {
        // Rounded to the nearest, each of the nine weights would lose 0.4 of a step.
        let filter = [127.0, 1.4, 2.4, 3.4, 4.4, 5.4, 6.4, 7.4, 8.4];
        let QuantisedWeight { integers, scales } = QuantisedWeight::of_filters(&filter, 9);
        assert_eq!(scales, [1.0]);
        let sum: i32 = integers.iter().map(|integer| i32::from(*integer)).sum();
        assert_eq!(sum, filter.iter().sum::<f32>().round() as i32);
        for (integer, value) in integers.iter().zip(filter) {
            assert!((f32::from(*integer) - value).abs() < 1.0, "{integer} {value}");
        }
    }

    #[test]
    fn small_weights_and_linear_layers_are_left_alone() {
        let shapes: [&[usize]; 4] = [&[8, 3, 3, 3], &[8, 7, 1, 1], &[8, 1, 3, 3], &[8, 72]];
        for shape in shapes {
            let values = (0..shape.iter().product()).map(|index: usize| (index as f32).sin());
            let values: Vec<f32> = values.collect();
            assert_eq!(QuantisedWeight::new(shape, &values), None, "{shape:?}");
        }
    }
}
