//! EfficientNet-Lite in integers; see [`crate::architecture::efficientnet_lite`] for the architecture.
//!
//! Feature maps are `[rows, columns, channels]`. Between blocks they are floats, so that the residual sums stay
//! exact; within a block they are integers.

mod memory;
mod stem;

use std::ops::Range;

use crate::architecture::efficientnet_lite::{BlockPlan, FEATURES, Variant};
use crate::contributions::Contributions;
use crate::error::Result;
use crate::image::{Pixels, Preprocess};
use crate::weights::Tensors;

use super::depthwise::Depthwise;
use super::fixed_point::{self, InputRange, Quantisation};
use super::pointwise::{Expand, Precision, Project};
use super::simd::{Level, Unit};
use memory::{Hidden, Memory, Pool};
use stem::Stem;

/// Bytes of a block's widest map that are computed before the convolutions that follow use them. They fit the
/// second-level cache.
const STRIP: usize = 256 << 10;

/// The model for posters of one size.
#[derive(Debug)]
pub(super) struct EfficientNetLite {
    level: Level,
    stem: Stem,
    blocks: Vec<Block>,
    last: Project,
    head: Head,
    pool: Pool,
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
    pub(super) fn new(
        level: Level,
        variant: Variant,
        input: &Preprocess,
        tensors: &mut Tensors<'_>,
    ) -> Result<Self> {
        let stem = Stem::new(input);
        let mut stem_convolution = Some(Stem::convolution(level, tensors)?);
        let mut map = stem.output();
        let mut blocks = Vec::new();
        for plan in variant.stages().into_iter().flatten() {
            let expand = match stem_convolution.take() {
                Some(convolution) => convolution,
                None => {
                    let layer = Pointwise::take(tensors, &format!("{}.expand", plan.path))?;
                    let precision = layer.precision(InputRange::STREAM);
                    Expand::new(level, &layer.weight, layer.bias.clone(), precision)?
                }
            };
            let block = Block::new(level, &plan, expand, map, tensors)?;
            map = block.depthwise.output();
            blocks.push(block);
        }
        Ok(Self {
            level,
            stem,
            blocks,
            last: project(level, tensors, "last", InputRange::STREAM)?,
            head: Head { weight: tensors.take("head.weight")?, bias: tensors.take("head.bias")? },
            pool: Pool::default(),
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
        self.pool.with(|memory| {
            let features = self.features(poster, memory);
            let mut mean = vec![0.0; FEATURES];
            for pixel in features.chunks_exact(FEATURES) {
                mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value);
            }
            let places = features.len() / FEATURES;
            mean.iter_mut().for_each(|mean| *mean /= places as f32);
            mean
        })
    }

    /// See [`super::CpuModel::contributions`].
    pub(super) fn contributions(&self, poster: &Pixels) -> Contributions {
        self.pool.with(|memory| {
            let features = self.features(poster, memory);
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
        })
    }

    /// Returns the last feature map of a poster, `[rows, columns, 1280]`.
    fn features<'a>(&self, poster: &Pixels, memory: &'a mut Memory) -> &'a [f32] {
        let Memory { frame, hidden, stream, next } = memory;
        self.stem.frame(poster, frame);
        let mut width = self.stem.output()[1];
        for (index, block) in self.blocks.iter().enumerate() {
            if index == 0 {
                let patches = |rows, pairs: &mut _| self.stem.patches(frame, rows, pairs);
                block.run(&patches, self.stem.quantisation(), hidden, next);
            } else {
                let format = block.expand.format();
                let quantisation = format.stream(self.level, stream);
                let inputs = block.expand.inputs();
                let row_length = width * inputs;
                // Rows of an odd number of pixels are padded by one.
                let row = [row_length, width % 2 * inputs / format.values()];
                let quantised = |rows: Range<usize>, units: &mut _| {
                    let values = &stream[rows.start * row_length..rows.end * row_length];
                    let level = self.level;
                    fixed_point::quantise_stream(level, values, format, quantisation, row, units);
                };
                block.run(&quantised, quantisation, hidden, next);
            }
            if block.residual {
                next.iter_mut().zip(&*stream).for_each(|(next, value)| *next += value);
            }
            std::mem::swap(stream, next);
            width = block.depthwise.output()[1];
        }
        let format = self.last.format();
        let quantisation = format.stream(self.level, stream);
        let (input, row) = (&mut hidden.input, [stream.len(), 0]);
        fixed_point::quantise_stream(self.level, stream, format, quantisation, row, input);
        next.resize(stream.len() / self.last.inputs() * FEATURES, 0.0);
        self.last.run(input, quantisation, next);
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
        level: Level,
        plan: &BlockPlan,
        expand: Expand,
        map: [usize; 2],
        tensors: &mut Tensors<'_>,
    ) -> Result<Self> {
        let BlockPlan { path, kernel, stride, .. } = plan;
        let [weight, bias] = tensors.take_layer(&format!("{path}.depthwise"))?;
        let project = project(level, tensors, &format!("{path}.project"), InputRange::HIDDEN)?;
        let (sizes, format) = ([*kernel, *stride], project.format());
        Ok(Self {
            expand,
            depthwise: Depthwise::new(level, &weight, &bias, sizes, map, format)?,
            project,
            residual: plan.is_residual(),
        })
    }

    /// Writes the output `[rows, columns, channels]`, one strip of rows after the other: the maps between its convolutions
    /// are so large that only a strip stays in the cache. `input` writes some rows of the input, with this
    /// quantisation.
    fn run(
        &self,
        input: &dyn Fn(Range<usize>, &mut Vec<Unit>),
        quantisation: Quantisation,
        hidden: &mut Hidden,
        output: &mut Vec<f32>,
    ) {
        let Self { expand, depthwise, project, .. } = self;
        let expand = expand.prepare(quantisation);
        depthwise.prepare_map(&mut hidden.map);
        let [height, width] = depthwise.output();
        let row = width * project.outputs();
        output.resize(height * row, 0.0);
        let strip = depthwise.rows_within(STRIP);
        let mut expanded = 0;
        for (index, output) in output.chunks_mut(strip * row).enumerate() {
            let rows = index * strip..(index * strip + strip).min(height);
            let missing = expanded..depthwise.input_rows(rows.end);
            expanded = missing.end;
            input(missing.clone(), &mut hidden.input);
            expand.run(&hidden.input, depthwise.input(&mut hidden.map, missing));
            depthwise.convolve(&mut hidden.map, rows, &mut hidden.convolved);
            project.run(&hidden.convolved, project.format().hidden(), output);
        }
    }
}

/// Returns the linear 1x1 convolution at `path`.
fn project(
    level: Level,
    tensors: &mut Tensors<'_>,
    path: &str,
    range: InputRange,
) -> Result<Project> {
    let layer = Pointwise::take(tensors, path)?;
    Project::new(level, &layer.weight, layer.bias.clone(), layer.precision(range))
}

/// The tensors of a 1x1 convolution.
struct Pointwise {
    /// `[outputs, inputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Scales of the outputs' weights, if they are stored in 8 bits.
    scales: Option<Vec<f32>>,
}

impl Pointwise {
    fn take(tensors: &mut Tensors<'_>, path: &str) -> Result<Self> {
        let scales = tensors.scales(&format!("{path}.weight")).map(<[f32]>::to_vec);
        let [weight, bias] = tensors.take_layer(path)?;
        Ok(Self { weight, bias, scales })
    }

    /// Returns the precision in which the layer computes with inputs in `range`.
    fn precision(&self, range: InputRange) -> Precision<'_> {
        match &self.scales {
            Some(scales)
                if scales.len() == self.bias.len()
                    && fixed_point::fits_narrow(scales, &self.bias) =>
            {
                Precision::Narrow(scales)
            }
            _ => Precision::Wide(range),
        }
    }
}
