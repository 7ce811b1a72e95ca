//! EfficientNet-Lite: EfficientNet (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
//! Neural Networks") without squeeze-and-excite and with ReLU6, as TensorFlow's authors published it in 2020
//! for phones and for 8-bit arithmetic. Small weights, and nothing that a GPU or a browser does slowly.
//!
//! Batch norm does not appear: its ImageNet statistics are folded into the convolution in front of it when
//! pretrained weights are read. Fine-tuning then trains the network that is shipped, with a batch of any
//! size, and a bundle needs no second form of it.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Distribution, Tensor};

use crate::conv::{self, Activation};
use crate::heatmap::{Places, Sight};

/// The published sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 3.4 million weights without a head.
    Lite0,
    /// 4.2 million.
    Lite1,
    /// 4.9 million.
    Lite2,
}

/// What regularises an [`EfficientNetLite`] while it trains.
#[derive(Config, Debug, PartialEq)]
pub struct EfficientNetLiteConfig {
    /// Share of the pooled features that are set to zero in front of the head, 0..1.
    #[config(default = 0.2)]
    pub dropout: f64,
    /// Chance with which the last block is skipped for a poster, 0..1; falls linearly to 0 at the first
    /// (Huang et al. 2016, "Deep Networks with Stochastic Depth").
    #[config(default = 0.1)]
    pub drop_path: f64,
}

/// A stage's blocks: how many, their kernel, the first one's stride, and their channels, at width 1 and depth 1.
struct StagePlan {
    blocks: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
}

const STAGES: [StagePlan; 7] = [
    StagePlan { blocks: 1, kernel: 3, stride: 1, channels: 16 },
    StagePlan { blocks: 2, kernel: 3, stride: 2, channels: 24 },
    StagePlan { blocks: 2, kernel: 5, stride: 2, channels: 40 },
    StagePlan { blocks: 3, kernel: 3, stride: 2, channels: 80 },
    StagePlan { blocks: 3, kernel: 5, stride: 1, channels: 112 },
    StagePlan { blocks: 4, kernel: 5, stride: 2, channels: 192 },
    StagePlan { blocks: 1, kernel: 3, stride: 1, channels: 320 },
];
const STEM_CHANNELS: usize = 32;
const STEM_KERNEL: usize = 3;
const STEM_STRIDE: usize = 2;
const FEATURES: usize = 1280;
const EXPANSION: usize = 6;

impl Size {
    /// Where the places of the last feature map lie along a side of `pixels`.
    pub(super) fn places(self, pixels: usize) -> Places {
        let stem = Sight::of(pixels).behind(STEM_KERNEL, STEM_STRIDE);
        let sight = STAGES.iter().enumerate().fold(stem, |sight, (stage, plan)| {
            let first = sight.behind(plan.kernel, plan.stride);
            (1..self.blocks(stage)).fold(first, |sight, _| sight.behind(plan.kernel, 1))
        });
        sight.places(pixels)
    }

    /// Width and depth of the published network beside Lite0's.
    fn scale(self) -> (f64, f64) {
        match self {
            Self::Lite0 => (1.0, 1.0),
            Self::Lite1 => (1.0, 1.1),
            Self::Lite2 => (1.1, 1.2),
        }
    }

    /// Channels at this size: scaled, then rounded to a multiple of 8 that is at most a tenth smaller.
    fn channels(self, at_width_1: usize) -> usize {
        let scaled = at_width_1 as f64 * self.scale().0;
        let rounded = ((scaled + 4.0) as usize / 8 * 8).max(8);
        if (rounded as f64) < 0.9 * scaled { rounded + 8 } else { rounded }
    }

    /// Blocks of a stage at this size. The first and the last stage stay as they are.
    fn blocks(self, stage: usize) -> usize {
        let at_depth_1 = STAGES[stage].blocks;
        if stage == 0 || stage == STAGES.len() - 1 {
            at_depth_1
        } else {
            (at_depth_1 as f64 * self.scale().1).ceil() as usize
        }
    }
}

/// The network: a stem, seven stages of blocks, a last 1x1 convolution, the mean over the picture, and a
/// linear head.
#[derive(Module, Debug)]
pub struct EfficientNetLite {
    stem: Conv2d,
    stages: Vec<Stage>,
    last: Conv2d,
    dropout: Dropout,
    head: Linear,
}

/// A genre's logit, place by place: the sum of its map, and its bias.
#[derive(Debug, Clone)]
pub struct Contributions {
    /// `[N, genres, rows, columns]`.
    pub maps: Tensor<4>,
    /// `[genres]`.
    pub bias: Tensor<1>,
}

/// Blocks of the same channels.
#[derive(Module, Debug)]
struct Stage {
    blocks: Vec<Block>,
}

