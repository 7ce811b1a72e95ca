//! The original notebook's model in Burn, with the weight initialisation of Glorot and Bengio 2010. See [`crate::architecture::seed_cnn`].

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Initializer, Linear, LinearConfig,
};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use crate::architecture::seed_cnn::{EPSILON, KERNEL, POOL, SeedCnnConfig};

/// A 3x3 convolution, ReLU, batch norm, a 2x2 max-pool and dropout.
#[derive(Module, Debug)]
struct Block {
    conv: Conv2d,
    norm: BatchNorm,
    pool: MaxPool2d,
    dropout: Dropout,
}

/// The model: convolution blocks and two dense layers. Field names are the tensor names.
#[derive(Module, Debug)]
pub struct SeedCnn {
    blocks: Vec<Block>,
    hidden: Linear,
    hidden_norm: Option<BatchNorm>,
    hidden_dropout: Dropout,
    output: Linear,
}

const GLOROT_UNIFORM: Initializer = Initializer::XavierUniform { gain: 1.0 };

/// Returns a bias as Keras initialises it. Burn would draw it like the weights; the first batch norm's running mean
/// would then be wrong for hundreds of steps.
fn zeros(length: usize, device: &Device) -> Param<Tensor<1>> {
    Initializer::Zeros.init([length], device)
}

impl Block {
    fn init(channels: [usize; 2], dropout: f64, norm: BatchNorm, device: &Device) -> Self {
        let conv = Conv2dConfig::new(channels, [KERNEL, KERNEL]);
        let conv = conv.with_initializer(GLOROT_UNIFORM).init(device);
        Self {
            conv: Conv2d { bias: Some(zeros(channels[1], device)), ..conv },
            norm,
            pool: MaxPool2dConfig::new([POOL, POOL]).with_strides([POOL, POOL]).init(),
            dropout: DropoutConfig::new(dropout).init(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = relu(self.conv.forward(x)); // [N, C, H - 2, W - 2]
        let x = self.norm.forward(x);
        let x = self.pool.forward(x); // [N, C, (H - 2) / 2, (W - 2) / 2]
        self.dropout.forward(x)
    }
}

impl SeedCnn {
    pub(super) fn init(
        config: &SeedCnnConfig,
        input: [u32; 2],
        genres: usize,
        device: &Device,
    ) -> Self {
        let [width, height] = input.map(|side| config.side_after_blocks(side));
        let [first, second, third] = config.channels;
        let norm = |channels| {
            BatchNormConfig::new(channels)
                .with_momentum(config.norm_momentum)
                .with_epsilon(EPSILON.into())
                .init(device)
        };
        let channels = [[3, first], [first, second], [second, third]];
        let blocks = channels.into_iter().zip(config.dropout);
        let blocks = blocks
            .map(|(channels, dropout)| Block::init(channels, dropout, norm(channels[1]), device));
        let dense = |inputs, outputs| {
            let dense = LinearConfig::new(inputs, outputs);
            let dense = dense.with_initializer(GLOROT_UNIFORM).init(device);
            Linear { bias: Some(zeros(outputs, device)), ..dense }
        };
        Self {
            blocks: blocks.collect(),
            hidden: dense(third * width * height, config.hidden),
            hidden_norm: config.hidden_norm.then(|| norm(config.hidden)),
            hidden_dropout: DropoutConfig::new(config.hidden_dropout).init(),
            output: dense(config.hidden, genres),
        }
    }

    /// Returns the logits `[N, genres]` of normalised posters `[N, 3, H, W]`.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        let features = self.blocks.iter().fold(posters, |x, block| block.forward(x)); // [N, 64, h, w]
        let flat = features.flatten(1, 3); // [N, 64 * h * w]
        let hidden = relu(self.hidden.forward(flat)); // [N, 128]
        let hidden = match &self.hidden_norm {
            Some(norm) => norm.forward(hidden),
            None => hidden,
        };
        let hidden = self.hidden_dropout.forward(hidden);
        self.output.forward(hidden) // [N, genres]
    }

    /// See [`super::Model::calibrated`].
    pub(super) fn calibrated(mut self, shifts: &[f32], scales: &[f32]) -> Self {
        self.output = super::calibrated(self.output, shifts, scales);
        self
    }
}
