//! Model weights as safetensors bytes, without Burn: reading, checking and the single-file bundle.
//!
//! Tensors are stored in half precision or in 8 bits. In 8 bits, the weight of a convolution is stored as integers in
//! -127..=127, with one scale per output channel in a second tensor named `<weight>.scale` (Krishnamoorthi 2018,
//! "Quantizing deep convolutional networks for efficient inference", section 2.2: symmetric, per channel). Every reader
//! may convert them back to `f32`. Integers of fewer bits are stored in 8 bits too; they make the file smaller once it is
//! compressed.

mod container;
#[cfg(feature = "burn")]
mod encode;
#[cfg(feature = "rayon")]
#[allow(clippy::indexing_slicing)] // it reads no file
mod rounding;
mod single_file;

use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::architecture::Architecture;
use crate::error::{Error, Result};

#[cfg(feature = "burn")]
pub use encode::{CompactTensors, Precision, QuantisedWeight};
#[cfg(feature = "burn")]
pub(crate) use encode::{EncodedTensor, serialise};
#[cfg(feature = "rayon")]
pub use rounding::{InputStatistics, RoundedLayer};
pub use single_file::{split_manifest, with_manifest};

/// Suffix of the tensor that holds the scales of an 8-bit weight.
const SCALE: &str = ".scale";

/// A tensor in full precision.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Path of the parameter, such as `stem.weight`.
    pub name: String,
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

/// The tensors of a weight file, by name.
#[derive(Debug)]
pub(crate) struct Tensors {
    tensors: BTreeMap<String, NamedTensor>,
    /// The scales of the 8-bit ones, by their names; one per output channel.
    scales: BTreeMap<String, Vec<f32>>,
}

impl Tensors {
    /// Reads a safetensors file whose tensors are stored as `f32`, `f16`, or 8-bit integers with scales.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] if the bytes are not a safetensors file or a tensor has another type.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(invalid_weights)?;
        let mut tensors = BTreeMap::new();
        let mut scales = BTreeMap::new();
        for (name, view) in file.tensors() {
            let is_scale = name.strip_suffix(SCALE).is_some_and(|of| file.tensor(of).is_ok());
            if !is_scale {
                let of_channels = (view.dtype() == Dtype::I8)
                    .then(|| channel_scales(&file, &name, &view))
                    .transpose()?;
                let (shape, values) = (view.shape().to_vec(), decode(&name, &view, &of_channels)?);
                tensors.insert(name.clone(), NamedTensor { name: name.clone(), shape, values });
                scales.extend(of_channels.map(|of_channels| (name, of_channels)));
            }
        }
        Ok(Self { tensors, scales })
    }

    /// Reads the weights of an `architecture` for posters of `size` (width, height) and `genres` outputs.
    ///
    /// # Errors
    /// [`Error::Architecture`] if the architecture does not accept these sizes; otherwise those of [`Self::read`] and
    /// [`Self::check`].
    pub(crate) fn read_for(
        architecture: &Architecture,
        size: [u32; 2],
        genres: usize,
        bytes: &[u8],
    ) -> Result<Self> {
        let tensors = Self::read(bytes)?;
        architecture.check(size, genres)?;
        tensors.check(&architecture.tensors(size, genres))?;
        Ok(tensors)
    }

    /// Checks that these are exactly the `expected` tensors, by name and shape, and that all values are finite.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] lists every tensor that is missing, unexpected, of another shape or not finite.
    fn check(&self, expected: &[(String, Vec<usize>)]) -> Result<()> {
        let wrong = expected.iter().filter_map(|(name, shape)| match self.tensors.get(name) {
            None => Some(format!("{name} is missing")),
            Some(tensor) if tensor.shape != *shape => {
                Some(format!("{name} has the shape {:?}, expected {shape:?}", tensor.shape))
            }
            Some(tensor) if tensor.values.iter().any(|value| !value.is_finite()) => {
                Some(format!("{name} contains NaN or infinite values"))
            }
            Some(_) => None,
        });
        let unexpected =
            self.tensors.keys().filter(|name| expected.iter().all(|(other, _)| other != *name));
        let unexpected = unexpected.map(|name| format!("{name} is unexpected"));
        let problems: Vec<_> = wrong.chain(unexpected).collect();
        if problems.is_empty() { Ok(()) } else { Err(invalid_weights(problems.join("; "))) }
    }

    /// Removes a tensor and returns its values in row-major order.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] if there is no tensor of that name, or it was taken before.
    pub(crate) fn take(&mut self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.tensors.remove(name);
        let tensor = tensor.ok_or_else(|| invalid_weights(format!("{name} is missing")))?;
        Ok(tensor.values)
    }

    /// Removes the scales of an 8-bit tensor, one per output channel, and returns them; `None` for another tensor.
    pub(crate) fn take_scales(&mut self, name: &str) -> Option<Vec<f32>> {
        self.scales.remove(name)
    }

    /// Removes the weight and the bias of the layer at `path` and returns them.
    ///
    /// # Errors
    /// Those of [`Self::take`].
    pub(crate) fn take_layer(&mut self, path: &str) -> Result<[Vec<f32>; 2]> {
        Ok([self.take(&format!("{path}.weight"))?, self.take(&format!("{path}.bias"))?])
    }

    /// Removes a tensor and returns it if it has the expected shape.
    #[cfg(feature = "burn")]
    pub(crate) fn take_shaped(&mut self, name: &str, shape: &[usize]) -> Option<NamedTensor> {
        self.tensors.remove(name).filter(|tensor| tensor.shape == shape)
    }
}

#[cfg(feature = "autodiff")]
impl FromIterator<NamedTensor> for Tensors {
    fn from_iter<T: IntoIterator<Item = NamedTensor>>(tensors: T) -> Self {
        let tensors = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor));
        Self { tensors: tensors.collect(), scales: BTreeMap::new() }
    }
}

/// Returns the scales of an 8-bit tensor, which divide its values into channels.
fn channel_scales(file: &SafeTensors<'_>, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>> {
    let scales = file.tensor(&format!("{name}{SCALE}")).map_err(invalid_weights)?;
    let scales = decode_half(scales.data());
    let size = view.data().len();
    if scales.is_empty() || size % scales.len() != 0 {
        let count = scales.len();
        let reason = format!("{name} has {size} values, but {name}{SCALE} has {count}");
        return Err(invalid_weights(reason));
    }
    Ok(scales)
}

/// Returns a stored tensor's values as `f32`. An 8-bit tensor has `scales`.
fn decode(name: &str, view: &TensorView<'_>, scales: &Option<Vec<f32>>) -> Result<Vec<f32>> {
    match view.dtype() {
        Dtype::F32 => {
            let (floats, _) = view.data().as_chunks::<4>();
            Ok(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        Dtype::F16 => Ok(decode_half(view.data())),
        Dtype::I8 => {
            let scales = scales.as_deref().unwrap_or_default();
            let size = view.data().len();
            let mut values = Vec::with_capacity(size);
            let channels = view.data().chunks((size / scales.len().max(1)).max(1)).zip(scales);
            for (channel, scale) in channels {
                values.extend(channel.iter().map(|&byte| f32::from(byte as i8) * scale));
            }
            Ok(values)
        }
        other => {
            Err(invalid_weights(format!("{name} is stored as {other:?}, not as F32, F16 or I8")))
        }
    }
}

fn decode_half(bytes: &[u8]) -> Vec<f32> {
    let (halves, _) = bytes.as_chunks::<2>();
    halves.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()
}

pub(crate) fn invalid_weights(error: impl std::fmt::Display) -> Error {
    Error::WeightsShape { reason: error.to_string() }
}
