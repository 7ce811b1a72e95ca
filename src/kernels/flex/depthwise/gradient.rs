//! The gradients of a depthwise convolution, with the channels last.

use std::ops::Range;

use pulp::Simd;

use super::{Blocks, Run, Taps, load, store, taps_inside};
use crate::padding::SameConv;

/// Adds the gradient of the taps.
pub(in crate::kernels::flex) struct TapsGradient<'a> {
    pub(in crate::kernels::flex) conv: SameConv,
    /// Channels, a multiple of the lanes.
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
    fn channels(&self) -> usize {
        self.channels
    }

    #[inline(always)]
    fn block<S: Simd, const REGISTERS: usize>(&mut self, simd: S, first: usize) {
        let Self { conv, channels, stride, .. } = *self;
        let [[_, width], [rows, columns]] = [conv.input, conv.output];
        for row in 0..rows {
            for kernel_row in taps_inside(&conv, row) {
                let y = row * conv.stride + kernel_row - conv.padding[0];
                for kernel_column in 0..conv.kernel {
                    let Some(run) = Run::new(&conv, kernel_column) else { continue };
                    let input = &self.input[(y * width + run.input) * channels + first..];
                    let of_output =
                        &self.of_output[(row * columns + run.output) * channels + first..];
                    let tap = (kernel_row * conv.kernel + kernel_column) * stride + first;
                    let mut sums = load::<S, REGISTERS>(&self.of_taps[tap..]);
                    let inputs = input.chunks(conv.stride * channels);
                    let pixels = inputs.zip(of_output.chunks(channels));
                    for (input, of_output) in pixels.take(run.length) {
                        let input = load::<S, REGISTERS>(input);
                        let of_output = load::<S, REGISTERS>(of_output);
                        for index in 0..REGISTERS {
                            sums[index] =
                                simd.mul_add_e_f32s(input[index], of_output[index], sums[index]);
                        }
                    }
                    store::<S, REGISTERS>(&mut self.of_taps[tap..], sums);
                }
            }
        }
    }
}

/// Computes the gradient of the input, through a preceding ReLU6 if asked.
pub(in crate::kernels::flex) struct InputGradient<'a> {
    pub(in crate::kernels::flex) conv: SameConv,
    /// Channels, a multiple of the lanes.
    pub(in crate::kernels::flex) channels: usize,
    pub(in crate::kernels::flex) taps: Taps<'a>,
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
    fn channels(&self) -> usize {
        self.channels
    }

    #[inline(always)]
    fn block<S: Simd, const REGISTERS: usize>(&mut self, simd: S, first: usize) {
        let Self { conv, channels, taps, .. } = *self;
        let [zero, six] = [0.0, 6.0].map(|limit| simd.splat_f32s(limit));
        let mut totals = load::<S, REGISTERS>(&self.sums[first..]);
        let row_size = conv.input[1] * channels;
        for (row, of_input) in self.of_input.chunks_exact_mut(row_size).enumerate() {
            let of_input = &mut of_input[first..];
            for pixel in of_input.chunks_mut(channels) {
                store::<S, REGISTERS>(pixel, [zero; REGISTERS]);
            }
            for y in windows(&conv, row) {
                let kernel_row = row + conv.padding[0] - y * conv.stride;
                for kernel_column in 0..conv.kernel {
                    let Some(run) = Run::new(&conv, kernel_column) else { continue };
                    let tap = kernel_row * conv.kernel + kernel_column;
                    let weight = load::<S, REGISTERS>(&taps.values[tap * taps.stride + first..]);
                    let of_output =
                        &self.of_output[(y * conv.output[1] + run.output) * channels + first..];
                    let of_input =
                        of_input[run.input * channels..].chunks_mut(conv.stride * channels);
                    let pixels = of_output.chunks(channels).zip(of_input);
                    for (of_output, of_input) in pixels.take(run.length) {
                        let of_output = load::<S, REGISTERS>(of_output);
                        let mut sums = load::<S, REGISTERS>(of_input);
                        for index in 0..REGISTERS {
                            sums[index] =
                                simd.mul_add_e_f32s(of_output[index], weight[index], sums[index]);
                        }
                        store::<S, REGISTERS>(of_input, sums);
                    }
                }
            }
            let clamped = self.clamped.map(|clamped| &clamped[row * row_size + first..]);
            for (column, pixel) in of_input.chunks_mut(channels).enumerate() {
                let mut sums = load::<S, REGISTERS>(pixel);
                if let Some(clamped) = clamped {
                    let values = load::<S, REGISTERS>(&clamped[column * channels..]);
                    for (sum, value) in sums.iter_mut().zip(values) {
                        let above = simd.less_than_f32s(zero, value);
                        let below = simd.less_than_f32s(value, six);
                        *sum = simd.select_f32s(above, simd.select_f32s(below, *sum, zero), zero);
                    }
                    store::<S, REGISTERS>(pixel, sums);
                }
                for (total, sum) in totals.iter_mut().zip(sums) {
                    *total = simd.add_f32s(*total, sum);
                }
            }
        }
        store::<S, REGISTERS>(&mut self.sums[first..], totals);
    }
}

/// Returns the output rows whose windows contain the input's row `row`.
#[inline(always)]
fn windows(conv: &SameConv, row: usize) -> Range<usize> {
    let row = row + conv.padding[0];
    (row + 1).saturating_sub(conv.kernel).div_ceil(conv.stride)
        ..(row / conv.stride + 1).min(conv.output[0])
}
