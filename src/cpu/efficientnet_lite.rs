//! EfficientNet-Lite in 16-bit integers; see `architecture::efficientnet_lite` for what it is.
//!
//! A map lies pixel by pixel, the channels of a pixel together. Between the blocks it is floats, so that the sums
//! over many blocks stay exact; within a block it is integers.

use crate::architecture::efficientnet_lite::{BlockPlan, FEATURES, STEM, Variant};
use crate::error::Result;
use crate::padding;
use crate::preprocess::{Pixels, Preprocess};
use crate::weights::Tensors;

use crate::contributions::Contributions;
use super::depthwise::Depthwise;
use super::fixed_point::{self as fixed, HIDDEN_BITS, Inputs, Pair};
use super::pointwise::{Expand, Project};

/// The network for posters of one size.
#[derive(Debug)]
pub(super) struct EfficientNetLite {
    stem: Stem,
    blocks: Vec<Block>,
    last: Project,
    head: Head,
}

/// A block. The first one expands what the stem looks at: the stem's convolution takes the place of its 1x1.
#[derive(Debug)]
struct Block {
    expand: Expand,
    depthwise: Depthwise,
    project: Project,
    residual: bool,
}

/// How a poster's pixels become the stem's inputs.
#[derive(Debug)]
struct Stem {
    /// The value of each channel's 256 levels.
    levels: Box<[[i16; 256]; 3]>,
    bits: i32,
    /// Height and width of the poster.
    input: [usize; 2],
    /// Of the map behind it.
    output: [usize; 2],
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
        let mut expands_stem = Some(Stem::convolution(tensors)?);
        let mut map = stem.output;
        let mut blocks = Vec::new();
        for plan in variant.stages().into_iter().flatten() {
            let expand = match expands_stem.take() {
                Some(convolution) => convolution,
                None => {
                    let path = format!("{}.expand", plan.path);
                    let [weight, bias] = tensors.take_layer(&path)?;
                    Expand::new(&weight, bias, Inputs::STREAM)
                }
            };
            let block = Block::new(&plan, expand, map, tensors)?;
            map = block.depthwise.output();
            blocks.push(block);
        }
        Ok(Self {
            stem,
            blocks,
            last: project(tensors, "last", Inputs::STREAM)?,
            head: Head { weight: tensors.take("head.weight")?, bias: tensors.take("head.bias")? },
        })
    }

    /// Logits `[genres]` of a poster.
    pub(super) fn logits(&self, poster: &Pixels) -> Vec<f32> {
        let mut logits = self.head.bias.clone();
        self.head.add(&self.mean(poster), &mut logits);
        logits
    }

    /// The mean of the last feature map over a poster, `[1280]`.
    pub(super) fn mean(&self, poster: &Pixels) -> Vec<f32> {
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
            self.head.add(pixel, &mut logits);
            for (genre, logit) in logits.into_iter().enumerate() {
                maps[genre * places + place] = logit / places as f32;
            }
        }
        Contributions { maps, bias: self.head.bias.clone() }
    }

    /// The last feature map of a poster, `[rows, columns, 1280]`.
    fn features(&self, poster: &Pixels) -> Vec<f32> {
        let mut rounded: Vec<Pair> = Vec::new();
        let mut map = Vec::new();
        let mut hidden: Vec<Pair> = Vec::new();
        let mut stream: Vec<f32> = Vec::new();
        let mut next: Vec<f32> = Vec::new();

        let mut bits = self.stem.patches(poster, &mut rounded);
        let mut width = self.stem.output[1];
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                let pixel = block.expand.inputs();
                let row = [width * pixel, width % 2 * pixel / 2];
                bits = fixed::round_stream(&stream, row, &mut rounded);
            }
            block.expand.run(&rounded, bits, block.depthwise.clear(&mut map));
            block.depthwise.convolve(&mut map, &mut hidden);
            block.project.run(&hidden, HIDDEN_BITS, &mut next);
            if block.residual {
                next.iter_mut().zip(&stream).for_each(|(next, value)| *next += value);
            }
            std::mem::swap(&mut stream, &mut next);
            width = block.depthwise.output()[1];
        }
        let bits = fixed::round_stream(&stream, [stream.len(), 0], &mut rounded);
        self.last.run(&rounded, bits, &mut next);
        next.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0));
        next
    }
}

