//! The model of the original notebook: three convolution blocks, a dense layer, and one dense output per genre.
//!
//! Sizes and defaults are the notebook's, which are those of Keras: convolutions without padding, batch norm after
//! the ReLU. As the batch norm lies between a ReLU and a max-pool, it cannot be folded into a convolution, and the
//! bundle keeps it.

use serde::{Deserialize, Serialize};

/// Side of every convolution kernel.
pub const KERNEL: usize = 3;

/// Window and stride of the max-pools.
pub const POOL: usize = 2;

/// Added to the variances of batch norm.
pub const EPSILON: f32 = 1e-3;

/// Shortest side of a poster, in pixels: the blocks reduce it to one pixel.
pub(super) const MIN_SIDE: u32 = 22;

/// Most channels and hidden units. The limit keeps an untrusted manifest from exhausting the memory.
const MAX_WIDTH: usize = 4096;

/// The sizes of a seed-cnn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedCnnConfig {
    /// Output channels of each convolution.
    pub channels: [usize; 3],
    /// Units of the dense layer.
    pub hidden: usize,
    /// Fraction of the values that dropout sets to zero after each block during training, 0..1.
    pub dropout: f64,
}

impl Default for SeedCnnConfig {
    fn default() -> Self {
        Self { channels: [16, 32, 64], hidden: 128, dropout: 0.3 }
    }
}

impl SeedCnnConfig {
    /// Returns what remains of a side after all blocks. Each block removes a pixel at both ends, then halves
    /// the rest, rounding down.
    pub fn side_after_blocks(&self, side: u32) -> usize {
        let side = side as usize;
        self.channels.iter().fold(side, |side, _| side.saturating_sub(KERNEL - 1) / POOL)
    }

    /// Returns the name and shape of every tensor, for posters of `width` x `height` pixels.
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
            return Err(format!("seed-cnn needs 1 to {MAX_WIDTH} channels and hidden units"));
        }
        super::check_rate("dropout", self.dropout)
    }
}
