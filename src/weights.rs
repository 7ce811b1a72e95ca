//! A network's weights as bytes and back: safetensors, in half precision or with most weights in 8 bits.
//!
//! In 8 bits, the weight of a convolution over several channels is kept as integers in -127..=127 with a scale
//! for each output channel, in a tensor beside it whose name ends in `.scale` (Krishnamoorthi 2018, "Quantizing
//! deep convolutional networks for efficient inference", section 2.2: symmetric, per channel). Every reader makes
//! floats of them first: what shrinks is the download.

#[cfg(feature = "burn")]
mod module;

use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::architecture::Architecture;
use crate::error::{Error, Result};

#[cfg(feature = "burn")]
pub(crate) use module::load;
#[cfg(feature = "burn")]
pub use module::{Precision, encode, tensors};

const SCALE: &str = ".scale";

/// Where the metadata of a bundle in one file holds the manifest.
const MANIFEST: &str = "marquee.manifest";

/// `weights` with `manifest` in its header's metadata: a bundle in one file, which every reader of safetensors
/// still reads.
///
/// # Errors
/// [`Error::WeightsShape`] where `weights` is not a safetensors file.
pub fn with_manifest(weights: &[u8], manifest: &str) -> Result<Vec<u8>> {
    let file = SafeTensors::deserialize(weights).map_err(unreadable)?;
    // Its kind of map depends on the target.
    let metadata = [(MANIFEST.to_owned(), manifest.to_owned())].into_iter().collect();
    safetensors::serialize(file.tensors(), Some(metadata)).map_err(unreadable)
}

/// The manifest and the weights that [`with_manifest`] joined.
///
/// # Errors
/// [`Error::NotABundle`].
pub fn split_manifest(file: &[u8]) -> Result<(String, Vec<u8>)> {
    let not_a_bundle = |reason: String| Error::NotABundle { reason };
    let (_, header) =
        SafeTensors::read_metadata(file).map_err(|error| not_a_bundle(error.to_string()))?;
    let manifest = header.metadata().as_ref().and_then(|metadata| metadata.get(MANIFEST));
    let manifest = manifest.ok_or_else(|| {
        not_a_bundle("it is a safetensors file without a manifest in its header".into())
    })?;
    Ok((manifest.clone(), canonical(file)?))
}

/// The same tensors without metadata, in the order in which they are always written.
fn canonical(bytes: &[u8]) -> Result<Vec<u8>> {
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    safetensors::serialize(file.tensors(), None).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::WeightsShape { reason: error.to_string() }
}

/// A tensor in full precision.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Path of the parameter, such as `stem.weight`.
    pub name: String,
    /// Sizes, the slowest first.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// The tensors of a file, by name.
#[derive(Debug)]
pub(crate) struct Tensors(BTreeMap<String, NamedTensor>);

impl Tensors {
    /// Reads a safetensors file in any of the precisions that weights are kept in.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] where it is none, or holds numbers of another kind.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let scales_another = name.strip_suffix(SCALE).is_some_and(|of| file.tensor(of).is_ok());
            if !scales_another {
                let (shape, values) = (view.shape().to_vec(), values(&file, &name, &view)?);
                tensors.insert(name.clone(), NamedTensor { name, shape, values });
            }
        }
        Ok(Self(tensors))
    }

    /// Reads the tensors of `architecture`, for posters of `size` (width and height) and so many genres.
    ///
    /// # Errors
    /// [`Error::Manifest`] where the architecture does not take that size; those of [`Self::read`] and
    /// [`Self::check`].
    pub(crate) fn read_for(
        architecture: &Architecture,
        size: [u32; 2],
        genres: usize,
        bytes: &[u8],
    ) -> Result<Self> {
        let tensors = Self::read(bytes)?;
        architecture.check(size, genres).map_err(|reason| Error::Manifest { reason })?;
        tensors.check(&architecture.tensors(size, genres))?;
        Ok(tensors)
    }

    /// Whether these are the tensors `expected`, by name and shape, in finite numbers.
    ///
    /// # Errors
    /// [`Error::WeightsShape`] lists all that are missing, superfluous, of another shape or not finite.
    fn check(&self, expected: &[(String, Vec<usize>)]) -> Result<()> {
        let of_network = expected.iter().filter_map(|(name, shape)| match self.0.get(name) {
            None => Some(format!("{name} is missing")),
            Some(tensor) if tensor.shape != *shape => {
                Some(format!("{name} is {:?} and not {shape:?}", tensor.shape))
            }
            Some(tensor) if tensor.values.iter().any(|value| !value.is_finite()) => {
                Some(format!("{name} holds values that are not finite numbers"))
            }
            Some(_) => None,
        });
        let superfluous =
            self.0.keys().filter(|name| expected.iter().all(|(other, _)| other != *name));
        let superfluous = superfluous.map(|name| format!("{name} is not part of it"));
        let problems: Vec<_> = of_network.chain(superfluous).collect();
        if problems.is_empty() { Ok(()) } else { Err(unreadable(problems.join("; "))) }
    }

    /// A tensor's values, row-major. It can be taken once.
    pub(crate) fn take(&mut self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.0.remove(name);
        tensor.map(|tensor| tensor.values).ok_or_else(|| unreadable(format!("{name} is missing")))
    }

    /// The weight and the bias of the layer at `path`.
    pub(crate) fn take_conv(&mut self, path: &str) -> Result<[Vec<f32>; 2]> {
        Ok([self.take(&format!("{path}.weight"))?, self.take(&format!("{path}.bias"))?])
    }
}

/// A tensor's values, whatever they are kept in.
fn values(file: &SafeTensors<'_>, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>> {
    match view.dtype() {
        Dtype::F32 => {
            let (floats, _) = view.data().as_chunks::<4>();
            Ok(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        Dtype::F16 => Ok(halves(view.data())),
        Dtype::I8 => {
            let scales = file.tensor(&format!("{name}{SCALE}")).map_err(unreadable)?;
            let scales = halves(scales.data());
            let size = view.data().len();
            if scales.is_empty() || size % scales.len() != 0 {
                return Err(unreadable(format!("{name}{SCALE} does not fit {name}")));
            }
            let mut values = Vec::with_capacity(size);
            let channels = view.data().chunks((size / scales.len()).max(1)).zip(&scales);
            for (channel, scale) in channels {
                values.extend(channel.iter().map(|&byte| f32::from(byte as i8) * scale));
            }
            Ok(values)
        }
        other => Err(unreadable(format!("{name} is kept as {other:?}, which is not read here"))),
    }
}

fn halves(bytes: &[u8]) -> Vec<f32> {
    let (halves, _) = bytes.as_chunks::<2>();
    halves.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()
}