impl Head {
    /// Adds what `features` say for each genre.
    fn add(&self, features: &[f32], logits: &mut [f32]) {
        for (feature, weights) in features.iter().zip(self.weight.chunks_exact(logits.len())) {
            logits.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += feature * weight);
        }
    }
}

impl Block {
    fn new(
        plan: &BlockPlan,
        expand: Expand,
        map: [usize; 2],
        tensors: &mut Tensors,
    ) -> Result<Self> {
        let BlockPlan { path, kernel, stride, .. } = plan;
        let name = format!("{path}.depthwise");
        let [weight, bias] = tensors.take_layer(&name)?;
        Ok(Self {
            expand,
            depthwise: Depthwise::new(&weight, &bias, [*kernel, *stride], map),
            project: project(tensors, &format!("{path}.project"), Inputs::HIDDEN)?,
            residual: plan.is_residual(),
        })
    }
}

impl Stem {
    /// Values under the kernel, and one more for an even number.
    const INPUTS: usize = (3 * STEM.kernel * STEM.kernel).next_multiple_of(2);

    fn new(input: &Preprocess) -> Self {
        // A pixel of each level, normalised as every poster is: `[3, 256]`.
        let levels = Pixels { rgb: (0..=255).flat_map(|level| [level; 3]).collect() };
        let values = input.normalise(&levels);
        let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let bits = Inputs::STREAM.bits(largest);
        let round = |value: f32| fixed::round(value, fixed::power(bits)) as i16;
        let size = [input.height as usize, input.width as usize];
        Self {
            levels: Box::new(std::array::from_fn(|channel| {
                std::array::from_fn(|level| round(values[channel * 256 + level]))
            })),
            bits,
            input: size,
            output: size.map(|side| side.div_ceil(STEM.stride)),
        }
    }

    fn convolution(tensors: &mut Tensors) -> Result<Expand> {
        let [weight, bias] = tensors.take_layer("stem")?;
        // From [output, channel, row, column] to the patch's order.
        let area = STEM.kernel * STEM.kernel;
        let reordered = weight.chunks_exact(3 * area).flat_map(|weight| {
            let value = move |index: usize| match index {
                index if index < 3 * area => weight[index % 3 * area + index / 3],
                _ => 0.0,
            };
            (0..Self::INPUTS).map(value)
        });
        Ok(Expand::new(&reordered.collect::<Vec<_>>(), bias, Inputs::STREAM))
    }

    /// What the kernel sees at each of its places, `[rows, even columns, INPUTS]`: row by row, pixel by pixel.
    fn patches(&self, poster: &Pixels, patches: &mut Vec<Pair>) -> i32 {
        let [height, width] = self.input;
        let before = self.input.map(|size| padding::before(size, STEM.kernel, STEM.stride));
        // The poster with a frame of zeros, wide enough for every place.
        let columns = self.output[1].next_multiple_of(2);
        let row = ((columns - 1) * STEM.stride + STEM.kernel).max(before[1] + width) * 3;
        let rows = ((self.output[0] - 1) * STEM.stride + STEM.kernel).max(before[0] + height);
        let mut framed = vec![0; rows * row];
        let lines = poster.rgb.chunks_exact(width * 3);
        for (line, target) in lines.zip(framed.chunks_exact_mut(row).skip(before[0])) {
            let values = line.iter().zip(self.levels.iter().cycle());
            for (target, (&level, levels)) in target.iter_mut().skip(before[1] * 3).zip(values) {
                *target = levels[usize::from(level)];
            }
        }
        let seen = STEM.kernel * 3;
        patches.clear();
        patches.resize(self.output[0] * columns * Self::INPUTS / 2, 0);
        let values: &mut [i16] = bytemuck::cast_slice_mut(patches);
        for (index, patch) in values.chunks_exact_mut(Self::INPUTS).enumerate() {
            let [y, x] = [index / columns, index % columns];
            for (line, target) in patch.chunks_exact_mut(seen).enumerate() {
                let from = (y * STEM.stride + line) * row + x * STEM.stride * 3;
                target.copy_from_slice(&framed[from..][..seen]);
            }
        }
        self.bits
    }
}

/// The 1x1 convolution at `path`.
fn project(tensors: &mut Tensors, path: &str, inputs: Inputs) -> Result<Project> {
    let [weight, bias] = tensors.take_layer(path)?;
    Ok(Project::new(&weight, bias, inputs))
}
