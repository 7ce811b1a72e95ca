//! The networks by name: what a manifest and a training configuration say of one, and how it is built. Nothing
//! here computes: `model` runs a network with Burn, `cpu` without.
//!
//! One file an architecture. A bundle made elsewhere only has to follow [`Architecture::tensors`].

pub mod efficientnet_lite;
pub mod seed_cnn;

use serde::{Deserialize, Serialize};

use crate::heatmap::Places;

use efficientnet_lite::{BlockPlan, EfficientNetLiteConfig, Size};
use seed_cnn::SeedCnnConfig;

/// An architecture and its sizes, as the manifest and the training configuration name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Architecture {
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

/// What an architecture is one of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family<'a> {
    /// See [`seed_cnn`].
    SeedCnn(&'a SeedCnnConfig),
    /// See [`efficientnet_lite`].
    EfficientNetLite(Size, &'a EfficientNetLiteConfig),
}

impl Architecture {
    /// Its family, with the sizes that the family leaves open.
    pub fn family(&self) -> Family<'_> {
        match self {
            Self::SeedCnn(config) => Family::SeedCnn(config),
            Self::EfficientNetLite0(config) => Family::EfficientNetLite(Size::Lite0, config),
            Self::EfficientNetLite1(config) => Family::EfficientNetLite(Size::Lite1, config),
            Self::EfficientNetLite2(config) => Family::EfficientNetLite(Size::Lite2, config),
        }
    }

    /// Whether it can be built for posters of `width` x `height` pixels and `genres` outputs.
    ///
    /// # Errors
    /// Says so when the input is too small for the architecture, or a size is zero.
    pub fn check(&self, [width, height]: [u32; 2], genres: usize) -> Result<(), String> {
        let name = self.name();
        let smallest = match self.family() {
            Family::SeedCnn(_) => seed_cnn::MIN_SIDE,
            Family::EfficientNetLite(..) => efficientnet_lite::MIN_SIDE,
        };
        if width < smallest || height < smallest {
            return Err(format!(
                "{name} needs posters of at least {smallest} x {smallest} pixels, not {width} x {height}"
            ));
        }
        if genres == 0 {
            return Err(format!("{name} needs at least one genre"));
        }
        match self.family() {
            Family::SeedCnn(config) => config.check(),
            Family::EfficientNetLite(_, config) => config.check(),
        }
    }

    /// Its blocks from the front, for those who build the same network elsewhere; none in a seed-cnn.
    pub fn blocks(&self) -> Vec<BlockPlan> {
        match self.family() {
            Family::SeedCnn(_) => Vec::new(),
            Family::EfficientNetLite(size, _) => size.stages().into_iter().flatten().collect(),
        }
    }

    /// Every tensor by its name, with its shape, for posters of `width` x `height` pixels and `genres` outputs.
    /// A convolution's weight is `[outputs, inputs, rows, columns]`, a dense layer's `[inputs, outputs]`.
    pub fn tensors(&self, size: [u32; 2], genres: usize) -> Vec<(String, Vec<usize>)> {
        match self.family() {
            Family::SeedCnn(config) => config.tensors(size, genres),
            Family::EfficientNetLite(size, _) => size.tensors(genres),
        }
    }

    /// Where the places of the last feature map lie along the sides of posters of `width` x `height` pixels;
    /// `None` where the head is not linear over a feature map.
    pub fn places(&self, [width, height]: [u32; 2]) -> Option<[Places; 2]> {
        match self.family() {
            Family::SeedCnn(_) => None,
            Family::EfficientNetLite(size, _) => {
                Some([width, height].map(|side| size.places(side as usize)))
            }
        }
    }

    /// How many parts can run, or be frozen, by themselves; see [`efficientnet_lite::PARTS`].
    pub fn parts(&self) -> usize {
        match self.family() {
            Family::SeedCnn(_) => 0,
            Family::EfficientNetLite(..) => efficientnet_lite::PARTS,
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

/// Whether the share that is dropped in training leaves something.
fn check_share(name: &str, share: f64) -> Result<(), String> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(format!("its {name} is {share}, and must be from 0 to below 1"))
}
