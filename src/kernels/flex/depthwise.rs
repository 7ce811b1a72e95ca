//! Depthwise convolution and its gradients over one poster's map with the channels last: `[pixels, channels]`.
//!
//! A register holds neighbouring channels of one pixel, so that borders, strides and narrow maps cost nothing. A row of
//! taps at a time runs along a row of pixels, while its weights stay in registers and the pixels in the cache. All
//! channel counts are multiples of [`LANES`]: the callers pad them.

mod blocks;
#[cfg(feature = "autodiff")]
mod gradient;
mod reach;

use pulp::Simd;

use super::rows::{RELU6, clamp};
use crate::padding::SameConv;

pub(super) use blocks::run;
use blocks::{Blocks, Taps, add_product, load, store};
#[cfg(feature = "autodiff")]
pub(super) use gradient::{InputGradient, TapsGradient};
use reach::{Reach, taps_inside};

/// Values in the widest register, that of AVX-512.
pub(super) const LANES: usize = 16;

/// The taps of some of a layer's channels, `[kernel * kernel, stride]`: the first channels of each row.
#[derive(Clone, Copy)]
pub(super) struct TapValues<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
}

/// Convolves a map with "SAME" padding, adds a bias and clamps to 0..=6.
pub(super) struct Convolution<'a> {
    pub(super) conv: SameConv,
    /// Channels, a multiple of [`LANES`].
    pub(super) channels: usize,
    /// `[input pixels, channels]`.
    pub(super) input: &'a [f32],
    pub(super) taps: TapValues<'a>,
    /// `[channels]`.
    pub(super) bias: &'a [f32],
    /// `[output pixels, channels]`.
    pub(super) output: &'a mut [f32],
}

impl Blocks for Convolution<'_> {
    fn size(&self) -> [usize; 2] {
        [self.conv.kernel, self.channels]
    }

    #[inline(always)]
    fn block<S: Simd, const R: usize, const T: usize>(&mut self, simd: S, first: usize) {
        let Self { conv, channels, taps, .. } = *self;
        let limits = RELU6.map(|limit| simd.splat_f32s(limit));
        let bias = load::<S, R>(&self.bias[first..]);
        let row_size = conv.output[1] * channels;
        for (row, output) in self.output.chunks_exact_mut(row_size).enumerate() {
            let output = &mut output[first..];
            for pixel in output.chunks_mut(channels) {
                store::<S, R>(pixel, bias);
            }
            for kernel_row in taps_inside(&conv, row) {
                let y = row * conv.stride + kernel_row - conv.padding[0];
                let input = &self.input[y * conv.input[1] * channels + first..];
                for tap in (0..conv.kernel).step_by(T) {
                    let first_tap = &taps.values[(kernel_row * conv.kernel + tap) * taps.stride..];
                    let weights = Taps::<S, R, T>::load(&first_tap[first..], taps.stride);
                    add_row(simd, &conv, channels, tap, input, &weights, output);
                }
            }
            for pixel in output.chunks_mut(channels) {
                let sums = load::<S, R>(pixel);
                store::<S, R>(pixel, sums.map(|sum| clamp(simd, sum, limits)));
            }
        }
    }
}

/// Adds the products of a row of pixels with `T` neighbouring taps, beginning with column `tap` of the kernel, to a row
/// of outputs.
#[inline(always)]
fn add_row<S: Simd, const R: usize, const T: usize>(
    simd: S,
    conv: &SameConv,
    channels: usize,
    tap: usize,
    input: &[f32],
    weights: &Taps<S, R, T>,
    output: &mut [f32],
) {
    let reach = Reach::new(conv, tap, T);
    for column in reach.partial() {
        let pixel = &mut output[column * channels..];
        let mut sums = load::<S, R>(pixel);
        for (index, weight) in weights.0.iter().enumerate() {
            if let Some(x) = reach.input(column, index) {
                add_product(simd, &mut sums, &load::<S, R>(&input[x * channels..]), weight);
            }
        }
        store::<S, R>(pixel, sums);
    }
    let Some(first) = reach.first_input() else { return };
    let mut at = first * channels;
    for pixel in output.chunks_mut(channels).take(reach.full.end).skip(reach.full.start) {
        let mut sums = load::<S, R>(pixel);
        for (index, weight) in weights.0.iter().enumerate() {
            let input = load::<S, R>(&input[at + index * channels..]);
            add_product(simd, &mut sums, &input, weight);
        }
        store::<S, R>(pixel, sums);
        at += conv.stride * channels;
    }
}
