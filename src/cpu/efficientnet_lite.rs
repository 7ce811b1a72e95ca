//! EfficientNet-Lite in 16-bit integers; see [`crate::architecture::efficientnet_lite`] for the architecture.
//!
//! Feature maps are `[rows, columns, channels]`. Between blocks they are floats, so that the residual sums stay
//! exact; within a block they are integers.

mod stem;

use crate::architecture::efficientnet_lite::{BlockPlan, FEATURES, Variant};
use crate::contributions::Contributions;
use crate::error::Result;
use crate::image::{Pixels, Preprocess};
use crate::weights::Tensors;

use super::depthwise::Depthwise;
use super::fixed_point::{self, HIDDEN_BITS, InputRange, Pair};
use super::pointwise::{Expand, Project};
use stem::Stem;

/// The model for posters of one size.
#[derive(Debug)]
pub(super) struct EfficientNetLite {
    stem: Stem,
    blocks: Vec<Block>,
    last: Project,
    head: Head,
}

/// An inverted residual block. The first block has no `expand` convolution of its own; the stem's convolution,
/// a 1x1 convolution over patches, takes its place.
#[derive(Debug)]
struct Block {
    expand: Expand,
    depthwise: Depthwise,
    project: Project,
    residual: bool,
}

/// The linear head over the mean of the last feature map.
#[derive(Debug)]
struct Head {
    /// `[features, genres]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl EfficientNetLite {
    pub(super) fn new(variant: Variant, input: &Preprocess, tensors: &mut Tensors) -> Result<Self> {
        let stem = Stem::new(input);
        let mut stem_convolution = Some(Stem::convolution(tensors)?);
        let mut map = stem.output();
        let mut blocks = Vec::new();
        for plan in variant.stages().into_iter().flatten() {
            let expand = match stem_convolution.take() {
                Some(convolution) => convolution,
                None => {
                    let path = format!("{}.expand", plan.path);
                    let [weight, bias] = tensors.take_layer(&path)?;
                    Expand::new(&weight, bias, InputRange::STREAM)?
                }
            };
            let block = Block::new(&plan, expand, map, tensors)?;
            map = block.depthwise.output();
            blocks.push(block);
        }
        Ok(Self {
            stem,
            blocks,
            last: project(tensors, "last", InputRange::STREAM)?,
            head: Head { weight: tensors.take("head.weight")?, bias: tensors.take("head.bias")? },
        })
    }

    /// Returns the logits `[genres]` of a poster.
    pub(super) fn logits(&self, poster: &Pixels) -> Vec<f32> {
        let mut logits = self.head.bias.clone();
        self.head.accumulate(&self.mean_features(poster), &mut logits);
        logits
    }

    /// Returns the mean of a poster's last feature map, `[1280]`.
    pub(super) fn mean_features(&self, poster: &Pixels) -> Vec<f32> {
        let features = self.features(poster);
        let mut mean = vec![0.0; FEATURES];
        for pixel in features.chunks_exact(FEATURES) {
            mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value);
        }
        let places = features.len() / FEATURES;
        mean.iter_mut().for_each(|mean| *mean /= places as f32);
        mean
    }

    /// See [`super::CpuModel::contributions`].
    pub(super) fn contributions(&self, poster: &Pixels) -> Contributions {
        let features = self.features(poster);
        let (genres, places) = (self.head.bias.len(), features.len() / FEATURES);
        let mut maps = vec![0.0; genres * places];
        for (place, pixel) in features.chunks_exact(FEATURES).enumerate() {
            let mut logits = vec![0.0; genres];
            self.head.accumulate(pixel, &mut logits);
            for (genre, logit) in logits.into_iter().enumerate() {
                maps[genre * places + place] = logit / places as f32;
            }
        }
        Contributions { maps, bias: self.head.bias.clone() }
    }

    /// Returns the last feature map of a poster, `[rows, columns, 1280]`.
    fn features(&self, poster: &Pixels) -> Vec<f32> {
        // Allocated once and reused by all blocks.
        let mut quantised: Vec<Pair> = Vec::new();
        let mut map = Vec::new();
        let mut hidden: Vec<Pair> = Vec::new();
        let mut stream: Vec<f32> = Vec::new();
        let mut next: Vec<f32> = Vec::new();

        let mut bits = self.stem.patches(poster, &mut quantised);
        let mut width = self.stem.output()[1];
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                // Rows are padded to an even number of pixels.
                let pixel = block.expand.inputs();
                let row = [width * pixel, width % 2 * pixel / 2];
                bits = fixed_point::quantise_stream(&stream, row, &mut quantised);
            }
            block.expand.run(&quantised, bits, block.depthwise.clear(&mut map));
            block.depthwise.convolve(&mut map, &mut hidden);
            block.project.run(&hidden, HIDDEN_BITS, &mut next);
            if block.residual {
                next.iter_mut().zip(&stream).for_each(|(next, value)| *next += value);
            }
            std::mem::swap(&mut stream, &mut next);
            width = block.depthwise.output()[1];
        }
        let bits = fixed_point::quantise_stream(&stream, [stream.len(), 0], &mut quantised);
        self.last.run(&quantised, bits, &mut next);
        next.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0));
        next
    }
}

impl Head {
    /// Adds the weighted features to each genre's logit.
    fn accumulate(&self, features: &[f32], logits: &mut [f32]) {
        for (feature, weights) in features.iter().zip(self.weight.chunks_exact(logits.len())) {
            logits.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += feature * weight);
        }
    }
}

impl Block {
    /// Builds a block for input maps of `map`, `[height, width]`.
    fn new(
        plan: &BlockPlan,
        expand: Expand,
        map: [usize; 2],
        tensors: &mut Tensors,
    ) -> Result<Self> {
        let BlockPlan { path, kernel, stride, .. } = plan;
        let [weight, bias] = tensors.take_layer(&format!("{path}.depthwise"))?;
        Ok(Self {
            expand,
            depthwise: Depthwise::new(&weight, &bias, [*kernel, *stride], map)?,
            project: project(tensors, &format!("{path}.project"), InputRange::HIDDEN)?,
            residual: plan.is_residual(),
        })
    }
}

/// Returns the linear 1x1 convolution at `path`.
fn project(tensors: &mut Tensors, path: &str, range: InputRange) -> Result<Project> {
    let [weight, bias] = tensors.take_layer(path)?;
    Project::new(&weight, bias, range)
}
