//! EfficientNet-Lite: EfficientNet (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
//! Neural Networks") without squeeze-and-excite and with ReLU6, as TensorFlow's authors published it in 2020
//! for phones and for 8-bit arithmetic. Small weights, and nothing that a GPU or a browser does slowly.
//!
//! Batch norm does not appear: its ImageNet statistics are folded into the convolution in front of it when
//! pretrained weights are read. Fine-tuning then trains the network that is shipped, with a batch of any
//! size, and a bundle needs no second form of it.
//!
//! Every convolution is padded as TensorFlow's "SAME".

use serde::{Deserialize, Serialize};

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

/// What regularises an EfficientNet-Lite while it trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EfficientNetLiteConfig {
    /// Share of the pooled features that are set to zero in front of the head, 0..1.
    pub dropout: f64,
    /// Chance with which the last block is skipped for a poster, 0..1; falls linearly to 0 at the first
    /// (Huang et al. 2016, "Deep Networks with Stochastic Depth").
    pub drop_path: f64,
}

impl Default for EfficientNetLiteConfig {
    fn default() -> Self {
        Self { dropout: 0.2, drop_path: 0.1 }
    }
}

impl EfficientNetLiteConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        super::check_share("dropout", self.dropout)?;
        super::check_share("drop_path", self.drop_path)
    }
}

/// Channels, kernel and stride of the first convolution.
pub const STEM: Conv = Conv { channels: 32, kernel: 3, stride: 2 };

/// Channels of the last feature map, which the head looks at.
pub const FEATURES: usize = 1280;

/// Parts that can run, or be frozen, by themselves: the stem, the stages, and the last convolution.
pub const PARTS: usize = STAGES.len() + 2;

/// The part that is the last stage; behind it stands the last convolution.
pub const LAST_STAGE: usize = STAGES.len();

/// Shortest side of a poster.
pub(super) const MIN_SIDE: u32 = 32;

/// How many channels a block has inside for each channel that it takes, but in the first stage.
const EXPANSION: usize = 6;

/// A convolution's sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Of its output.
    pub channels: usize,
    /// Side of its kernel.
    pub kernel: usize,
    /// Pixels of the input from one output to the next.
    pub stride: usize,
}

/// A stage's blocks: how many, the first one's depthwise convolution, and the channels of all, at width 1 and
/// depth 1.
struct Stage {
    blocks: usize,
    conv: Conv,
}

const fn stage(blocks: usize, kernel: usize, stride: usize, channels: usize) -> Stage {
    Stage { blocks, conv: Conv { channels, kernel, stride } }
}

const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 16),
    stage(2, 3, 2, 24),
    stage(2, 5, 2, 40),
    stage(3, 3, 2, 80),
    stage(3, 5, 1, 112),
    stage(4, 5, 2, 192),
    stage(1, 3, 1, 320),
];

/// An inverted residual block (Sandler et al. 2018, "MobileNetV2"): 1x1 to more channels (`expand`), a depthwise
/// convolution (`depthwise`), and 1x1 back (`project`), the first two with ReLU6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    /// Where its parameters are.
    pub path: String,
    /// Channels that it takes.
    pub inputs: usize,
    /// Channels inside. Where these are its inputs, the first 1x1 convolution is left out.
    pub hidden: usize,
    /// Channels that it gives.
    pub outputs: usize,
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Of the depthwise convolution.
    pub stride: usize,
}

impl BlockPlan {
    /// Whether it has the first 1x1 convolution.
    pub fn expands(&self) -> bool {
        self.hidden != self.inputs
    }

    /// Whether its input is added to its output.
    pub fn is_residual(&self) -> bool {
        self.stride == 1 && self.inputs == self.outputs
    }
}

impl Size {
    /// The blocks of each stage, from the front.
    pub fn stages(self) -> Vec<Vec<BlockPlan>> {
        let mut inputs = STEM.channels;
        let mut stages = Vec::with_capacity(STAGES.len());
        for (number, Stage { conv, .. }) in STAGES.iter().enumerate() {
            let outputs = self.channels(conv.channels);
            let blocks = (0..self.blocks(number)).map(|index| {
                let expansion = if number == 0 { 1 } else { EXPANSION };
                let plan = BlockPlan {
                    path: format!("stages.{number}.blocks.{index}"),
                    inputs,
                    hidden: inputs * expansion,
                    outputs,
                    kernel: conv.kernel,
                    stride: if index == 0 { conv.stride } else { 1 },
                };
                inputs = outputs;
                plan
            });
            stages.push(blocks.collect());
        }
        stages
    }

    /// Every tensor by its name, with its shape.
    pub(super) fn tensors(self, genres: usize) -> Vec<(String, Vec<usize>)> {
        let conv = |path: String, shape: [usize; 4]| {
            [(format!("{path}.weight"), shape.to_vec()), (format!("{path}.bias"), vec![shape[0]])]
        };
        let mut tensors = Vec::new();
        let mut inputs = STEM.channels;
        tensors.extend(conv("stem".into(), [inputs, 3, STEM.kernel, STEM.kernel]));
        for block in self.stages().into_iter().flatten() {
            let BlockPlan { ref path, hidden, outputs, kernel, .. } = block;
            if block.expands() {
                tensors.extend(conv(format!("{path}.expand"), [hidden, inputs, 1, 1]));
            }
            tensors.extend(conv(format!("{path}.depthwise"), [hidden, 1, kernel, kernel]));
            tensors.extend(conv(format!("{path}.project"), [outputs, hidden, 1, 1]));
            inputs = outputs;
        }
        tensors.extend(conv("last".into(), [FEATURES, inputs, 1, 1]));
        tensors.push(("head.weight".into(), vec![FEATURES, genres]));
        tensors.push(("head.bias".into(), vec![genres]));
        tensors
    }

    /// Where the places of the last feature map lie along a side of `pixels`.
    pub(super) fn places(self, pixels: usize) -> Places {
        let stem = Sight::of(pixels).behind(STEM.kernel, STEM.stride);
        let blocks = self.stages().into_iter().flatten();
        let sight = blocks.fold(stem, |sight, block| sight.behind(block.kernel, block.stride));
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

/// What the path of every parameter of a part holds, such as `stages.2.`.
pub fn part_path(part: usize) -> String {
    match part {
        0 => "stem.".into(),
        part if part <= LAST_STAGE => format!("stages.{}.", part - 1),
        _ => "last.".into(),
    }
}