/// An inverted residual block (Sandler et al. 2018, "MobileNetV2"): 1x1 to more channels, depthwise, 1x1 back.
#[derive(Module, Debug)]
struct Block {
    expand: Option<Conv2d>,
    depthwise: Conv2d,
    project: Conv2d,
    /// Whether the input is added to the output.
    residual: bool,
    drop_path: f64,
}

/// How a block is built. Its tensors are `{path}.expand.weight` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    /// Where its parameters are.
    pub path: String,
    /// Whether it has the first 1x1 convolution.
    pub expands: bool,
    /// Of the depthwise convolution.
    pub stride: usize,
    /// Whether its input is added to its output.
    pub residual: bool,
}

impl EfficientNetLiteConfig {
    /// See [`super::ModelConfig::init`].
    pub fn init(
        &self,
        size: Size,
        input: [u32; 2],
        genres: usize,
        device: &Device,
    ) -> Result<EfficientNetLite, String> {
        if input.iter().any(|&side| side < 32) {
            return Err(format!(
                "efficientnet-lite needs posters of at least 32 x 32 pixels, not {} x {}",
                input[0], input[1]
            ));
        }
        if genres == 0 {
            return Err("efficientnet-lite needs at least one genre".into());
        }
        let total: usize = (0..STAGES.len()).map(|stage| size.blocks(stage)).sum();
        let mut inputs = STEM_CHANNELS;
        let mut index = 0;
        let mut stages = Vec::with_capacity(STAGES.len());
        for (number, plan) in STAGES.iter().enumerate() {
            let outputs = size.channels(plan.channels);
            let mut blocks = Vec::new();
            for repeat in 0..size.blocks(number) {
                let stride = if repeat == 0 { plan.stride } else { 1 };
                let expansion = if number == 0 { 1 } else { EXPANSION };
                let drop_path = self.drop_path * index as f64 / total as f64;
                blocks.push(Block::init(
                    [inputs, outputs],
                    expansion,
                    plan.kernel,
                    stride,
                    drop_path,
                    device,
                ));
                inputs = outputs;
                index += 1;
            }
            stages.push(Stage { blocks });
        }
        Ok(EfficientNetLite {
            stem: conv([3, STEM_CHANNELS], STEM_KERNEL, STEM_STRIDE, 1, device),
            stages,
            last: conv([inputs, FEATURES], 1, 1, 1, device),
            dropout: DropoutConfig::new(self.dropout).init(),
            // Without an opinion of its own at first: the loss then starts at that of guessing.
            head: LinearConfig::new(FEATURES, genres)
                .with_initializer(Initializer::Zeros)
                .init(device),
        })
    }
}

/// A convolution with bias, "SAME" padding as TensorFlow's and weights after He et al. 2015.
fn conv(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    groups: usize,
    device: &Device,
) -> Conv2d {
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_groups(groups)
        .with_padding(PaddingConfig2d::Same)
        .with_initializer(Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: true })
        .init(device)
}

impl Block {
    fn init(
        [inputs, outputs]: [usize; 2],
        expansion: usize,
        kernel: usize,
        stride: usize,
        drop_path: f64,
        device: &Device,
    ) -> Self {
        let hidden = inputs * expansion;
        Self {
            expand: (expansion > 1).then(|| conv([inputs, hidden], 1, 1, 1, device)),
            depthwise: conv([hidden, hidden], kernel, stride, hidden, device),
            project: conv([hidden, outputs], 1, 1, 1, device),
            residual: stride == 1 && inputs == outputs,
            drop_path,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = match &self.expand {
            Some(expand) => conv::pointwise(expand, x.clone(), Activation::Relu6),
            None => x.clone(),
        };
        let hidden = conv::depthwise(&self.depthwise, hidden, Activation::Relu6);
        let y = conv::pointwise(&self.project, hidden, Activation::Linear);
        if self.residual { self.skip_for_some(y) + x } else { y }
    }

    /// While training, sets the whole output to zero for some posters, and raises it for the others so that
    /// the mean stays.
    fn skip_for_some(&self, y: Tensor<4>) -> Tensor<4> {
        let device = y.device();
        if self.drop_path == 0.0 || !device.is_autodiff() {
            return y;
        }
        let keep = 1.0 - self.drop_path;
        let posters = y.dims()[0];
        let kept = Tensor::random([posters, 1, 1, 1], Distribution::Bernoulli(keep), &device);
        y * (kept / keep)
    }
}

impl EfficientNetLite {
    /// How many parts [`Self::part`] knows.
    pub const PARTS: usize = STAGES.len() + 2;

    /// The part that is the last stage; behind it stands the last convolution.
    pub const LAST_STAGE: usize = STAGES.len();

    /// Logits `[N, genres]` of normalised posters `[N, 3, H, W]`.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        self.classify(self.features(posters))
    }

    /// The last feature map `[N, 1280, ceil(H / 32), ceil(W / 32)]` of posters `[N, 3, H, W]`.
    pub fn features(&self, posters: Tensor<4>) -> Tensor<4> {
        self.run(0..Self::PARTS, posters)
    }

