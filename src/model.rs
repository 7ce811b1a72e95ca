//! The networks. A manifest names one by its [`ModelConfig`]; a [`Model`] is that network with weights.
//!
//! One file an architecture. Tensor names in a weight file are the field names below, without the
//! variant's name, so a bundle made elsewhere only has to follow the architecture's file.

pub mod efficientnet_lite;
mod seed_cnn;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::heatmap::Places;

use efficientnet_lite::Size;

pub use efficientnet_lite::{Contributions, EfficientNetLite, EfficientNetLiteConfig};
pub use seed_cnn::{SeedCnn, SeedCnnConfig};

/// An architecture and its sizes, as the manifest and the training configuration name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum ModelConfig {
    /// The notebook's small network, the starting point that all others are measured against.
    SeedCnn(SeedCnnConfig),
    /// The network that ships: small, made for phones and GPUs, pretrained on ImageNet.
    #[serde(rename = "efficientnet-lite0")]
    EfficientNetLite0(EfficientNetLiteConfig),
    /// A tenth deeper.
    #[serde(rename = "efficientnet-lite1")]
    EfficientNetLite1(EfficientNetLiteConfig),
    /// A tenth wider, a fifth deeper.
    #[serde(rename = "efficientnet-lite2")]
    EfficientNetLite2(EfficientNetLiteConfig),
}

impl ModelConfig {
    /// A network with fresh, random weights on `device`, for posters of `width` x `height` pixels and
    /// `genres` outputs.
    ///
    /// # Errors
    /// Says so when the input is too small for the architecture, or a size is zero.
    pub fn init(
        &self,
        [width, height]: [u32; 2],
        genres: usize,
        device: &Device,
    ) -> Result<Model, String> {
        let lite = |config: &EfficientNetLiteConfig, size| {
            config.init(size, [width, height], genres, device).map(Model::EfficientNetLite)
        };
        match self {
            Self::SeedCnn(config) => {
                config.init([width, height], genres, device).map(Model::SeedCnn)
            }
            Self::EfficientNetLite0(config) => lite(config, Size::Lite0),
            Self::EfficientNetLite1(config) => lite(config, Size::Lite1),
            Self::EfficientNetLite2(config) => lite(config, Size::Lite2),
        }
    }

    /// Where the places of the last feature map lie along the sides of posters of `width` x `height` pixels; see
    /// [`Model::contributions`].
    pub fn places(&self, [width, height]: [u32; 2]) -> Option<[Places; 2]> {
        let size = match self {
            Self::SeedCnn(_) => return None,
            Self::EfficientNetLite0(_) => Size::Lite0,
            Self::EfficientNetLite1(_) => Size::Lite1,
            Self::EfficientNetLite2(_) => Size::Lite2,
        };
        Some([width, height].map(|side| size.places(side as usize)))
    }

    /// How many parts can run, or be frozen, by themselves; see [`EfficientNetLite::run`].
    pub fn parts(&self) -> usize {
        match self {
            Self::SeedCnn(_) => 0,
            _ => EfficientNetLite::PARTS,
        }
    }

    /// The name that a configuration and the page show.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SeedCnn(_) => "seed-cnn",
            Self::EfficientNetLite0(_) => "efficientnet-lite0",
            Self::EfficientNetLite1(_) => "efficientnet-lite1",
            Self::EfficientNetLite2(_) => "efficientnet-lite2",
        }
    }
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
    /// Logits `[N, genres]` of what comes into a part of the network: of posters with part 0, of the feature
    /// maps of the parts in front of it otherwise (see [`EfficientNetLite::run`]; a seed-cnn has part 0 alone).
    pub fn forward_from(&self, part: usize, x: Tensor<4>) -> Tensor<2> {
        match self {
            Self::EfficientNetLite(model) => {
                model.classify(model.run(part..EfficientNetLite::PARTS, x))
            }
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

    /// Logits `[N, genres]` of normalised posters `[N, 3, height, width]`. A sigmoid of a logit is the
    /// probability of that genre, each for itself: a film may have several.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        match self {
            Self::SeedCnn(model) => model.forward(posters),
            Self::EfficientNetLite(model) => model.forward(posters),
        }
    }
}
