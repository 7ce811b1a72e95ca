//! The models of [`crate::architecture`] in Burn, to classify and to train on any of its devices. [`crate::cpu`]
//! classifies without Burn.
//!
//! Each architecture has its own file. A parameter's name in a weight file is its path of field names in these
//! structs, without the name of the [`Model`] variant.

mod efficientnet_lite;
mod readback;
mod seed_cnn;
mod weights;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::architecture::{Architecture, Family, efficientnet_lite::PARTS};
use crate::contributions::Contributions;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::weights::Tensors;

pub use efficientnet_lite::EfficientNetLite;
pub(crate) use readback::read;
pub use seed_cnn::SeedCnn;

/// An architecture with its weights.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // only one exists at a time, and its tensors are on the heap
pub enum Model {
    /// See [`SeedCnn`].
    SeedCnn(SeedCnn),
    /// See [`EfficientNetLite`].
    EfficientNetLite(EfficientNetLite),
}

impl Model {
    /// Builds a model with random weights on `device`, for posters of `width` x `height` pixels and `genres`
    /// outputs.
    ///
    /// # Errors
    /// Those of [`Architecture::check`].
    pub fn init(
        architecture: &Architecture,
        [width, height]: [u32; 2],
        genres: usize,
        device: &Device,
    ) -> Result<Self> {
        architecture.check([width, height], genres)?;
        Ok(match architecture.family() {
            Family::SeedCnn(config) => {
                Self::SeedCnn(SeedCnn::init(config, [width, height], genres, device))
            }
            Family::EfficientNetLite(variant, config) => {
                Self::EfficientNetLite(EfficientNetLite::init(variant, config, genres, device))
            }
        })
    }

    /// Builds a model with the weights in the bytes of a safetensors file.
    ///
    /// # Errors
    /// [`Error::Architecture`] if the architecture does not accept `size` (width, height) or `genres`;
    /// [`Error::WeightsShape`] lists the tensors that are missing, unexpected, of another shape or not finite.
    pub fn with_weights(
        architecture: &Architecture,
        size: [u32; 2],
        genres: usize,
        weights: &[u8],
        device: &Device,
    ) -> Result<Self> {
        // Before anything is allocated: the sizes come from untrusted input, and the tensors must confirm them.
        let tensors = Tensors::read_for(architecture, size, genres, weights)?;
        Self::init(architecture, size, genres, device)?.load(tensors)
    }

    /// Returns the device of the weights.
    pub fn device(&self) -> Device {
        // Every model has parameters, so the default is never used.
        self.devices().into_iter().next().unwrap_or_default()
    }

    /// Returns the logits `[N, genres]` of normalised posters `[N, 3, height, width]`. The sigmoid of a logit
    /// is the genre's probability, independent of the others: a film may have several genres.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        match self {
            Self::SeedCnn(model) => model.forward(posters),
            Self::EfficientNetLite(model) => model.forward(posters),
        }
    }

    /// Returns the logits `[N, genres]` of the input of part `part`: of posters for part 0, otherwise of the
    /// output of the parts before it. See [`EfficientNetLite::run`]; a seed-cnn has only part 0.
    pub fn forward_from(&self, part: usize, x: Tensor<4>) -> Tensor<2> {
        match self {
            Self::EfficientNetLite(model) => model.classify(model.run(part..PARTS, x)),
            Self::SeedCnn(model) => model.forward(x),
        }
    }

    /// Returns what each place of the last feature map adds to each genre's logit, for one normalised poster
    /// `[1, 3, height, width]`; `None` if the head is not linear over a feature map.
    ///
    /// # Errors
    /// [`Error::Compute`] if the device fails.
    pub async fn contributions(&self, poster: Tensor<4>) -> Result<Option<Contributions>> {
        match self {
            Self::EfficientNetLite(model) => {
                let (maps, bias) = model.contributions(poster);
                Ok(Some(Contributions { maps: read(maps).await?, bias: read(bias).await? }))
            }
            Self::SeedCnn(_) => Ok(None),
        }
    }

    /// Returns the same model with the logits `(logit + shift) * scale`, with one shift and one scale per genre.
    pub fn calibrated(self, shifts: &[f32], scales: &[f32]) -> Self {
        match self {
            Self::EfficientNetLite(model) => {
                Self::EfficientNetLite(model.calibrated(shifts, scales))
            }
            Self::SeedCnn(model) => Self::SeedCnn(model.calibrated(shifts, scales)),
        }
    }
}

/// Returns the layer with the outputs `(output + shift) * scale`.
fn calibrated(mut layer: Linear, shifts: &[f32], scales: &[f32]) -> Linear {
    let device = layer.weight.device();
    let [shifts, scales] = [shifts, scales].map(|values| Tensor::<1>::from_floats(values, &device));
    layer.bias = layer.bias.map(|bias| bias.map(|bias| (bias + shifts) * scales.clone()));
    layer.weight = layer.weight.map(|weight| weight * scales.unsqueeze());
    layer
}
