//! The notebook's network: three convolutions, a dense layer, and a dense output per genre.
//!
//! Sizes and defaults are the notebook's, which are Keras': convolutions without padding, Glorot-uniform
//! weights, batch norm behind the ReLU with momentum 0.99 and epsilon 1e-3. Since the batch norm stands
//! behind the ReLU and in front of a max-pool, it cannot be folded into either convolution beside it.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Initializer, Linear, LinearConfig,
};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Sizes of a [`SeedCnn`].
#[derive(Config, Debug, PartialEq)]
pub struct SeedCnnConfig {
    /// Channels of each convolution.
    #[config(default = "[16, 32, 64]")]
    pub channels: [usize; 3],
    /// Width of the dense layer.
    #[config(default = 128)]
    pub hidden: usize,
    /// Share of the values that dropout sets to zero behind each block while training, 0..1.
    #[config(default = 0.3)]
    pub dropout: f64,
}

/// Convolution 3x3, ReLU, batch norm, max-pool 2, dropout.
#[derive(Module, Debug)]
struct Block {
    conv: Conv2d,
    norm: BatchNorm,
    pool: MaxPool2d,
    dropout: Dropout,
}

/// The notebook's network.
#[derive(Module, Debug)]
pub struct SeedCnn {
    blocks: Vec<Block>,
    hidden: Linear,
    output: Linear,
}

impl SeedCnnConfig {
    /// See [`super::ModelConfig::init`].
    pub fn init(&self, input: [u32; 2], genres: usize, device: &Device) -> Result<SeedCnn, String> {
        let [width, height] = input.map(|size| self.side_after_blocks(size));
        if width == 0 || height == 0 {
            return Err(format!(
                "seed-cnn needs posters of at least 22 x 22 pixels, not {} x {}",
                input[0], input[1]
            ));
        }
        if genres == 0 || self.hidden == 0 || self.channels.contains(&0) {
            return Err("seed-cnn needs at least one genre, hidden unit and channel".into());
        }
        let [first, second, third] = self.channels;
        let blocks = [[3, first], [first, second], [second, third]]
            .map(|channels| self.block(channels, device))
            .into();
        let dense = |inputs, outputs| {
            LinearConfig::new(inputs, outputs).with_initializer(GLOROT_UNIFORM).init(device)
        };
        Ok(SeedCnn {
            blocks,
            hidden: dense(third * width * height, self.hidden),
            output: dense(self.hidden, genres),
        })
    }

    fn block(&self, channels: [usize; 2], device: &Device) -> Block {
        Block {
            conv: Conv2dConfig::new(channels, [3, 3]).with_initializer(GLOROT_UNIFORM).init(device),
            norm: BatchNormConfig::new(channels[1])
                .with_momentum(0.01)
                .with_epsilon(1e-3)
                .init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout: DropoutConfig::new(self.dropout).init(),
        }
    }

    /// Each block takes off a pixel on either side and halves the rest, rounding down.
    fn side_after_blocks(&self, side: u32) -> usize {
        self.channels.iter().fold(side as usize, |side, _| side.saturating_sub(2) / 2)
    }
}

const GLOROT_UNIFORM: Initializer = Initializer::XavierUniform { gain: 1.0 };

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = relu(self.conv.forward(x)); // [N, C, H - 2, W - 2]
        let x = self.norm.forward(x);
        let x = self.pool.forward(x); // [N, C, (H - 2) / 2, (W - 2) / 2]
        self.dropout.forward(x)
    }
}

impl SeedCnn {
    /// Logits `[N, genres]` of normalised posters `[N, 3, H, W]`.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        let features = self.blocks.iter().fold(posters, |x, block| block.forward(x)); // [N, 64, h, w]
        let flat = features.flatten(1, 3); // [N, 64 * h * w]
        let hidden = relu(self.hidden.forward(flat)); // [N, 128]
        self.output.forward(hidden) // [N, genres]
    }
}
