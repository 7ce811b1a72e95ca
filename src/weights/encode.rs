//! Tensors to safetensors bytes, in half precision or 8 bits.

use half::f16;
use safetensors::tensor::{Dtype, TensorView};

use super::{NamedTensor, SCALE, decode_half, invalid_weights};
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

    /// Quantises a half-precision convolution weight `[outputs, inputs, rows, columns]` to 8 bits and returns it
    /// with its scales. Other tensors, and weights with fewer than [`MIN_INPUTS`] inputs, are returned unchanged.
    pub(crate) fn quantise(self) -> Vec<Self> {
        let &[outputs, inputs, _, _] = &self.shape[..] else { return vec![self] };
        if inputs < MIN_INPUTS || self.dtype != Dtype::F16 {
            return vec![self];
        }
        let values = decode_half(&self.bytes);
        let mut scales = Vec::with_capacity(outputs);
        let mut integers = Vec::with_capacity(values.len());
        for channel in values.chunks(values.len() / outputs) {
            let largest = channel.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
            // Divide by the scale as it is stored, in half precision; it must not be 0.
            let scale = f16::from_f32(largest / 127.0).max(f16::MIN_POSITIVE);
            let integer = |value: &f32| (value / scale.to_f32()).round().clamp(-127.0, 127.0) as i8;
            scales.extend(scale.to_le_bytes());
            integers.extend(channel.iter().flat_map(|value| integer(value).to_le_bytes()));
        }
        let scale_name = self.name.clone() + SCALE;
        let scales =
            Self { name: scale_name, dtype: Dtype::F16, shape: vec![outputs], bytes: scales };
        vec![Self { dtype: Dtype::I8, bytes: integers, ..self }, scales]
    }
}

/// Returns the bytes of a safetensors file. They do not depend on the order of `tensors`.
pub(crate) fn serialise(tensors: &[EncodedTensor]) -> Result<Vec<u8>> {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        view.map(|view| (tensor.name.as_str(), view)).map_err(invalid_weights)
    });
    let views: Vec<_> = views.collect::<Result<_>>()?;
    safetensors::serialize(views, None).map_err(invalid_weights)
}
