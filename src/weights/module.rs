//! The weights of a Burn network as bytes and back.

use burn::module::{Module, ModuleVisitor, Param};
use burn_store::{ModuleSnapshot, SafetensorsStore};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{NamedTensor, SCALE, Tensors, halves, unreadable};
use crate::error::Result;
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
    // Burn's own writer waits for the device, which a browser's GPU does not allow.
    let mut reader = Reader::default();
    model.visit(&mut reader);
    let mut tensors = Vec::with_capacity(reader.tensors.len());
    for Pending { name, shape, values, keep_precision } in reader.tensors {
        let values = crate::classifier::read(values).await?;
        let (dtype, bytes) = if keep_precision {
            (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        } else {
            let halves = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes());
            (Dtype::F16, halves.collect())
        };
        tensors.push(Tensor { name, dtype, shape, bytes });
    }
    let bytes = serialise(&tensors)?;
    match precision {
        Precision::Half => Ok(bytes),
        Precision::Int8 => quantise(&bytes),
    }
}

/// Walks through a network and takes hold of its tensors, still on their device.
#[derive(Default)]
struct Reader {
    /// The names of the fields down to where it is.
    path: Vec<String>,
    /// The types that hold them.
    containers: Vec<String>,
    tensors: Vec<Pending>,
}

struct Pending {
    name: String,
    shape: Vec<usize>,
    values: burn::tensor::Tensor<1>,
    keep_precision: bool,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container: &str) {
        // The variant of an enum is no part of a tensor's name.
        if !container.starts_with("Enum:") {
            self.path.push(name.into());
        }
        self.containers.push(container.into());
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<burn::tensor::Tensor<D>>) {
        let values = param.val();
        self.tensors.push(Pending {
            name: self.path.join("."),
            shape: values.dims().to_vec(),
            values: values.reshape([-1]),
            keep_precision: self.containers.iter().any(|kind| kind == "Struct:BatchNorm"),
        });
    }
}

/// Fills `model` with `tensors`, which were checked to be its own.
///
/// # Errors
/// [`crate::Error::WeightsShape`] where they are not.
pub(crate) fn load(tensors: Tensors, model: &mut Model) -> Result<()> {
    let tensors = tensors.0.into_values().map(|tensor| Tensor {
        name: tensor.name,
        dtype: Dtype::F32,
        shape: tensor.shape,
        bytes: tensor.values.into_iter().flat_map(f32::to_le_bytes).collect(),
    });
    let bytes = serialise(&tensors.collect::<Vec<_>>())?;
    let mut store = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
    model.load_from(&mut store).map(drop).map_err(unreadable)
}

/// Every tensor of `model`, by name.
///
/// # Errors
/// [`crate::Error::WeightsShape`] where a tensor cannot be read back from its device.
pub fn tensors(model: &Model) -> Result<Vec<NamedTensor>> {
    Ok(Tensors::of(model)?.0.into_values().collect())
}

impl Tensors {
    /// Those of `model`, whose device must be one that can be waited for.
    ///
    /// # Errors
    /// [`crate::Error::WeightsShape`] where a tensor cannot be read back from its device.
    pub(crate) fn of(model: &Model) -> Result<Self> {
        let mut store = SafetensorsStore::from_bytes(None).skip_enum_variants(true);
        let saved = model.save_into(&mut store).and_then(|()| store.get_bytes());
        Self::read(&saved.map_err(unreadable)?)
    }
}

/// A tensor that is to be written.
struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn serialise(tensors: &[Tensor]) -> Result<Vec<u8>> {
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
        tensors.push(Tensor { name, dtype: Dtype::I8, shape, bytes: integers });
        tensors.push(Tensor {
            name: scale,
            dtype: Dtype::F16,
            shape: vec![outputs],
            bytes: scales,
        });
    }
    serialise(&tensors)
}

fn unchanged(name: String, view: &TensorView<'_>) -> Tensor {
    Tensor { name, dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() }
}
