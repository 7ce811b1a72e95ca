//! The notebook's network: three convolutions, a dense layer, and a dense output per genre.
//!
//! Sizes and defaults are the notebook's, which are Keras': convolutions without padding, batch norm behind the
//! ReLU. Since the batch norm stands behind the ReLU and in front of a max-pool, it cannot be folded into
//! either convolution beside it.

use serde::{Deserialize, Serialize};

/// Side of every convolution's kernel.
pub const KERNEL: usize = 3;

/// Side of the squares of which the max-pools keep the largest value.
pub const POOL: usize = 2;

/// Added to a batch norm's variance.
pub const EPSILON: f32 = 1e-3;

/// Shortest side of a poster of which the convolutions leave a pixel.
pub(super) const MIN_SIDE: u32 = 22;

/// Most channels and hidden units, so that a stranger's manifest cannot ask for all memory.
const MAX_WIDTH: usize = 4096;

/// Sizes of a seed-cnn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedCnnConfig {
    /// Channels of each convolution.
    pub channels: [usize; 3],
    /// Width of the dense layer.
    pub hidden: usize,
    /// Share of the values that dropout sets to zero behind each block while training, 0..1.
    pub dropout: f64,
}

impl Default for SeedCnnConfig {
    fn default() -> Self {
        Self { channels: [16, 32, 64], hidden: 128, dropout: 0.3 }
    }
}

impl SeedCnnConfig {
    /// Each block takes off a pixel on either side and halves the rest, rounding down.
    pub fn side_after_blocks(&self, side: u32) -> usize {
        let side = side as usize;
        self.channels.iter().fold(side, |side, _| side.saturating_sub(KERNEL - 1) / POOL)
    }

    /// Every tensor by its name, with its shape, for posters of `width` x `height` pixels.
    pub(super) fn tensors(
        &self,
        [width, height]: [u32; 2],
        genres: usize,
    ) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        let mut inputs = 3;
        for (block, &outputs) in self.channels.iter().enumerate() {
            let path = format!("blocks.{block}");
            tensors.push((format!("{path}.conv.weight"), vec![outputs, inputs, KERNEL, KERNEL]));
            tensors.push((format!("{path}.conv.bias"), vec![outputs]));
            for name in ["gamma", "beta", "running_mean", "running_var"] {
                tensors.push((format!("{path}.norm.{name}"), vec![outputs]));
            }
            inputs = outputs;
        }
        let pixels = self.side_after_blocks(width) * self.side_after_blocks(height);
        for (path, shape) in
            [("hidden", [inputs * pixels, self.hidden]), ("output", [self.hidden, genres])]
        {
            tensors.push((format!("{path}.weight"), shape.to_vec()));
            tensors.push((format!("{path}.bias"), vec![shape[1]]));
        }
        tensors
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let mut widths = self.channels.iter().chain([&self.hidden]);
        if widths.any(|width| !(1..=MAX_WIDTH).contains(width)) {
            return Err(format!("seed-cnn needs 1 to {MAX_WIDTH} hidden units and channels"));
        }
        super::check_share("dropout", self.dropout)
    }
}
