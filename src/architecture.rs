//! The model architectures: their names, sizes and tensors, as plain data. `model` runs them with Burn, `cpu`
//! without.
//!
//! To add one, add its file to `architecture/`, a variant to [`Architecture`] and [`Family`], and its forward pass
//! to `model/` and `cpu/`. The compiler points at every `match` that needs it. A bundle made by other software only
//! has to follow [`Architecture::tensors`].

pub mod efficientnet_lite;
mod receptive_field;
pub mod seed_cnn;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use receptive_field::GridAxis;

use efficientnet_lite::{BlockPlan, EfficientNetLiteConfig, Variant};
use seed_cnn::SeedCnnConfig;

/// An architecture with its options, as it appears in a manifest and in a training configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Architecture {
    /// The small model of the original notebook: the starting point that all others are compared with.
    SeedCnn(SeedCnnConfig),
    /// The model that ships: small, designed for phones and GPUs, pretrained on ImageNet.
    #[serde(rename = "efficientnet-lite0")]
    EfficientNetLite0(EfficientNetLiteConfig),
    /// 1.1 times as deep as Lite0.
    #[serde(rename = "efficientnet-lite1")]
    EfficientNetLite1(EfficientNetLiteConfig),
    /// 1.1 times as wide and 1.2 times as deep as Lite0.
    #[serde(rename = "efficientnet-lite2")]
    EfficientNetLite2(EfficientNetLiteConfig),
}

/// The family of an architecture: architectures that share their code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family<'a> {
    /// See [`seed_cnn`].
    SeedCnn(&'a SeedCnnConfig),
    /// See [`efficientnet_lite`].
    EfficientNetLite(Variant, &'a EfficientNetLiteConfig),
}

impl Architecture {
    /// Returns the family, with the variant and the options within it.
    pub fn family(&self) -> Family<'_> {
        match self {
            Self::SeedCnn(config) => Family::SeedCnn(config),
            Self::EfficientNetLite0(config) => Family::EfficientNetLite(Variant::Lite0, config),
            Self::EfficientNetLite1(config) => Family::EfficientNetLite(Variant::Lite1, config),
            Self::EfficientNetLite2(config) => Family::EfficientNetLite(Variant::Lite2, config),
        }
    }

    /// Checks that a model can be built for posters of `width` x `height` pixels and `genres` outputs.
    ///
    /// # Errors
    /// [`Error::Architecture`] if a poster is too small, there is no genre, or an option is out of range.
    pub fn check(&self, size: [u32; 2], genres: usize) -> Result<()> {
        self.objection(size, genres).map_err(|reason| Error::Architecture { reason })
    }

    /// Returns the reason against a model as an error.
    fn objection(
        &self,
        [width, height]: [u32; 2],
        genres: usize,
    ) -> std::result::Result<(), String> {
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

    /// Returns the inverted residual blocks from first to last, for code that builds the same model elsewhere;
    /// empty for a seed-cnn.
    pub fn blocks(&self) -> Vec<BlockPlan> {
        match self.family() {
            Family::SeedCnn(_) => Vec::new(),
            Family::EfficientNetLite(variant, _) => {
                variant.stages().into_iter().flatten().collect()
            }
        }
    }

    /// Returns the name and shape of every tensor, for posters of `width` x `height` pixels and `genres`
    /// outputs. The weight of a convolution is `[outputs, inputs, rows, columns]`, that of a dense layer
    /// `[inputs, outputs]`.
    pub fn tensors(&self, size: [u32; 2], genres: usize) -> Vec<(String, Vec<usize>)> {
        match self.family() {
            Family::SeedCnn(config) => config.tensors(size, genres),
            Family::EfficientNetLite(variant, _) => variant.tensors(genres),
        }
    }

    /// Returns where the columns and the rows of the last feature map lie on posters of `width` x `height` pixels;
    /// `None` if the head is not linear over a feature map.
    pub fn grid(&self, [width, height]: [u32; 2]) -> Option<[GridAxis; 2]> {
        match self.family() {
            Family::SeedCnn(_) => None,
            Family::EfficientNetLite(variant, _) => {
                Some([width, height].map(|side| variant.grid_axis(side as usize)))
            }
        }
    }

    /// Returns the number of values in the largest feature map of one poster.
    pub fn largest_map(&self, [width, height]: [u32; 2]) -> usize {
        let size = [height, width].map(|side| side as usize);
        match self.family() {
            // Convolutions without padding only shrink the map, so the poster's size bounds it.
            Family::SeedCnn(config) => size[0] * size[1] * config.channels[0].max(3),
            Family::EfficientNetLite(variant, _) => variant.largest_map(size),
        }
    }

    /// Returns the number of parts that can be run or frozen separately; see [`efficientnet_lite::PARTS`].
    pub fn parts(&self) -> usize {
        match self.family() {
            Family::SeedCnn(_) => 0,
            Family::EfficientNetLite(..) => efficientnet_lite::PARTS,
        }
    }

    /// Returns the name that configurations use and the page shows.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SeedCnn(_) => "seed-cnn",
            Self::EfficientNetLite0(_) => "efficientnet-lite0",
            Self::EfficientNetLite1(_) => "efficientnet-lite1",
            Self::EfficientNetLite2(_) => "efficientnet-lite2",
        }
    }
}

/// Checks a dropout rate, which must leave something.
fn check_rate(name: &str, rate: f64) -> std::result::Result<(), String> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(format!("{name} is {rate}, but must be at least 0 and below 1"))
}
