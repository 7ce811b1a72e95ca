//! Depthwise convolution and its gradients over one poster's map with the channels last: `[pixels, channels]`.
//!
//! A register holds neighbouring channels of one pixel, so that borders, strides and narrow maps cost nothing. One tap
//! at a time runs along a row, while its weight stays in registers and the row in the cache. All channel counts are
//! multiples of [`LANES`]: the callers pad them.

#[cfg(feature = "autodiff")]
mod gradient;

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::padding::SameConv;

#[cfg(feature = "autodiff")]
pub(super) use gradient::{InputGradient, TapsGradient};

/// Values in the widest register, that of AVX-512.
pub(super) const LANES: usize = 16;

/// The taps of some of a layer's channels.
#[derive(Clone, Copy)]
pub(super) struct Taps<'a> {
    /// `[kernel * kernel, stride]`, of which the first channels of each row are used.
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
    pub(super) taps: Taps<'a>,
    /// `[channels]`.
    pub(super) bias: &'a [f32],
    /// `[output pixels, channels]`.
    pub(super) output: &'a mut [f32],
}

impl Blocks for Convolution<'_> {
    fn channels(&self) -> usize {
        self.channels
    }

    #[inline(always)]
    fn block<S: Simd, const REGISTERS: usize>(&mut self, simd: S, first: usize) {
        let Self { conv, channels, taps, .. } = *self;
        let [zero, six] = [0.0, 6.0].map(|limit| simd.splat_f32s(limit));
        let bias = load::<S, REGISTERS>(&self.bias[first..]);
        let row_size = conv.output[1] * channels;
        for (row, output) in self.output.chunks_exact_mut(row_size).enumerate() {
            let output = &mut output[first..];
            for pixel in output.chunks_mut(channels) {
                store::<S, REGISTERS>(pixel, bias);
            }
            for kernel_row in taps_inside(&conv, row) {
                let y = row * conv.stride + kernel_row - conv.padding[0];
                for kernel_column in 0..conv.kernel {
                    let Some(run) = Run::new(&conv, kernel_column) else { continue };
                    let tap = kernel_row * conv.kernel + kernel_column;
                    let weight = load::<S, REGISTERS>(&taps.values[tap * taps.stride + first..]);
                    let input = &self.input[(y * conv.input[1] + run.input) * channels + first..];
                    let output = output[run.output * channels..].chunks_mut(channels);
                    let pixels = input.chunks(conv.stride * channels).zip(output);
                    for (input, output) in pixels.take(run.length) {
                        let input = load::<S, REGISTERS>(input);
                        let mut sums = load::<S, REGISTERS>(output);
                        for index in 0..REGISTERS {
                            sums[index] =
                                simd.mul_add_e_f32s(input[index], weight[index], sums[index]);
                        }
                        store::<S, REGISTERS>(output, sums);
                    }
                }
            }
            for pixel in output.chunks_mut(channels) {
                let mut sums = load::<S, REGISTERS>(pixel);
                for sum in &mut sums {
                    *sum = simd.min_f32s(simd.max_f32s(*sum, zero), six);
                }
                store::<S, REGISTERS>(pixel, sums);
            }
        }
    }
}

/// Returns the rows of taps that lie inside the input for the output's row `row`.
#[inline(always)]
fn taps_inside(conv: &SameConv, row: usize) -> Range<usize> {
    let first = conv.padding[0].saturating_sub(row * conv.stride);
    let end = conv.input[0] + conv.padding[0] - row * conv.stride;
    first..end.min(conv.kernel)
}

/// The pixels of an output row at which a column of taps lies inside the input.
struct Run {
    /// The first column of the output.
    output: usize,
    /// The column of the input that the tap reads there. The next ones are a stride apart.
    input: usize,
    length: usize,
}

impl Run {
    /// Returns the run of a column of taps, or `None` if it is empty.
    #[inline(always)]
    fn new(conv: &SameConv, kernel_column: usize) -> Option<Self> {
        let SameConv { input: [_, width], output: [_, columns], padding: [_, padding], .. } = *conv;
        let output = padding.saturating_sub(kernel_column).div_ceil(conv.stride);
        let end = (width + padding).saturating_sub(kernel_column).div_ceil(conv.stride);
        let length = end.min(columns).checked_sub(output).filter(|length| *length > 0)?;
        Some(Self { output, input: output * conv.stride + kernel_column - padding, length })
    }
}

/// Work on a map that treats blocks of channels one after the other.
pub(super) trait Blocks {
    /// Returns the number of channels, a multiple of [`LANES`].
    fn channels(&self) -> usize;

    /// Works on `REGISTERS` registers of channels, beginning with channel `first`.
    fn block<S: Simd, const REGISTERS: usize>(&mut self, simd: S, first: usize);
}

/// Runs the work on all channels, with the widest registers that the machine has.
pub(super) fn run<W: Blocks>(arch: Arch, work: W) {
    arch.dispatch(AllBlocks(work));
}

struct AllBlocks<W>(W);

/// Registers of channels in a block: as many as possible, since each block repeats the work on rows and taps.
const WIDE: usize = 4;

impl<W: Blocks> WithSimd for AllBlocks<W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (channels, wide) = (self.0.channels(), WIDE * S::F32_LANES);
        let narrow_from = channels - channels % wide;
        let mut first = 0;
        while first < narrow_from {
            self.0.block::<S, WIDE>(simd, first);
            first += wide;
        }
        while first < channels {
            self.0.block::<S, 1>(simd, first);
            first += S::F32_LANES;
        }
    }
}

/// Loads registers of neighbouring channels.
#[inline(always)]
fn load<S: Simd, const REGISTERS: usize>(values: &[f32]) -> [S::f32s; REGISTERS] {
    let (registers, _) = S::as_simd_f32s(&values[..REGISTERS * S::F32_LANES]);
    let mut loaded = [registers[0]; REGISTERS];
    loaded.copy_from_slice(registers);
    loaded
}

/// Stores registers of neighbouring channels.
#[inline(always)]
fn store<S: Simd, const REGISTERS: usize>(values: &mut [f32], registers: [S::f32s; REGISTERS]) {
    let (target, _) = S::as_mut_simd_f32s(&mut values[..REGISTERS * S::F32_LANES]);
    target.copy_from_slice(&registers);
}
