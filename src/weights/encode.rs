//! Tensors to safetensors bytes, in half precision or 8 bits.

use half::f16;
use safetensors::tensor::Dtype;

use super::{NamedTensor, SCALE, container, decode_half};
use crate::error::Result;

/// The number format of stored weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Half precision, except for batch norm, whose variances would underflow.
    Half,
    /// 8 bits for convolution weights with at least 8 input channels, half precision for the rest.
    Int8,
}

/// Fewest input channels of an 8-bit weight. Smaller weights are few, and rounding them costs more accuracy.
const MIN_INPUTS: usize = 8;

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

    /// Quantises a half-precision convolution weight to 8 bits and returns it with its scales. Other tensors, and
    /// weights that [`QuantisedWeight::new`] leaves alone, are returned unchanged.
    pub(crate) fn quantise(self) -> Vec<Self> {
        if self.dtype != Dtype::F16 {
            return vec![self];
        }
        let Some(weight) = QuantisedWeight::new(&self.shape, &decode_half(&self.bytes)) else {
            return vec![self];
        };
        let QuantisedWeight { integers, scales } = weight;
        let scales = Self::half(NamedTensor {
            name: self.name.clone() + SCALE,
            shape: vec![scales.len()],
            values: scales,
        });
        let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
        vec![Self { dtype: Dtype::I8, bytes, ..self }, scales]
    }
}

/// A convolution weight in 8 bits: each value is an integer times the scale of its output channel.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantisedWeight {
    /// Row-major, -127..=127.
    pub integers: Vec<i8>,
    /// One per output channel, above 0; each is a half-precision number.
    pub scales: Vec<f32>,
}

impl QuantisedWeight {
    /// Quantises a convolution weight `[outputs, inputs, rows, columns]`. Returns `None` for other tensors, and for
    /// weights with fewer than 8 inputs, such as those of depthwise convolutions.
    pub fn new(shape: &[usize], values: &[f32]) -> Option<Self> {
        let &[outputs, inputs, _, _] = shape else { return None };
        if inputs < MIN_INPUTS || values.is_empty() {
            return None;
        }
        let mut scales = Vec::with_capacity(outputs);
        let mut integers = Vec::with_capacity(values.len());
        for channel in values.chunks(values.len() / outputs) {
            let largest = channel.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
            // Divide by the scale as it is stored, in half precision; it must not be 0.
            let scale = f16::from_f32(largest / 127.0).max(f16::MIN_POSITIVE).to_f32();
            scales.push(scale);
            let integer = |value: &f32| (value / scale).round().clamp(-127.0, 127.0) as i8;
            integers.extend(channel.iter().map(integer));
        }
        Some(Self { integers, scales })
    }
}

/// Returns the bytes of a safetensors file. They do not depend on the order of `tensors`.
pub(crate) fn serialise(tensors: &[EncodedTensor]) -> Result<Vec<u8>> {
    let entries = tensors.iter().map(|EncodedTensor { name, dtype, shape, bytes }| {
        container::Entry::new(name, *dtype, shape, bytes)
    });
    Ok(container::serialise(entries.collect::<Result<_>>()?, None))
}
