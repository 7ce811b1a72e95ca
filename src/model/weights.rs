//! Weights out of a Burn model and into one.
//!
//! Tensors are transferred one at a time. Burn's own store builds the whole file in full precision, 13 MB in one
//! allocation: when a page's wasm memory has no gap of that size, it grows, and never shrinks again.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::{Model, read};
use crate::error::{Error, Result};
use crate::weights::{
    self, CompactTensors, EncodedTensor, NamedTensor, Precision, Tensors, invalid_weights,
};

impl Model {
    /// Returns the weights as the bytes of a safetensors file. The same weights give the same bytes.
    ///
    /// # Errors
    /// [`Error::Compute`] if a tensor cannot be read back from its device, or holds NaN or infinite values.
    pub async fn encode(&self, precision: Precision) -> Result<Vec<u8>> {
        self.encode_each(|tensor| match precision {
            Precision::Half => vec![EncodedTensor::half(tensor)],
            Precision::Int8 => EncodedTensor::in_8_bits(tensor),
        })
        .await
    }

    /// Returns the weights as the bytes of a safetensors file: `tensors` as they are given, the others in 8 bits.
    ///
    /// # Errors
    /// Those of [`Self::encode`].
    pub async fn encode_compact(&self, tensors: &CompactTensors) -> Result<Vec<u8>> {
        self.encode_each(|tensor| EncodedTensor::compact(tensor, tensors)).await
    }

    /// Encodes each tensor by `encode`, batch norm in full precision.
    async fn encode_each(
        &self,
        encode: impl Fn(NamedTensor) -> Vec<EncodedTensor>,
    ) -> Result<Vec<u8>> {
        // Collected before reading: a browser's GPU has to be awaited, which a visitor cannot do.
        let mut tensors = Vec::new();
        for Parameter { name, shape, values, in_batch_norm } in Collector::collect(self) {
            let tensor = NamedTensor { name, shape, values: read(values).await? };
            if in_batch_norm {
                tensors.push(EncodedTensor::full(tensor));
            } else {
                tensors.extend(encode(tensor));
            }
        }
        weights::serialise(&tensors)
    }

    /// Returns every tensor, sorted by name. Blocks until the device has computed them, so it does not work on a
    /// browser's GPU.
    ///
    /// # Errors
    /// [`Error::Compute`] if a tensor cannot be read back from its device.
    pub fn tensors(&self) -> Result<Vec<NamedTensor>> {
        let failed = |reason: String| Error::Compute { reason };
        let parameters = Collector::collect(self).into_iter();
        let tensors = parameters.map(|Parameter { name, shape, values, .. }| {
            let data = values.try_into_data().map_err(|error| failed(error.to_string()))?;
            let values = data.try_into_vec().map_err(|error| failed(format!("{error:?}")))?;
            Ok(NamedTensor { name, shape, values })
        });
        let mut tensors: Vec<NamedTensor> = tensors.collect::<Result<_>>()?;
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tensors)
    }

    /// Replaces every parameter by the tensor of its name.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] lists the parameters for which there is no tensor of the same shape.
    pub(super) fn load(self, tensors: Tensors<'_>) -> Result<Self> {
        let mut loader = Loader { path: Path::default(), tensors, missing: Vec::new() };
        let model = self.map(&mut loader);
        match &loader.missing[..] {
            [] => Ok(model),
            missing => {
                let names = missing.join(", ");
                Err(invalid_weights(format!("no tensor of the right shape for {names}")))
            }
        }
    }
}

/// The position of a walk through a model's fields.
#[derive(Default)]
struct Path {
    /// Names of the fields from the root down.
    names: Vec<String>,
    /// Types that contain them.
    containers: Vec<String>,
}

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        // An enum's variant is not part of a tensor's name.
        if !container.starts_with("Enum:") {
            self.names.push(name.into());
        }
        self.containers.push(container.into());
    }

    fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.names.pop();
        }
        self.containers.pop();
    }

    /// Returns the name of the current parameter in a weight file.
    fn name(&self) -> String {
        self.names.join(".")
    }
}

/// Walks through a model and collects its parameters, still on their device.
#[derive(Default)]
struct Collector {
    path: Path,
    parameters: Vec<Parameter>,
}

struct Parameter {
    name: String,
    shape: Vec<usize>,
    values: Tensor<1>,
    in_batch_norm: bool,
}

impl Collector {
    fn collect(model: &Model) -> Vec<Parameter> {
        let mut collector = Self::default();
        model.visit(&mut collector);
        collector.parameters
    }
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val();
        self.parameters.push(Parameter {
            name: self.path.name(),
            shape: values.dims().to_vec(),
            values: values.reshape([-1]),
            in_batch_norm: self.path.containers.iter().any(|kind| kind == "Struct:BatchNorm"),
        });
    }
}

/// Walks through a model and replaces its parameters.
struct Loader<'a> {
    path: Path,
    tensors: Tensors<'a>,
    /// Parameters without a fitting tensor.
    missing: Vec<String>,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        match self.tensors.take_shaped(&name, &param.lazy_shape().to_vec()) {
            Some(tensor) => {
                let data = TensorData::new(tensor.values, tensor.shape);
                let (id, device) = (param.id, param.lazy_device());
                param.transform_for_load(Tensor::from_data(data, &device), id)
            }
            None => {
                self.missing.push(name);
                param
            }
        }
    }
}
