//! 1x1 convolutions: matrix products of each pixel's channels with the weights of each output.

mod packed;

use wide::{f32x4, i32x4};

use super::fixed_point::{self, HIDDEN_BITS, InputRange, Pair};
use crate::error::Result;
use packed::{PANEL, PackedWeights};

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
    pub values: &'a mut [[i32x4; PANEL / 4]],
    /// Index of the entry at which each pair of pixels begins.
    pub pairs: &'a [usize],
}

impl Expand {
    /// Packs `weights`, `[outputs, inputs]` row-major.
    ///
    /// # Errors
    /// [`Error::Architecture`](crate::Error::Architecture) unless the number of inputs is even, and that of outputs a
    /// multiple of 8.
    pub fn new(weights: &[f32], bias: Vec<f32>, range: InputRange) -> Result<Self> {
        let inputs = packed::inputs(weights, bias.len())?;
        let rows = weights.chunks(inputs).zip(&bias);
        let factors: Vec<f32> = rows.map(|(row, bias)| range.weight_factor(row, *bias)).collect();
        Ok(Self { weights: PackedWeights::new(weights, &factors), factors, bias })
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
        let (scales, _) = scales.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let (bias, _) = bias.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let start = |panel: usize| bias[panel].map(i32x4::new);
        self.weights.multiply(pixels, start, |first, panel, sums| {
            let scales = scales[panel].map(f32x4::new);
            let entries = &map.pairs[first / 2..];
            for ([left, right], entry) in sums.as_chunks::<2>().0.iter().zip(entries) {
                let targets = map.values[entry + panel].iter_mut().zip(scales);
                for ((left, right), (target, scales)) in left.iter().zip(right).zip(targets) {
                    *target = fixed_point::requantise_pairs(*left, *right, scales);
                }
            }
        });
    }
}

impl Project {
    /// Packs `weights`, `[outputs, inputs]` row-major.
    ///
    /// # Errors
    /// Those of [`Expand::new`].
    pub fn new(weights: &[f32], bias: Vec<f32>, range: InputRange) -> Result<Self> {
        let inputs = packed::inputs(weights, bias.len())?;
        // The bias is added in floats, so the accumulators need no room for it.
        let rows = weights.chunks(inputs);
        let factors: Vec<f32> = rows.map(|row| range.weight_factor(row, 0.0)).collect();
        Ok(Self { weights: PackedWeights::new(weights, &factors), factors, bias })
    }

    /// Writes the outputs `[pixels, outputs]` for `pixels`, `[pixels, inputs]` with `bits` fraction bits.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn run(&self, pixels: &[Pair], bits: i32, outputs: &mut Vec<f32>) {
        debug_assert!(pixels.len().is_multiple_of(self.weights.pairs()));
        let input = fixed_point::power_of_two(bits);
        let scales: Vec<f32> = self.factors.iter().map(|factor| 1.0 / (factor * input)).collect();
        let pixel_length = self.bias.len() / PANEL;
        outputs.clear();
        outputs.resize(pixels.len() / self.weights.pairs() * self.bias.len(), 0.0);
        let (eights, _) = outputs.as_chunks_mut::<4>().0.as_chunks_mut::<{ PANEL / 4 }>();
        let (bias, _) = self.bias.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let (scales, _) = scales.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let start = |_| [i32x4::ZERO; PANEL / 4];
        self.weights.multiply(pixels, start, |first, panel, sums| {
            let (scales, bias) = (scales[panel].map(f32x4::new), bias[panel].map(f32x4::new));
            for (index, sums) in sums.iter().enumerate() {
                let targets = &mut eights[(first + index) * pixel_length + panel];
                for (register, target) in targets.iter_mut().enumerate() {
                    let sums = f32x4::from_i32x4(sums[register]);
                    *target = (sums * scales[register] + bias[register]).to_array();
                }
            }
        });
    }
}
