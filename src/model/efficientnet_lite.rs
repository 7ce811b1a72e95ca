//! EfficientNet-Lite in Burn, to classify and to train. See [`crate::architecture::efficientnet_lite`].

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Distribution, Tensor};

use crate::architecture::efficientnet_lite::{
    BlockPlan, EfficientNetLiteConfig, FEATURES, LAST_STAGE, PARTS, STEM, Variant,
};
use crate::kernels::{self, Activation, InvertedResidual};

/// The model: a stem, seven stages of blocks, a last 1x1 convolution, the mean over the feature map, and a linear
/// head.
#[derive(Module, Debug)]
pub struct EfficientNetLite {
    stem: Conv2d,
    stages: Vec<Stage>,
    last: Conv2d,
    dropout: Dropout,
    head: Linear,
}

/// A run of blocks with the same output channels.
#[derive(Module, Debug)]
struct Stage {
    blocks: Vec<Block>,
}

/// An inverted residual block; see [`BlockPlan`].
#[derive(Module, Debug)]
struct Block {
    expand: Option<Conv2d>,
    depthwise: Conv2d,
    project: Conv2d,
    /// Whether the block adds its input to its output.
    residual: bool,
    /// Probability of skipping the block for a poster during training.
    drop_path: f64,
}

/// A function that receives the name of a weight, and the outputs and the input of its convolution.
type Visitor<'a> = dyn FnMut(&str, usize, Tensor<4>) + 'a;

/// Returns a convolution with a bias, TensorFlow's "SAME" padding, and weights initialised as in He et al. 2015.
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
    fn init(plan: &BlockPlan, drop_path: f64, device: &Device) -> Self {
        let &BlockPlan { inputs, hidden, outputs, kernel, stride, .. } = plan;
        Self {
            expand: plan.expands().then(|| conv([inputs, hidden], 1, 1, 1, device)),
            depthwise: conv([hidden, hidden], kernel, stride, hidden, device),
            project: conv([hidden, outputs], 1, 1, 1, device),
            residual: plan.is_residual(),
            drop_path,
        }
    }

    /// Maps `[N, inputs, H, W]` to `[N, outputs, ceil(H / stride), ceil(W / stride)]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let block = InvertedResidual {
            expand: self.expand.as_ref(),
            depthwise: &self.depthwise,
            project: &self.project,
            residual: self.residual,
        };
        // Blocks are skipped only during training.
        let skipped = self.residual && self.drop_path > 0.0 && x.device().is_autodiff();
        let scales = skipped.then(|| self.kept(x.dims()[0], &x.device()));
        block.forward(x, scales)
    }

    /// Maps as [`Self::forward`] does without training, and passes the inputs of the 1x1 convolutions to `visit`.
    fn visit_pointwise(&self, path: &str, x: Tensor<4>, visit: &mut Visitor<'_>) -> Tensor<4> {
        let hidden = match &self.expand {
            Some(expand) => {
                visit(&format!("{path}.expand.weight"), expand.weight.dims()[0], x.clone());
                kernels::pointwise(expand, x.clone(), Activation::Relu6)
            }
            None => x.clone(),
        };
        let hidden = kernels::depthwise(&self.depthwise, hidden, Activation::Relu6);
        visit(&format!("{path}.project.weight"), self.project.weight.dims()[0], hidden.clone());
        let y = kernels::pointwise(&self.project, hidden, Activation::Linear);
        if self.residual { y + x } else { y }
    }

    /// Returns the factors of the posters' outputs, `[posters, 1, 1, 1]`: zero for a random part of them, and above 1 for
    /// the others, to keep the mean.
    fn kept(&self, posters: usize, device: &Device) -> Tensor<4> {
        let keep = 1.0 - self.drop_path;
        Tensor::random([posters, 1, 1, 1], Distribution::Bernoulli(keep), device) / keep
    }
}

impl EfficientNetLite {
    pub(super) fn init(
        variant: Variant,
        config: &EfficientNetLiteConfig,
        genres: usize,
        device: &Device,
    ) -> Self {
        let plan = variant.stages();
        let total: usize = plan.iter().map(Vec::len).sum();
        let mut index = 0;
        let mut block = |plan: &BlockPlan| {
            let drop_path = config.drop_path * index as f64 / total as f64;
            index += 1;
            Block::init(plan, drop_path, device)
        };
        let stages: Vec<Stage> = plan
            .iter()
            .map(|blocks| Stage { blocks: blocks.iter().map(&mut block).collect() })
            .collect();
        let outputs = plan.iter().flatten().last().map_or(STEM.channels, |block| block.outputs);
        Self {
            stem: conv([3, STEM.channels], STEM.kernel, STEM.stride, 1, device),
            stages,
            last: conv([outputs, FEATURES], 1, 1, 1, device),
            dropout: DropoutConfig::new(config.dropout).init(),
            // All zeros: every probability starts at 0.5, so the first loss is that of a coin toss.
            head: LinearConfig::new(FEATURES, genres)
                .with_initializer(Initializer::Zeros)
                .init(device),
        }
    }

