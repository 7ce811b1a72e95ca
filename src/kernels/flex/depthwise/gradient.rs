//! The gradients of a depthwise convolution, with the channels last.

use pulp::Simd;

use super::blocks::{Blocks, Taps, add_product, load, store};
use super::reach::{Reach, taps_inside, windows};
use super::{TapValues, add_row};
use crate::kernels::flex::rows::{RELU6, where_inside};
use crate::padding::SameConv;

/// Adds the gradient of the taps.
pub(in crate::kernels::flex) struct TapsGradient<'a> {
    pub(in crate::kernels::flex) conv: SameConv,
    /// Channels, a multiple of [`super::LANES`].
    pub(in crate::kernels::flex) channels: usize,
    /// `[input pixels, channels]`.
    pub(in crate::kernels::flex) input: &'a [f32],
    /// The output's gradient, `[output pixels, channels]`.
    pub(in crate::kernels::flex) of_output: &'a [f32],
    /// `[kernel * kernel, stride]`, of which the first channels of each row are added to.
    pub(in crate::kernels::flex) of_taps: &'a mut [f32],
    pub(in crate::kernels::flex) stride: usize,
}

impl Blocks for TapsGradient<'_> {
    fn size(&self) -> [usize; 2] {
        [self.conv.kernel, self.channels]
    }

    #[inline(always)]
    fn block<S: Simd, const R: usize, const T: usize>(&mut self, simd: S, first: usize) {
        let Self { conv, channels, stride, .. } = *self;
        for (row, of_output) in self.of_output.chunks(conv.output[1] * channels).enumerate() {
            let of_output = &of_output[first..];
            for kernel_row in taps_inside(&conv, row) {
                let y = row * conv.stride + kernel_row - conv.padding[0];
                let input = &self.input[y * conv.input[1] * channels + first..];
                for tap in (0..conv.kernel).step_by(T) {
                    let of_taps = &mut self.of_taps[(kernel_row * conv.kernel + tap) * stride..];
                    let of_taps = &mut of_taps[first..];
                    let reach = Reach::new(&conv, tap, T);
                    let mut sums = Taps::<S, R, T>::load(of_taps, stride);
                    for column in reach.partial() {
                        let of_output = load::<S, R>(&of_output[column * channels..]);
                        for (index, sum) in sums.0.iter_mut().enumerate() {
                            if let Some(x) = reach.input(column, index) {
                                let input = load::<S, R>(&input[x * channels..]);
                                add_product(simd, sum, &input, &of_output);
                            }
                        }
                    }
                    if let Some(first) = reach.first_input() {
                        let mut at = first * channels;
                        let pixels = of_output.chunks(channels);
                        for pixel in pixels.take(reach.full.end).skip(reach.full.start) {
                            let of_output = load::<S, R>(pixel);
                            for (index, sum) in sums.0.iter_mut().enumerate() {
                                let input = load::<S, R>(&input[at + index * channels..]);
                                add_product(simd, sum, &input, &of_output);
                            }
                            at += conv.stride * channels;
                        }
                    }
                    for (index, sum) in sums.0.into_iter().enumerate() {
                        store::<S, R>(&mut of_taps[index * stride..], sum);
                    }
                }
            }
        }
    }
}

/// Computes the gradient of the input, through a preceding ReLU6 if asked.
pub(in crate::kernels::flex) struct InputGradient<'a> {
    pub(in crate::kernels::flex) conv: SameConv,
    /// Channels, a multiple of [`super::LANES`].
    pub(in crate::kernels::flex) channels: usize,
    pub(in crate::kernels::flex) taps: TapValues<'a>,
    /// The output's gradient, `[output pixels, channels]`.
    pub(in crate::kernels::flex) of_output: &'a [f32],
    /// The input, which was clamped to 0..=6: where it was clamped, its gradient is 0. `None` for an input that was
    /// not clamped.
    pub(in crate::kernels::flex) clamped: Option<&'a [f32]>,
    /// `[input pixels, channels]`.
    pub(in crate::kernels::flex) of_input: &'a mut [f32],
    /// The sums of the input's gradient over all pixels are added to it, `[channels]`.
    pub(in crate::kernels::flex) sums: &'a mut [f32],
}

