//! 1x1 convolutions: matrix products of each pixel's channels with the weights of each output.

mod packed;

use super::fixed_point::{self, HIDDEN_BITS, InputRange};
use super::simd::{Group, Groups, Level, Pair, Simd};
use crate::error::Result;
use packed::{Outputs, PackedWeights};

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
    pub fn new(level: Level, weights: &[f32], bias: Vec<f32>, range: InputRange) -> Result<Self> {
        let inputs = packed::inputs(weights, bias.len())?;
        let rows = weights.chunks(inputs).zip(&bias);
        let factors: Vec<f32> = rows.map(|(row, bias)| range.weight_factor(row, *bias)).collect();
        Ok(Self { weights: PackedWeights::new(level, weights, &factors), factors, bias })
    }

    /// Returns the number of input channels.
    pub fn inputs(&self) -> usize {
        self.weights.inputs()
    }

    /// Writes the outputs for `pixels`, `[rows, columns, inputs]` with `bits` fraction bits and an even number
    /// of columns.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn run(&self, pixels: &[Pair], bits: i32, map: HiddenMap<'_>) {
        debug_assert_eq!(pixels.len(), map.pairs.len() * self.inputs());
        let input = fixed_point::power_of_two(bits);
        let factors = self.factors.iter().map(|factor| factor * input);
        let scales: Vec<f32> =
            factors.clone().map(|factor| fixed_point::power_of_two(HIDDEN_BITS) / factor).collect();
        // The bias is quantised like the products, so that the accumulators can start from it.
        let bias = self
            .bias
            .iter()
            .zip(factors)
            .map(|(bias, factor)| fixed_point::quantise(*bias, factor));
        let bias: Vec<i32> = bias.collect();
        let bias = Groups::from(bias);
        let scales = scales.as_chunks().0;
        self.weights.multiply(pixels, ExpandOutputs { bias: &bias, scales, map });
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
                let left = fixed_point::relu6(simd, left[register], scales);
                let right = fixed_point::relu6(simd, right[register], scales);
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
    pub fn new(level: Level, weights: &[f32], bias: Vec<f32>, range: InputRange) -> Result<Self> {
        let inputs = packed::inputs(weights, bias.len())?;
        // The bias is added in floats, so the accumulators need no room for it.
        let rows = weights.chunks(inputs);
        let factors: Vec<f32> = rows.map(|row| range.weight_factor(row, 0.0)).collect();
        Ok(Self { weights: PackedWeights::new(level, weights, &factors), factors, bias })
    }

    /// Returns the number of input channels.
    pub fn inputs(&self) -> usize {
        self.weights.inputs()
    }

    /// Returns the number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Writes the outputs `[pixels, outputs]` for `pixels`, `[pixels, inputs]` with `bits` fraction bits.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn run(&self, pixels: &[Pair], bits: i32, outputs: &mut [f32]) {
        debug_assert_eq!(
            pixels.len() * self.bias.len(),
            outputs.len() * self.weights.pairs(),
            "as many pixels as outputs"
        );
        let input = fixed_point::power_of_two(bits);
        let scales: Vec<f32> = self.factors.iter().map(|factor| 1.0 / (factor * input)).collect();
        let outputs = ProjectOutputs {
            bias: self.bias.as_chunks().0,
            scales: scales.as_chunks().0,
            outputs: outputs.as_chunks_mut().0,
        };
        self.weights.multiply(pixels, outputs);
    }
}

struct ProjectOutputs<'a> {
    bias: &'a [[f32; 8]],
    scales: &'a [[f32; 8]],
    /// `[pixels][groups]`.
    outputs: &'a mut [[f32; 8]],
}

impl Outputs for ProjectOutputs<'_> {
    #[inline(always)]
    fn start<S: Simd>(&self, simd: S, _: usize) -> S::Integers {
        simd.splat(0)
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