    /// Returns the logits `[N, genres]` of normalised posters `[N, 3, H, W]`.
    pub fn forward(&self, posters: Tensor<4>) -> Tensor<2> {
        self.classify(self.features(posters))
    }

    /// Returns the last feature map `[N, 1280, ceil(H / 32), ceil(W / 32)]` of posters `[N, 3, H, W]`.
    pub fn features(&self, posters: Tensor<4>) -> Tensor<4> {
        self.run(0..PARTS, posters)
    }

    /// Calls `visit` for each 1x1 convolution, from the first to the last, with the name of its weight, the number of its
    /// outputs and its input, `[N, channels, H, W]`, for posters `[N, 3, H, W]`.
    pub fn visit_pointwise(&self, posters: Tensor<4>, visit: &mut Visitor<'_>) {
        let mut x = kernels::dense(&self.stem, posters, Activation::Relu6);
        for (stage, Stage { blocks }) in self.stages.iter().enumerate() {
            for (block, inner) in blocks.iter().enumerate() {
                x = inner.visit_pointwise(&format!("stages.{stage}.blocks.{block}"), x, visit);
            }
        }
        visit("last.weight", FEATURES, x);
    }

    /// Returns the logits `[N, genres]` of a last feature map `[N, 1280, rows, columns]`.
    pub fn classify(&self, features: Tensor<4>) -> Tensor<2> {
        self.head.forward(self.dropout.forward(Self::pool(features)))
    }

    /// Returns the head's input `[N, channels]`: the mean of a feature map `[N, channels, rows, columns]` over
    /// its places.
    pub fn pool(map: Tensor<4>) -> Tensor<2> {
        map.mean_dims(&[2, 3]).flatten(1, 3)
    }

    /// Returns the weight `[1280, genres]` and the bias `[genres]` of the head.
    pub fn head(&self) -> (Tensor<2>, Tensor<1>) {
        let weight = self.head.weight.val();
        let bias = self.head.bias.as_ref().map(Param::val);
        let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[1]], &weight.device()));
        (weight, bias)
    }

    /// Returns the same model with another head, which may have other genres.
    pub fn with_head(mut self, head: Linear) -> Self {
        self.head = head;
        self
    }

    /// See [`super::Model::calibrated`].
    pub(super) fn calibrated(mut self, shifts: &[f32], scales: &[f32]) -> Self {
        self.head = super::calibrated(self.head, shifts, scales);
        self
    }

    /// Returns the device of the weights.
    pub fn device(&self) -> Device {
        self.head.weight.val().device()
    }

    /// Returns what each place of the last feature map adds to each genre's logit, `[N, genres, rows, columns]`,
    /// and the bias `[genres]`. A genre's logit is the sum of its map plus its bias.
    pub(super) fn contributions(&self, posters: Tensor<4>) -> (Tensor<4>, Tensor<1>) {
        let features = self.features(posters); // [N, 1280, rows, columns]
        let [n, _, rows, columns] = features.dims();
        let places = rows * columns;
        let weight = self.head.weight.val().transpose().unsqueeze::<3>(); // [1, genres, 1280]
        let maps = weight.matmul(features.flatten::<3>(2, 3)) / places as f32; // [N, genres, places]
        let genres = maps.dims()[1];
        let (_, bias) = self.head();
        (maps.reshape([n, genres, rows, columns]), bias)
    }

    /// Returns the weights of all convolutions, without biases, from part `part` to the last.
    pub fn conv_weights(&self, part: usize) -> Vec<Tensor<4>> {
        // Part 0 is the stem, so stage `i` is part `i + 1`.
        let stages = self.stages.iter().skip(part.saturating_sub(1));
        let blocks = stages.flat_map(|stage| &stage.blocks);
        let inner =
            blocks.flat_map(|block| block.expand.iter().chain([&block.depthwise, &block.project]));
        let stem = (part == 0).then_some(&self.stem);
        stem.into_iter().chain(inner).chain([&self.last]).map(|conv| conv.weight.val()).collect()
    }

    /// Returns the same model with its first `parts` parts frozen: they are no longer trained.
    pub fn freeze(mut self, parts: usize) -> Self {
        if parts > 0 {
            self.stem = self.stem.no_grad();
        }
        let stages = self.stages.into_iter().enumerate();
        self.stages = stages
            .map(|(index, stage)| if index + 1 < parts { stage.no_grad() } else { stage })
            .collect();
        if parts == PARTS {
            self.last = self.last.no_grad();
        }
        self
    }

    /// Returns the same model with a head that predicts each genre's frequency, between 0 and 1, for every poster.
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

    /// Runs consecutive parts on the output of the part before them. Part 0 is the stem, whose input is
    /// posters; parts 1..=7 are the stages, and part 8 is the last convolution.
    pub fn run(&self, parts: std::ops::Range<usize>, x: Tensor<4>) -> Tensor<4> {
        parts.fold(x, |x, part| match part {
            0 => kernels::dense(&self.stem, x, Activation::Relu6),
            part if part <= LAST_STAGE => {
                self.stages[part - 1].blocks.iter().fold(x, |x, block| block.forward(x))
            }
            _ => kernels::pointwise(&self.last, x, Activation::Relu6),
        })
    }
}
