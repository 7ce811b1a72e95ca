//! The weights of a Burn network as bytes and back.
//!
//! Burn's own store passes through one file in full precision, 13 MB in one piece: where a page's memory has no
//! such gap left, it grows and is never given back. Here weights go over tensor by tensor.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{NamedTensor, SCALE, Tensors, halves, unreadable};
use crate::error::{Error, Result};
use crate::model::Model;

/// How weights are kept in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Half precision but for batch norm, whose variances would underflow.
    Half,
    /// 8 bits where a weight has [`MIN_INPUTS`] input channels or more, half precision elsewhere.
    Int8,
}

/// Fewest input channels of a weight in 8 bits: of smaller ones there are few, and each counts for more.
const MIN_INPUTS: usize = 8;

/// The weights of `model`, in an order that depends on nothing else.
///
/// # Errors
/// [`crate::Error::Compute`] where a tensor cannot be read back from its device.
pub async fn encode(model: &Model, precision: Precision) -> Result<Vec<u8>> {
    // Not read while it walks: a browser's GPU must be awaited.
    let mut tensors = Vec::new();
    for Held { name, shape, values, of_batch_norm } in Reader::hold(model) {
        let values = crate::classifier::read(values).await?;
        let (dtype, bytes) = if of_batch_norm {
            (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        } else {
            let halves = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes());
            (Dtype::F16, halves.collect())
        };
        tensors.push(Stored { name, dtype, shape, bytes });
    }
    let bytes = serialise(&tensors)?;
    match precision {
        Precision::Half => Ok(bytes),
        Precision::Int8 => quantise(&bytes),
    }
}

/// Where a walk through a network is.
#[derive(Default)]
struct Path {
    /// The names of the fields down to there.
    names: Vec<String>,
    /// The types that hold them.
    containers: Vec<String>,
}

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        // The variant of an enum is no part of a tensor's name.
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

    /// Of the tensor there, as in a weight file.
    fn name(&self) -> String {
        self.names.join(".")
    }
}

/// Walks through a network and takes hold of its tensors, still on their device.
#[derive(Default)]
struct Reader {
    path: Path,
    held: Vec<Held>,
}

struct Held {
    name: String,
    shape: Vec<usize>,
    values: Tensor<1>,
    of_batch_norm: bool,
}

impl Reader {
    fn hold(model: &Model) -> Vec<Held> {
        let mut reader = Self::default();
        model.visit(&mut reader);
        reader.held
    }
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val();
        self.held.push(Held {
            name: self.path.name(),
            shape: values.dims().to_vec(),
            values: values.reshape([-1]),
            of_batch_norm: self.path.containers.iter().any(|kind| kind == "Struct:BatchNorm"),
        });
    }
}

/// Walks through a network and puts tensors into it.
struct Writer {
    path: Path,
    tensors: Tensors,
    /// Where there was nothing to put.
    missing: Vec<String>,
}

impl ModuleMapper for Writer {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        match self.tensors.0.remove(&name) {
            Some(tensor) if tensor.shape == param.lazy_shape().to_vec() => {
                let data = TensorData::new(tensor.values, tensor.shape);
                let (id, device) = (param.id, param.lazy_device());
                param.transform_for_load(Tensor::from_data(data, &device), id)
            }
            _ => {
                self.missing.push(name);
                param
            }
        }
    }
}

/// `model` with `tensors`, which were checked to be its own.
///
/// # Errors
/// [`crate::Error::WeightsShape`] where they are not.
pub(crate) fn load(tensors: Tensors, model: Model) -> Result<Model> {
    let mut writer = Writer { path: Path::default(), tensors, missing: Vec::new() };
    let model = model.map(&mut writer);
    match &writer.missing[..] {
        [] => Ok(model),
        missing => Err(unreadable(format!("nothing fits {}", missing.join(", ")))),
    }
}

/// Every tensor of `model`, by name.
///
/// # Errors
/// [`crate::Error::Compute`] where a tensor cannot be read back from its device.
pub fn tensors(model: &Model) -> Result<Vec<NamedTensor>> {
    Ok(Tensors::of(model)?.0.into_values().collect())
}

impl Tensors {
    /// Those of `model`, whose device must be one that can be waited for.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] where a tensor cannot be read back from its device.
    pub(crate) fn of(model: &Model) -> Result<Self> {
        let failed = |reason: String| Error::Compute { reason };
        let held = Reader::hold(model).into_iter();
        let tensors = held.map(|Held { name, shape, values, .. }| {
            let data = values.try_into_data().map_err(|error| failed(error.to_string()))?;
            let values = data.try_into_vec().map_err(|error| failed(format!("{error:?}")))?;
            Ok((name.clone(), NamedTensor { name, shape, values }))
        });
        tensors.collect::<Result<_>>().map(Self)
    }
}

/// A tensor that is to be written.
struct Stored {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn serialise(tensors: &[Stored]) -> Result<Vec<u8>> {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        view.map(|view| (tensor.name.as_str(), view)).map_err(unreadable)
    });
    let views: Vec<_> = views.collect::<Result<_>>()?;
    safetensors::serialize(views, None).map_err(unreadable)
}

fn quantise(bytes: &[u8]) -> Result<Vec<u8>> {
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        let shape = view.shape().to_vec();
        let [outputs, inputs, ..] = shape[..] else {
            tensors.push(unchanged(name, &view));
            continue;
        };
        if shape.len() != 4 || inputs < MIN_INPUTS || view.dtype() != Dtype::F16 {
            tensors.push(unchanged(name, &view));
            continue;
        }
        let values = halves(view.data());
        let mut scales = Vec::with_capacity(outputs);
        let mut integers = Vec::with_capacity(values.len());
        for channel in values.chunks(values.len() / outputs) {
            let largest = channel.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
            // Rounded as it is kept, and never 0.
            let scale = f16::from_f32(largest / 127.0).max(f16::MIN_POSITIVE);
            let integer = |value: &f32| (value / scale.to_f32()).round().clamp(-127.0, 127.0) as i8;
            scales.extend(scale.to_le_bytes());
            integers.extend(channel.iter().flat_map(|value| integer(value).to_le_bytes()));
        }
        let scale = name.clone() + SCALE;
        tensors.push(Stored { name, dtype: Dtype::I8, shape, bytes: integers });
        tensors.push(Stored {
            name: scale,
            dtype: Dtype::F16,
            shape: vec![outputs],
            bytes: scales,
        });
    }
    serialise(&tensors)
}

fn unchanged(name: String, view: &TensorView<'_>) -> Stored {
    Stored { name, dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() }
}