impl Blocks for InputGradient<'_> {
    fn size(&self) -> [usize; 2] {
        [self.conv.kernel, self.channels]
    }

    #[inline(always)]
    fn block<S: Simd, const R: usize, const T: usize>(&mut self, simd: S, first: usize) {
        let Self { conv, channels, taps, .. } = *self;
        let limits @ [zero, _] = RELU6.map(|limit| simd.splat_f32s(limit));
        let mut totals = load::<S, R>(&self.sums[first..]);
        let row_size = conv.input[1] * channels;
        for (row, of_input) in self.of_input.chunks_exact_mut(row_size).enumerate() {
            let of_input = &mut of_input[first..];
            for pixel in of_input.chunks_mut(channels) {
                store::<S, R>(pixel, [zero; R]);
            }
            for y in windows(&conv, row) {
                let kernel_row = row + conv.padding[0] - y * conv.stride;
                let of_output = &self.of_output[y * conv.output[1] * channels + first..];
                for tap in (0..conv.kernel).step_by(T) {
                    let first_tap = &taps.values[(kernel_row * conv.kernel + tap) * taps.stride..];
                    let mut weights = Taps::<S, R, T>::load(&first_tap[first..], taps.stride);
                    if conv.stride > 1 {
                        spread_row(simd, &conv, channels, tap, of_output, &weights, of_input);
                        continue;
                    }
                    // Without a stride, this is a convolution with the mirrored kernel.
                    weights.0.reverse();
                    let mirrored = SameConv {
                        input: conv.output,
                        output: conv.input,
                        padding: conv.padding.map(|padding| conv.kernel - 1 - padding),
                        ..conv
                    };
                    let tap = conv.kernel - tap - T;
                    add_row(simd, &mirrored, channels, tap, of_output, &weights, of_input);
                }
            }
            let clamped = self.clamped.map(|clamped| &clamped[row * row_size + first..]);
            for (column, pixel) in of_input.chunks_mut(channels).enumerate() {
                let mut sums = load::<S, R>(pixel);
                if let Some(clamped) = clamped {
                    let values = load::<S, R>(&clamped[column * channels..]);
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = where_inside(simd, *sum, value, limits);
                    }
                    store::<S, R>(pixel, sums);
                }
                for (total, sum) in totals.iter_mut().zip(sums) {
                    *total = simd.add_f32s(*total, sum);
                }
            }
        }
        store::<S, R>(&mut self.sums[first..], totals);
    }
}

/// Adds the products of a row of outputs with `T` neighbouring taps, beginning with column `tap` of the kernel, to the
/// row of inputs that the taps read.
#[inline(always)]
fn spread_row<S: Simd, const R: usize, const T: usize>(
    simd: S,
    conv: &SameConv,
    channels: usize,
    tap: usize,
    of_output: &[f32],
    weights: &Taps<S, R, T>,
    of_input: &mut [f32],
) {
    let reach = Reach::new(conv, tap, T);
    for column in reach.partial() {
        let pixel = load::<S, R>(&of_output[column * channels..]);
        for (index, weight) in weights.0.iter().enumerate() {
            if let Some(x) = reach.input(column, index) {
                let target = &mut of_input[x * channels..];
                let mut sums = load::<S, R>(target);
                add_product(simd, &mut sums, &pixel, weight);
                store::<S, R>(target, sums);
            }
        }
    }
    let Some(first) = reach.first_input() else { return };
    let mut at = first * channels;
    for pixel in of_output.chunks(channels).take(reach.full.end).skip(reach.full.start) {
        let pixel = load::<S, R>(pixel);
        for (index, weight) in weights.0.iter().enumerate() {
            let target = &mut of_input[at + index * channels..];
            let mut sums = load::<S, R>(target);
            add_product(simd, &mut sums, &pixel, weight);
            store::<S, R>(target, sums);
        }
        at += conv.stride * channels;
    }
}
