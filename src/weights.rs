//! Model weights as safetensors bytes, without Burn: reading, checking and the single-file bundle.
//!
//! Tensors are stored in half precision or in 8 bits. In 8 bits, the weights of convolutions are integers in
//! -127..=127, with one scale per output channel in a second tensor named `<weight>.scale` (Krishnamoorthi 2018,
//! "Quantizing deep convolutional networks for efficient inference", section 2.2: symmetric, per channel). Every reader
//! may convert them back to `f32`. Fewer different integers are stored in 8 bits too; they make the file smaller once it is
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

/// The tensors of a weight file, by name. Each is decoded when it is taken: all tensors of an 8-bit file together would
/// take four times its size, and a page's wasm memory never shrinks.
#[derive(Debug)]
pub(crate) struct Tensors<'a> {
    tensors: BTreeMap<String, StoredTensor<'a>>,
}

/// A tensor as the file stores it.
#[derive(Debug)]
struct StoredTensor<'a> {
    shape: Vec<usize>,
    values: Values<'a>,
}

/// The values of a tensor, in row-major order.
#[derive(Debug)]
enum Values<'a> {
    /// The bytes of `f32`.
    Single(&'a [u8]),
    /// The bytes of `f16`.
    Half(&'a [u8]),
    /// Integers of 8 bits, and the scales of their output channels.
    Quantised { integers: &'a [u8], scales: Vec<f32> },
    /// Values that are already decoded.
    #[cfg(feature = "autodiff")]
    Decoded(Vec<f32>),
}

impl<'a> Values<'a> {
    /// Returns the values of the tensor `name` in `file`.
    fn read(file: &SafeTensors<'a>, name: &str, view: &TensorView<'a>) -> Result<Self> {
        let bytes = view.data();
        match view.dtype() {
            Dtype::F32 => Ok(Self::Single(bytes)),
            Dtype::F16 => Ok(Self::Half(bytes)),
            Dtype::I8 => {
                let scales = channel_scales(file, name, bytes.len())?;
                Ok(Self::Quantised { integers: bytes, scales })
            }
            other => Err(invalid_weights(format!(
                "{name} is stored as {other:?}, not as F32, F16 or I8"
            ))),
        }
    }

    fn decode(self) -> Vec<f32> {
        match self {
            Self::Single(bytes) => singles(bytes).collect(),
            Self::Half(bytes) => halves(bytes).collect(),
            Self::Quantised { integers, scales } => {
                let mut values = Vec::with_capacity(integers.len());
                for (channel, scale) in integers.chunks(integers.len() / scales.len()).zip(scales) {
                    values.extend(channel.iter().map(|&byte| f32::from(byte as i8) * scale));
                }
                values
            }
            #[cfg(feature = "autodiff")]
            Self::Decoded(values) => values,
        }
    }

    fn are_finite(&self) -> bool {
        match self {
            Self::Single(bytes) => singles(bytes).all(f32::is_finite),
            Self::Half(bytes) => halves(bytes).all(f32::is_finite),
            // The largest half-precision number times 127 is finite.
            Self::Quantised { scales, .. } => scales.iter().all(|scale| scale.is_finite()),
            #[cfg(feature = "autodiff")]
            Self::Decoded(values) => values.iter().all(|value| value.is_finite()),
        }
    }
}

impl<'a> Tensors<'a> {
    /// Reads a safetensors file whose tensors are stored as `f32`, `f16`, or 8-bit integers with scales.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] if the bytes are not a safetensors file or a tensor has another type.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(invalid_weights)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let is_scale = name.strip_suffix(SCALE).is_some_and(|of| file.tensor(of).is_ok());
            if !is_scale {
                let values = Values::read(&file, &name, &view)?;
                tensors.insert(name, StoredTensor { shape: view.shape().to_vec(), values });
            }
        }
        Ok(Self { tensors })
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
        bytes: &'a [u8],
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
            Some(tensor) if !tensor.values.are_finite() => {
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
        Ok(tensor.values.decode())
    }

    /// Returns the scales of an 8-bit tensor, one per output channel; `None` for another tensor.
    pub(crate) fn scales(&self, name: &str) -> Option<&[f32]> {
        match &self.tensors.get(name)?.values {
            Values::Quantised { scales, .. } => Some(scales),
            _ => None,
        }
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
        let StoredTensor { shape, values } =
            self.tensors.remove(name).filter(|tensor| tensor.shape == shape)?;
        Some(NamedTensor { name: name.into(), shape, values: values.decode() })
    }
}

#[cfg(feature = "autodiff")]
impl FromIterator<NamedTensor> for Tensors<'_> {
    fn from_iter<T: IntoIterator<Item = NamedTensor>>(tensors: T) -> Self {
        let tensors = tensors.into_iter().map(|NamedTensor { name, shape, values }| {
            (name, StoredTensor { shape, values: Values::Decoded(values) })
        });
        Self { tensors: tensors.collect() }
    }
}

/// Returns the scales of the 8-bit tensor `name`, which divide its `size` values into channels.
fn channel_scales(file: &SafeTensors<'_>, name: &str, size: usize) -> Result<Vec<f32>> {
    let scales = file.tensor(&format!("{name}{SCALE}")).map_err(invalid_weights)?;
    if scales.dtype() != Dtype::F16 {
        let dtype = scales.dtype();
        return Err(invalid_weights(format!("{name}{SCALE} is stored as {dtype:?}, not as F16")));
    }
    let scales: Vec<f32> = halves(scales.data()).collect();
    if scales.is_empty() || size == 0 || !size.is_multiple_of(scales.len()) {
        let count = scales.len();
        let reason = format!("{name} has {size} values, but {name}{SCALE} has {count}");
        return Err(invalid_weights(reason));
    }
    Ok(scales)
}

fn singles(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32())
}

pub(crate) fn invalid_weights(error: impl std::fmt::Display) -> Error {
    Error::WeightsShape { reason: error.to_string() }
}