    /// Logits `[N, genres]` of a last feature map: its mean over the picture through the linear head.
    pub fn classify(&self, features: Tensor<4>) -> Tensor<2> {
        self.head.forward(self.dropout.forward(Self::pool(features)))
    }

    /// What the head looks at, `[N, channels]`: the means of a feature map `[N, channels, rows, columns]`.
    pub fn pool(map: Tensor<4>) -> Tensor<2> {
        map.mean_dims(&[2, 3]).flatten(1, 3)
    }

    /// The linear head: its weights `[1280, genres]` and biases `[genres]`.
    pub fn head(&self) -> (Tensor<2>, Tensor<1>) {
        let weight = self.head.weight.val();
        let bias = self.head.bias.as_ref().map(Param::val);
        let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[1]], &weight.device()));
        (weight, bias)
    }

    /// The same network with another head, which may tell other genres.
    pub fn with_head(mut self, head: Linear) -> Self {
        self.head = head;
        self
    }

    /// Where the network is.
    pub fn device(&self) -> Device {
        self.head.weight.val().device()
    }

    /// What every place of the last feature map adds to each genre's logit.
    pub fn contributions(&self, posters: Tensor<4>) -> Contributions {
        let features = self.features(posters); // [N, 1280, rows, columns]
        let [n, _, rows, columns] = features.dims();
        let places = rows * columns;
        let weight = self.head.weight.val().transpose().unsqueeze::<3>(); // [1, genres, 1280]
        let maps = weight.matmul(features.flatten::<3>(2, 3)) / places as f32; // [N, genres, places]
        let genres = maps.dims()[1];
        let (_, bias) = self.head();
        Contributions { maps: maps.reshape([n, genres, rows, columns]), bias }
    }

    /// Every block from the front, for those who build the same network elsewhere.
    pub fn plan(&self) -> Vec<BlockPlan> {
        let stages = self.stages.iter().enumerate();
        let blocks = stages.flat_map(|(stage, Stage { blocks })| {
            blocks.iter().enumerate().map(move |(index, block)| BlockPlan {
                path: format!("stages.{stage}.blocks.{index}"),
                expands: block.expand.is_some(),
                stride: block.depthwise.stride[0],
                residual: block.residual,
            })
        });
        blocks.collect()
    }

    /// What the path of every parameter of a part holds, such as `stages.2.`; see [`Self::run`].
    pub fn part_path(part: usize) -> String {
        match part {
            0 => "stem.".into(),
            part if part <= STAGES.len() => format!("stages.{}.", part - 1),
            _ => "last.".into(),
        }
    }

    /// The weights of the convolutions from a part on.
    pub fn kernels(&self, part: usize) -> Vec<Tensor<4>> {
        // Part 1 is the first stage; the stem, part 0, stands in front of all of them.
        let stages = self.stages.iter().skip(part.saturating_sub(1));
        let blocks = stages.flat_map(|stage| &stage.blocks);
        let inner =
            blocks.flat_map(|block| block.expand.iter().chain([&block.depthwise, &block.project]));
        let stem = (part == 0).then_some(&self.stem);
        stem.into_iter().chain(inner).chain([&self.last]).map(|conv| conv.weight.val()).collect()
    }

    /// The same network, whose first `parts` parts no longer learn.
    pub fn freeze(mut self, parts: usize) -> Self {
        if parts > 0 {
            self.stem = self.stem.no_grad();
        }
        let stages = self.stages.into_iter().enumerate();
        self.stages = stages
            .map(|(index, stage)| if index + 1 < parts { stage.no_grad() } else { stage })
            .collect();
        if parts == Self::PARTS {
            self.last = self.last.no_grad();
        }
        self
    }

    /// The same network with a head that answers each genre's frequency, 0..1, for every poster.
    pub fn with_prior(mut self, frequencies: &[f32]) -> Self {
        let logits: Vec<f32> = frequencies.iter().map(|p| (p / (1.0 - p)).ln()).collect();
        let weight = self.head.weight.map(|weight| weight.zeros_like());
        self.head.weight = weight.set_require_grad(true);
        self.head.bias = self.head.bias.map(|bias| {
            let bias = bias.map(|bias| Tensor::from_floats(logits.as_slice(), &bias.device()));
            bias.set_require_grad(true)
        });
        self
    }

    /// Runs some of the network's parts on what the part before gave: part 0 is the stem, 1..=7 are the
    /// stages, 8 is the last convolution.
    pub fn run(&self, parts: std::ops::Range<usize>, x: Tensor<4>) -> Tensor<4> {
        parts.fold(x, |x, part| match part {
            0 => conv::general(&self.stem, x, Activation::Relu6),
            part if part <= STAGES.len() => {
                self.stages[part - 1].blocks.iter().fold(x, |x, block| block.forward(x))
            }
            _ => conv::pointwise(&self.last, x, Activation::Relu6),
        })
    }
}
