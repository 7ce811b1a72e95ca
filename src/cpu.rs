//! The networks on a CPU without a tensor library: what the browser's first answer waits for. With Burn it had twice
//! as much to download, and took three times as long on the one thread and the 128-bit SIMD that there are.
//!
//! An EfficientNet-Lite computes in 16-bit integers. A browser's SIMD multiplies eight of them and adds
//! neighbouring products in one instruction, which is twice what it does for floats, and unlike 8 bits that
//! costs no accuracy: the weights of a bundle have 8 bits themselves, and ReLU6 keeps what is between the
//! layers within 0..=6. What each output's weights are multiplied by before they are rounded is chosen so that no
//! sum can overflow, whatever the poster.
//!
//! `model` is the same network with Burn; tests hold the two together.

// The kernels are public for `benches/` alone.
#[doc(hidden)]
pub mod depthwise;
mod efficientnet_lite;
#[doc(hidden)]
pub mod fixed_point;
#[doc(hidden)]
pub mod pointwise;
mod seed_cnn;

use crate::architecture::{Architecture, Family};
use crate::contributions::Contributions;
use crate::error::Result;
use crate::preprocess::{Pixels, Preprocess};
use crate::weights::Tensors;

use efficientnet_lite::EfficientNetLite;
use seed_cnn::SeedCnn;

/// A network with its weights, for posters of one size.
#[derive(Debug)]
pub struct CpuModel {
    input: Preprocess,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    SeedCnn(SeedCnn),
    EfficientNetLite(EfficientNetLite),
}

impl CpuModel {
    /// The network of `architecture` for posters of `input`'s size and `genres` outputs, with the weights in
    /// the bytes of a safetensors file.
    ///
    /// # Errors
    /// [`crate::Error::Manifest`] where the architecture does not take that size; [`crate::Error::WeightsShape`] lists the
    /// tensors that are missing, superfluous, of another shape or not finite.
    pub fn new(
        architecture: &Architecture,
        input: &Preprocess,
        genres: usize,
        weights: &[u8],
    ) -> Result<Self> {
        let size = [input.width, input.height];
        let tensors = Tensors::read_for(architecture, size, genres, weights)?;
        Self::with_tensors(architecture, input, tensors)
    }

    /// The same with tensors that were checked to be the architecture's.
    pub(crate) fn with_tensors(
        architecture: &Architecture,
        input: &Preprocess,
        mut tensors: Tensors,
    ) -> Result<Self> {
        let size = [input.width, input.height];
        let kind = match architecture.family() {
            Family::SeedCnn(config) => Kind::SeedCnn(SeedCnn::new(config, size, &mut tensors)?),
            Family::EfficientNetLite(size, _) => {
                Kind::EfficientNetLite(EfficientNetLite::new(size, input, &mut tensors)?)
            }
        };
        Ok(Self { input: input.clone(), kind })
    }

    /// Logits `[genres]` of a poster.
    pub fn logits(&self, poster: &Pixels) -> Vec<f32> {
        match &self.kind {
            Kind::SeedCnn(network) => network.logits(&self.input.normalise(poster)),
            Kind::EfficientNetLite(network) => network.logits(poster),
        }
    }

    /// What the head looks at: the mean of each feature over the poster. `None` where the head is not linear.
    pub fn features(&self, poster: &Pixels) -> Option<Vec<f32>> {
        match &self.kind {
            Kind::SeedCnn(_) => None,
            Kind::EfficientNetLite(network) => Some(network.mean(poster)),
        }
    }

    /// What every place of the last feature map adds to each genre's logit; `None` where the head is not
    /// linear over a feature map.
    pub fn contributions(&self, poster: &Pixels) -> Option<Contributions> {
        match &self.kind {
            Kind::SeedCnn(_) => None,
            Kind::EfficientNetLite(network) => Some(network.contributions(poster)),
        }
    }
}
