//! EfficientNet-Lite: EfficientNet (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
//! Neural Networks") without squeeze-and-excite and with ReLU6, as TensorFlow's authors published it in 2020 for
//! phones and 8-bit arithmetic. It is small and has no layer that is slow on a GPU or in a browser.
//!
//! There is no batch norm: its ImageNet statistics are folded into the preceding convolutions when pretrained
//! weights are read. Training therefore trains exactly the model that ships, with any batch size.
//!
//! Every convolution has TensorFlow's "SAME" padding.

use serde::{Deserialize, Serialize};

use super::receptive_field::{GridAxis, ReceptiveField};

/// A published size of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// 3.4 million weights, not counting the head.
    Lite0,
    /// 4.2 million.
    Lite1,
    /// 4.9 million.
    Lite2,
}

/// Regularisation during training; neither option changes the trained model's size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EfficientNetLiteConfig {
    /// Fraction of the pooled features that are set to zero before the head, 0..1.
    pub dropout: f64,
    /// Probability of skipping the last block for a poster, 0..1; it falls linearly to 0 at the first block (Huang
    /// et al. 2016, "Deep Networks with Stochastic Depth").
    pub drop_path: f64,
}

impl Default for EfficientNetLiteConfig {
    fn default() -> Self {
        Self { dropout: 0.2, drop_path: 0.1 }
    }
}

impl EfficientNetLiteConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        super::check_rate("dropout", self.dropout)?;
        super::check_rate("drop_path", self.drop_path)
    }
}

/// The first convolution.
pub const STEM: Conv = Conv { channels: 32, kernel: 3, stride: 2 };

/// Channels of the last feature map, the head's input.
pub const FEATURES: usize = 1280;

/// Number of parts that can be run or frozen separately: the stem, seven stages, and the last convolution.
pub const PARTS: usize = STAGES.len() + 2;

/// Index of the part that is the last stage; the last convolution follows it.
pub const LAST_STAGE: usize = STAGES.len();

/// Shortest side of a poster, in pixels: the feature map is then a single place.
pub(super) const MIN_SIDE: u32 = 32;

/// Hidden channels of a block for each of its input channels; in the first stage the factor is 1.
const EXPANSION: usize = 6;

/// The sizes of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Output channels.
    pub channels: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Input pixels from one output to the next.
    pub stride: usize,
}

/// A stage of Lite0: the number of its blocks, their output channels, and the depthwise convolution of the first
/// (the others have stride 1).
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

/// An inverted residual block (Sandler et al. 2018, "MobileNetV2"): a 1x1 convolution to more channels
/// (`expand`) and a `depthwise` convolution, both with ReLU6, then a linear 1x1 convolution to fewer channels
/// (`project`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    /// Path of its parameters, such as `stages.2.blocks.0`.
    pub path: String,
    /// Input channels.
    pub inputs: usize,
    /// Hidden channels. If they equal the input channels, there is no `expand` convolution.
    pub hidden: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Stride of the depthwise convolution.
    pub stride: usize,
}

impl BlockPlan {
    /// Returns whether the block has an `expand` convolution.
    pub fn expands(&self) -> bool {
        self.hidden != self.inputs
    }

    /// Returns whether the block adds its input to its output.
    pub fn is_residual(&self) -> bool {
        self.stride == 1 && self.inputs == self.outputs
    }
}

impl Variant {
    /// Returns the blocks of each stage, from first to last.
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

    /// Returns the name and shape of every tensor.
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

    /// Returns the number of values in the largest feature map of a poster of `[height, width]`.
    pub(super) fn largest_map(self, poster: [usize; 2]) -> usize {
        let area = |[height, width]: [usize; 2]| height * width;
        let mut map = poster.map(|side| side.div_ceil(STEM.stride));
        let mut largest = (area(poster) * 3).max(area(map) * STEM.channels);
        for block in self.stages().into_iter().flatten() {
            largest = largest.max(area(map) * block.hidden);
            map = map.map(|side| side.div_ceil(block.stride));
        }
        largest.max(area(map) * FEATURES)
    }

    /// Returns where the last feature map looks along a side of `pixels`.
    pub(super) fn grid_axis(self, pixels: usize) -> GridAxis {
        let stem = ReceptiveField::of_input(pixels).after(STEM.kernel, STEM.stride);
        let blocks = self.stages().into_iter().flatten();
        let last = blocks.fold(stem, |field, block| field.after(block.kernel, block.stride));
        last.axis(pixels)
    }

    /// Returns the published width and depth, relative to Lite0's.
    fn scale(self) -> (f64, f64) {
        match self {
            Self::Lite0 => (1.0, 1.0),
            Self::Lite1 => (1.0, 1.1),
            Self::Lite2 => (1.1, 1.2),
        }
    }

    /// Scales a number of channels, rounded to the nearest multiple of 8 that is at most a tenth smaller.
    fn channels(self, of_lite0: usize) -> usize {
        let scaled = of_lite0 as f64 * self.scale().0;
        let rounded = ((scaled + 4.0) as usize / 8 * 8).max(8);
        if (rounded as f64) < 0.9 * scaled { rounded + 8 } else { rounded }
    }

    /// Returns the number of blocks of a stage. The first and the last stage are not scaled.
    fn blocks(self, stage: usize) -> usize {
        let of_lite0 = STAGES[stage].blocks;
        if stage == 0 || stage == STAGES.len() - 1 {
            of_lite0
        } else {
            (of_lite0 as f64 * self.scale().1).ceil() as usize
        }
    }
}

/// Returns the prefix of a part's parameter paths, such as `stages.2.`.
pub fn part_path(part: usize) -> String {
    match part {
        0 => "stem.".into(),
        part if part <= LAST_STAGE => format!("stages.{}.", part - 1),
        _ => "last.".into(),
    }
}
