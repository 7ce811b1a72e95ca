//! 1x1 convolutions: matrix products of each pixel's channels with the weights of each output.

mod packed;

use super::fixed_point::{self, Format, HIDDEN_BITS, InputRange, Quantisation, SIX};
use super::simd::{Group, Groups, Level, Simd, Unit};
use crate::error::Result;
use packed::{Outputs, PackedWeights};

/// How precisely a layer computes.
#[derive(Debug, Clone, Copy)]
pub enum Precision<'a> {
    /// With weights of 16 bits, for inputs in this range.
    Wide(InputRange),
    /// With weights of 8 bits, which have these scales, one per output.
    Narrow(&'a [f32]),
}

impl Precision<'_> {
    /// Packs `weights`, `[outputs, inputs]`, and returns them with the factor of each output. `bias` is where the
    /// accumulators begin.
    fn pack(
        self,
        level: Level,
        weights: &[f32],
        bias: &[f32],
    ) -> Result<(PackedWeights, Vec<f32>)> {
        let format = self.format(level, packed::inputs(weights, bias.len())?);
        let factors = self.factors(weights, bias);
        Ok((PackedWeights::new(level, format, weights, &factors), factors))
    }

    /// Returns the format of the inputs.
    fn format(self, level: Level, inputs: usize) -> Format {
        match self {
            Self::Wide(_) => Format::Pairs,
            Self::Narrow(_) if inputs.is_multiple_of(Format::Quads.values()) => level.narrow(),
            Self::Narrow(_) => Format::NarrowPairs,
        }
    }

    /// Returns the weight factor of each output, from `weights`, `[outputs, inputs]`, and the biases with which the
    /// accumulators begin.
    fn factors(self, weights: &[f32], bias: &[f32]) -> Vec<f32> {
        match self {
            Self::Wide(range) => {
                let rows = weights.chunks(weights.len() / bias.len()).zip(bias);
                rows.map(|(row, bias)| range.weight_factor(row, *bias)).collect()
            }
            Self::Narrow(scales) => scales.iter().map(|scale| 1.0 / scale).collect(),
        }
    }
}

/// A 1x1 convolution with ReLU6, which writes hidden values for a depthwise convolution.
#[derive(Debug)]
pub struct Expand {
    weights: PackedWeights,
    /// Weight factor of each output.
    factors: Vec<f32>,
    bias: Vec<f32>,
}

/// A 1x1 convolution without activation, which writes floats.
#[derive(Debug)]
pub struct Project {
    weights: PackedWeights,
    /// Weight factor of each output.
    factors: Vec<f32>,
    bias: Vec<f32>,
}

/// The feature map that [`Expand`] writes, as a depthwise convolution lays it out.
pub struct HiddenMap<'a> {
    /// Eight channels per entry; each lane is a pair of horizontal neighbours.
    pub values: &'a mut [Group],
    /// Index of the entry at which each pair of pixels begins.
    pub pairs: &'a [usize],
}

impl Expand {
    /// Packs `weights`, `[outputs, inputs]` row-major.
    ///
    /// # Errors
    /// [`Error::Architecture`](crate::Error::Architecture) unless the number of inputs is even, and that of outputs a
    /// multiple of 8.
    pub fn new(
        level: Level,
        weights: &[f32],
        bias: Vec<f32>,
        precision: Precision<'_>,
    ) -> Result<Self> {
        let (weights, factors) = precision.pack(level, weights, &bias)?;
        Ok(Self { weights, factors, bias })
    }

    /// Returns the number of input channels.
    pub fn inputs(&self) -> usize {
        self.weights.inputs()
    }

    /// Returns the format of the inputs.
    pub fn format(&self) -> Format {
        self.weights.format()
    }

    /// Prepares the layer for inputs of one quantisation.
    pub fn prepare(&self, quantisation: Quantisation) -> PreparedExpand<'_> {
        let Quantisation { factor, zero } = quantisation;
        let factors = self.factors.iter().map(|weight| weight * factor);
        let scales = factors.clone().map(|factor| fixed_point::power_of_two(HIDDEN_BITS) / factor);
        // The bias is quantised like the products, so that the accumulators can start from it.
        let rows = self.bias.iter().zip(factors).zip(self.weights.sums());
        let bias: Vec<i32> = rows
            .map(|((bias, factor), sum)| fixed_point::quantise(*bias, factor) - zero * sum)
            .collect();
        PreparedExpand { weights: &self.weights, scales: scales.collect(), bias: bias.into() }
    }
}

