//! The networks of [`crate::architecture`] with Burn: on any of its devices, to classify or to train. The cpu
//! package does without; see [`crate::cpu`].
//!
//! One file an architecture. Tensor names in a weight file are the field names there, without the variant's
//! name.

mod efficientnet_lite;
mod seed_cnn;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::architecture::{Architecture, Family, efficientnet_lite::PARTS};
use crate::error::Error;
use crate::weights::{self, Tensors};

pub use efficientnet_lite::{Contributions, EfficientNetLite};
pub use seed_cnn::SeedCnn;

/// A layer whose outputs are `(output + shift) * scale`.
fn calibrated(mut layer: Linear, shifts: &[f32], scales: &[f32]) -> Linear {
    let device = layer.weight.device();
    let [shifts, scales] = [shifts, scales].map(|values| Tensor::<1>::from_floats(values, &device));
    layer.bias = layer.bias.map(|bias| bias.map(|bias| (bias + shifts) * scales.clone()));
    layer.weight = layer.weight.map(|weight| weight * scales.unsqueeze());
    layer
}

/// A network with its weights.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there is one at a time, and its tensors are elsewhere
pub enum Model {
    /// See [`SeedCnn`].
    SeedCnn(SeedCnn),
    /// See [`EfficientNetLite`].
    EfficientNetLite(EfficientNetLite),
}

impl Model {
    /// A network with fresh, random weights on `device`, for posters of `width` x `height` pixels and
    /// `genres` outputs.
    ///
    /// # Errors
    /// Those of [`Architecture::check`].
    pub fn init(
        architecture: &Architecture,
        [width, height]: [u32; 2],
        genres: usize,
        device: &Device,
    ) -> Result<Self, String> {
        architecture.check([width, height], genres)?;
        Ok(match architecture.family() {
            Family::SeedCnn(config) => {
                Self::SeedCnn(SeedCnn::init(config, [width, height], genres, device))
            }
            Family::EfficientNetLite(size, config) => {
                Self::EfficientNetLite(EfficientNetLite::init(size, config, genres, device))
            }
        })
    }

    /// The network with the weights in the bytes of a safetensors file.
    ///
    /// # Errors
    /// Those of [`crate::cpu::Network::new`].
    pub fn with_weights(
        architecture: &Architecture,
        size: [u32; 2],
        genres: usize,
        weights: &[u8],
        device: &Device,
    ) -> crate::Result<Self> {
        // First of all, so that nothing is built of which a stranger only says how large it is.
        let tensors = Tensors::read_for(architecture, size, genres, weights)?;
        let model = Self::init(architecture, size, genres, device);
        weights::load(tensors, model.map_err(|reason| Error::Manifest { reason })?)
    }

    /// Logits `[N, genres]` of what comes into a part of the network: of posters with part 0, of the feature
    /// maps of the parts in front of it otherwise (see [`EfficientNetLite::run`]; a seed-cnn has part 0 alone).
    pub fn forward_from(&self, part: usize, x: Tensor<4>) -> Tensor<2> {
        match self {
            Self::EfficientNetLite(model) => model.classify(model.run(part..PARTS, x)),
            Self::SeedCnn(model) => model.forward(x),
        }
    }

    /// For each genre what every place of the last feature map adds to its logit, `[N, genres, rows, columns]`;
    /// `None` where the head is not linear over a feature map.
    pub fn contributions(&self, posters: Tensor<4>) -> Option<Contributions> {
        match self {
            Self::EfficientNetLite(model) => Some(model.contributions(posters)),
            Self::SeedCnn(_) => None,
        }
    }

    /// The same network, whose logits are `(logit + shift) * scale`, with one of each for each genre.
    pub fn calibrated(self, shifts: &[f32], scales: &[f32]) -> Self {
        match self {
            Self::EfficientNetLite(model) => {
                Self::EfficientNetLite(model.calibrated(shifts, scales))
            }
            Self::SeedCnn(model) => Self::SeedCnn(model.calibrated(shifts, scales)),
        }
    }

    /// Logits `[N, genres]` of normalised posters `[N, 3, height, width]`. A sigmoid of a logit is the
    /// probability of that genre, each for itself: a film may have several.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        match self {
            Self::SeedCnn(model) => model.forward(posters),
            Self::EfficientNetLite(model) => model.forward(posters),
        }
    }
}
