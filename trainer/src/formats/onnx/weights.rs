//! The graph's constants. Convolution and dense weights may be stored in half precision or in 8 bits; a node in front
//! of the first use converts them back, so that every engine computes in full precision.

use half::f16;
use marquee::weights::{NamedTensor, QuantisedWeight};

use super::graph::{GraphBuilder, int};
use super::proto::Tensor;
use super::{FLOAT, FLOAT16, INT8};

/// How the weights of layers are stored. Biases and batch norm are small and stay in full precision.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum OnnxWeights {
    /// 32-bit floats.
    #[default]
    Full,
    /// 16-bit floats, converted by a `Cast` node.
    Half,
    /// 8-bit integers with a scale per output channel, converted by a `DequantizeLinear` node; 16-bit floats where
    /// a bundle has them too.
    Int8,
}

impl GraphBuilder {
    /// Adds a tensor of the model as it is stored in `weights`. Nodes refer to it by its name.
    pub(super) fn stored(&mut self, tensor: &NamedTensor, weights: OnnxWeights) {
        let NamedTensor { name, shape, values } = tensor;
        let dims: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        // Layers have more than one dimension, biases and batch norm have one.
        let is_small = weights == OnnxWeights::Full || shape.len() < 2;
        if is_small {
            return self.constant(name, &dims, values);
        }
        self.shapes.insert(name.clone(), dims.clone());
        let quantised = match weights {
            OnnxWeights::Int8 => QuantisedWeight::new(shape, values),
            _ => None,
        };
        if let Some(QuantisedWeight { integers, scales }) = quantised {
            let (quantised, scale) = (format!("{name}.int8"), format!("{name}.scale"));
            let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
            self.raw(&quantised, INT8, dims, bytes);
            self.constant(&scale, &[scales.len() as i64], &scales);
            let inputs = [quantised.as_str(), scale.as_str()];
            self.named_node("DequantizeLinear", &inputs, name, vec![int("axis", 0)]);
        } else {
            let half = format!("{name}.half");
            let bytes =
                values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
            self.raw(&half, FLOAT16, dims, bytes);
            self.named_node("Cast", &[&half], name, vec![int("to", FLOAT.into())]);
        }
    }

    /// Adds a constant in full precision.
    pub(super) fn constant(&mut self, name: &str, dims: &[i64], values: &[f32]) {
        self.shapes.insert(name.into(), dims.into());
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.raw(name, FLOAT, dims.into(), bytes);
    }

    fn raw(&mut self, name: &str, data_type: i32, dims: Vec<i64>, raw_data: Vec<u8>) {
        self.tensors.push(Tensor { dims, data_type, name: name.into(), raw_data });
    }
}