/// An [`Expand`] for inputs of one quantisation.
pub struct PreparedExpand<'a> {
    weights: &'a PackedWeights,
    scales: Vec<f32>,
    bias: Groups,
}

impl PreparedExpand<'_> {
    /// Writes the outputs for `pixels`, `[rows, columns, inputs]` with an even number of columns.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn run(&self, pixels: &[Unit], map: HiddenMap<'_>) {
        debug_assert_eq!(pixels.len(), map.pairs.len() * 2 * self.weights.units());
        let scales = self.scales.as_chunks().0;
        self.weights.multiply(pixels, ExpandOutputs { bias: &self.bias, scales, map });
    }
}

struct ExpandOutputs<'a> {
    bias: &'a [Group],
    scales: &'a [[f32; 8]],
    map: HiddenMap<'a>,
}

impl Outputs for ExpandOutputs<'_> {
    #[inline(always)]
    fn start<S: Simd>(&self, simd: S, group: usize) -> S::Integers {
        simd.load(&self.bias[group..])
    }

    #[inline(always)]
    fn take<S: Simd, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        pixel: usize,
        group: usize,
        sums: &[[S::Integers; C]; R],
    ) {
        let entries = &self.map.pairs[pixel / 2..][..R / 2];
        for register in 0..C {
            let group = group + register * S::GROUPS;
            let scales = simd.load_floats(&self.scales[group..]);
            for ([left, right], entry) in sums.as_chunks::<2>().0.iter().zip(entries) {
                let left = fixed_point::relu6(simd, left[register], scales, SIX.into());
                let right = fixed_point::relu6(simd, right[register], scales, SIX.into());
                simd.store(simd.pair_up(left, right), &mut self.map.values[entry + group..]);
            }
        }
    }
}

impl Project {
    /// Packs `weights`, `[outputs, inputs]` row-major.
    ///
    /// # Errors
    /// Those of [`Expand::new`].
    pub fn new(
        level: Level,
        weights: &[f32],
        bias: Vec<f32>,
        precision: Precision<'_>,
    ) -> Result<Self> {
        // The bias is added in floats, so the accumulators need no room for it.
        let (weights, factors) = precision.pack(level, weights, &vec![0.0; bias.len()])?;
        Ok(Self { weights, factors, bias })
    }

    /// Returns the number of input channels.
    pub fn inputs(&self) -> usize {
        self.weights.inputs()
    }

    /// Returns the number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Returns the format of the inputs.
    pub fn format(&self) -> Format {
        self.weights.format()
    }

    /// Writes the outputs `[pixels, outputs]` for `pixels`, `[pixels, inputs]`.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn run(&self, pixels: &[Unit], quantisation: Quantisation, outputs: &mut [f32]) {
        debug_assert_eq!(
            pixels.len() * self.bias.len(),
            outputs.len() * self.weights.units(),
            "as many pixels as outputs"
        );
        let Quantisation { factor, zero } = quantisation;
        let scales: Vec<f32> = self.factors.iter().map(|weight| 1.0 / (weight * factor)).collect();
        let start: Vec<i32> = self.weights.sums().iter().map(|sum| -zero * sum).collect();
        let outputs = ProjectOutputs {
            start: &Groups::from(start),
            bias: self.bias.as_chunks().0,
            scales: scales.as_chunks().0,
            outputs: outputs.as_chunks_mut().0,
        };
        self.weights.multiply(pixels, outputs);
    }
}

struct ProjectOutputs<'a> {
    start: &'a [Group],
    bias: &'a [[f32; 8]],
    scales: &'a [[f32; 8]],
    /// `[pixels][groups]`.
    outputs: &'a mut [[f32; 8]],
}

impl Outputs for ProjectOutputs<'_> {
    #[inline(always)]
    fn start<S: Simd>(&self, simd: S, group: usize) -> S::Integers {
        simd.load(&self.start[group..])
    }

    #[inline(always)]
    fn take<S: Simd, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        pixel: usize,
        group: usize,
        sums: &[[S::Integers; C]; R],
    ) {
        for register in 0..C {
            let group = group + register * S::GROUPS;
            let scales = simd.load_floats(&self.scales[group..]);
            let bias = simd.load_floats(&self.bias[group..]);
            for (index, sums) in sums.iter().enumerate() {
                let product = simd.multiply(simd.to_floats(sums[register]), scales);
                let at = (pixel + index) * self.bias.len() + group;
                simd.store_floats(simd.add(product, bias), &mut self.outputs[at..]);
            }
        }
    }
}
