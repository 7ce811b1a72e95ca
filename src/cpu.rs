//! Inference on a single CPU core, without Burn. The browser uses it first: with Burn the download would be
//! twice as large, and one poster would take three times as long on one thread with 128-bit SIMD.
//!
//! EfficientNet-Lite computes in integers. A browser's SIMD multiplies eight 16-bit integers and adds neighbouring
//! products in one instruction, twice the throughput of floats; with relaxed SIMD, sixteen products of 8 and 7 bits. A
//! 1x1 convolution whose weights are stored in 8 bits rounds its inputs to 7 bits, on every machine; all other layers
//! compute in 16 bits. No 32-bit accumulator can overflow, whatever the poster. See [`fixed_point`].
//!
//! Natively, the kernels use the widest registers that the CPU has, with the same results to the last bit; see
//! [`simd`].
//!
//! `model` is the same model in Burn; tests compare the two.

// The kernels are public only for `benches/`.
#[doc(hidden)]
pub mod depthwise;
mod efficientnet_lite;
#[doc(hidden)]
pub mod fixed_point;
#[doc(hidden)]
pub mod pointwise;
mod seed_cnn;
#[doc(hidden)]
pub mod simd;

use crate::architecture::{Architecture, Family};
use crate::contributions::Contributions;
use crate::error::Result;
use crate::image::{Pixels, Preprocess};
use crate::weights::Tensors;

use efficientnet_lite::EfficientNetLite;
use seed_cnn::SeedCnn;
use simd::Level;

/// A model for posters of one size, on one CPU core.
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
    /// Builds a model for posters of `input`'s size and `genres` outputs, with the weights in the bytes of a
    /// safetensors file.
    ///
    /// # Errors
    /// [`crate::Error::Architecture`] if the architecture does not accept these sizes;
    /// [`crate::Error::WeightsShape`] lists the tensors that are missing, unexpected, of another shape or not
    /// finite.
    pub fn new(
        architecture: &Architecture,
        input: &Preprocess,
        genres: usize,
        weights: &[u8],
    ) -> Result<Self> {
        Self::with_level(Level::best(), architecture, input, genres, weights)
    }

    /// Like [`Self::new`], with the instructions of `level`: for tests and benchmarks.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    #[doc(hidden)]
    pub fn with_level(
        level: Level,
        architecture: &Architecture,
        input: &Preprocess,
        genres: usize,
        weights: &[u8],
    ) -> Result<Self> {
        let size = [input.width, input.height];
        let tensors = Tensors::read_for(architecture, size, genres, weights)?;
        Self::with_tensors(level, architecture, input, tensors)
    }

    /// Builds a model with tensors that are known to be the architecture's.
    pub(crate) fn with_tensors(
        level: Level,
        architecture: &Architecture,
        input: &Preprocess,
        mut tensors: Tensors<'_>,
    ) -> Result<Self> {
        let size = [input.width, input.height];
        let kind = match architecture.family() {
            Family::SeedCnn(config) => Kind::SeedCnn(SeedCnn::new(config, size, &mut tensors)?),
            Family::EfficientNetLite(variant, _) => {
                let model = EfficientNetLite::new(level, variant, input, &mut tensors)?;
                Kind::EfficientNetLite(model)
            }
        };
        Ok(Self { input: input.clone(), kind })
    }

    /// Returns the logits `[genres]` of a poster. They may be NaN or infinite if the weights are extreme.
    ///
    /// # Errors
    /// [`crate::Error::PosterSize`] if the poster does not have the model's input size.
    pub fn logits(&self, poster: &Pixels) -> Result<Vec<f32>> {
        self.check_size(poster)?;
        Ok(match &self.kind {
            Kind::SeedCnn(model) => model.logits(&self.input.normalise(poster)),
            Kind::EfficientNetLite(model) => model.logits(poster),
        })
    }

    /// Returns the input of the head: the mean of each feature over the poster; `None` if the head is not linear.
    ///
    /// # Errors
    /// Those of [`Self::logits`].
    pub fn features(&self, poster: &Pixels) -> Result<Option<Vec<f32>>> {
        self.check_size(poster)?;
        Ok(match &self.kind {
            Kind::SeedCnn(_) => None,
            Kind::EfficientNetLite(model) => Some(model.mean_features(poster)),
        })
    }

    /// Returns what each place of the last feature map adds to each genre's logit; `None` if the head is not linear
    /// over a feature map.
    ///
    /// # Errors
    /// Those of [`Self::logits`].
    pub fn contributions(&self, poster: &Pixels) -> Result<Option<Contributions>> {
        self.check_size(poster)?;
        Ok(match &self.kind {
            Kind::SeedCnn(_) => None,
            Kind::EfficientNetLite(model) => Some(model.contributions(poster)),
        })
    }

    fn check_size(&self, poster: &Pixels) -> Result<()> {
        poster.check_size(self.input.width, self.input.height)
    }
}
