//! Depthwise convolution on plain slices, a channel of a poster at a time; `gradient.rs` is the way back.
//!
//! A plane is first copied, padded, into `stride * stride` smaller ones, its *phases*: phase (a, b) holds
//! every stride-th pixel from row a, column b on. Each tap of the kernel then reads one phase at a fixed
//! distance from the output's index, whatever the stride, so that convolution and both its gradients are
//! sums over long, contiguous runs, which the compiler turns into SIMD at any width of the picture. What
//! falls between two rows is computed too, and thrown away.

#[cfg(feature = "autodiff")]
mod gradient;

use crate::padding;
use pulp::{Arch, Simd, WithSimd};

#[cfg(feature = "autodiff")]
pub(super) use gradient::GradientScratch;

/// Sizes of a plane before and behind a depthwise convolution with "SAME" padding: as much as it takes that
/// every stride-th pixel is a kernel's centre, the odd pixel at the end (TensorFlow's convention).
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    kernel: usize,
    stride: usize,
    /// Padding above and to the left.
    before: [usize; 2],
    /// Height and width of a phase.
    phase: [usize; 2],
}

/// SIMD registers that are summed at once: enough to keep the multipliers busy.
const REGISTERS: usize = 4;

/// The longest step that there is, with AVX-512's 16 values a register. Every run is a multiple of it.
const STEP: usize = REGISTERS * 16;

impl Geometry {
    /// For planes of `[height, width]`, a `kernel x kernel` kernel and a `stride` of 1 or more.
    pub(super) fn new(input: [usize; 2], kernel: usize, stride: usize) -> Self {
        let output = input.map(|size| size.div_ceil(stride));
        let side = |axis: usize| {
            let needed = (output[axis] - 1) * stride + kernel;
            (padding::before(input[axis], kernel, stride), needed.div_ceil(stride))
        };
        let ((top, height), (left, width)) = (side(0), side(1));
        Self { input, output, kernel, stride, before: [top, left], phase: [height, width] }
    }

    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Values of all phases, with room behind for the last step of the last tap.
    fn phases_len(&self) -> usize {
        self.phase_len() * self.stride * self.stride + 2 * STEP
    }

    fn phase_len(&self) -> usize {
        self.phase[0] * self.phase[1]
    }

    /// Values of an output plane whose rows are as long as a phase's, in whole steps.
    fn flat_len(&self) -> usize {
        ((self.output[0] - 1) * self.phase[1] + self.output[1]).next_multiple_of(STEP)
    }

    /// The phase that a tap reads, and how far in.
    fn tap(&self, index: usize) -> (usize, usize) {
        let (row, column) = (index / self.kernel, index % self.kernel);
        let phase = (row % self.stride) * self.stride + column % self.stride;
        (phase, (row / self.stride) * self.phase[1] + column / self.stride)
    }

    /// Where in the phases each tap begins to read.
    fn tap_offsets(&self) -> Vec<usize> {
        let offset = |(phase, distance)| phase * self.phase_len() + distance;
        (0..self.taps()).map(|tap| offset(self.tap(tap))).collect()
    }

    /// Where pixel `(row, column)` of the input lies in the phases, its column being `0` or `step` later.
    fn place(&self, row: usize, column: usize) -> usize {
        let (row, column) = (row + self.before[0], column + self.before[1]);
        let phase = (row % self.stride) * self.stride + column % self.stride;
        phase * self.phase_len() + (row / self.stride) * self.phase[1] + column / self.stride
    }

    fn fill_phases(&self, plane: &[f32], phases: &mut [f32]) {
        let [height, width] = self.input;
        for (row, pixels) in plane.chunks_exact(width).take(height).enumerate() {
            if self.stride == 1 {
                let place = self.place(row, 0);
                phases[place..place + width].copy_from_slice(pixels);
                continue;
            }
            for first in 0..self.stride.min(width) {
                let place = self.place(row, first);
                let pixels = pixels.iter().skip(first).step_by(self.stride);
                for (value, pixel) in phases[place..].iter_mut().zip(pixels) {
                    *value = *pixel;
                }
            }
        }
    }
}

/// Room for one plane's work, reused from plane to plane.
pub(super) struct Scratch {
    geometry: Geometry,
    arch: Arch,
    offsets: Vec<usize>,
    phases: Vec<f32>,
    /// An output plane in rows as long as a phase's.
    flat: Vec<f32>,
}

impl Scratch {
    pub(super) fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            arch: Arch::new(),
            offsets: geometry.tap_offsets(),
            phases: vec![0.0; geometry.phases_len()],
            flat: vec![0.0; geometry.flat_len()],
        }
    }

    /// One channel of one poster: `output` becomes the convolution of `input` with the kernel's `taps`, plus
    /// `bias`, held within `range`.
    pub(super) fn forward(
        &mut self,
        input: &[f32],
        taps: &[f32],
        bias: f32,
        range: [f32; 2],
        output: &mut [f32],
    ) {
        let Self { geometry, arch, offsets, phases, flat } = self;
        geometry.fill_phases(input, phases);
        arch.dispatch(WeightedSum {
            input: phases,
            offsets,
            weights: taps,
            bias,
            range,
            output: flat,
        });
        let [_, width] = geometry.output;
        let rows = output.chunks_exact_mut(width).zip(flat.chunks(geometry.phase[1]));
        rows.for_each(|(pixels, row)| pixels.copy_from_slice(&row[..width]));
    }
}

/// No limit.
pub(super) const EVERYTHING: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// `output[i] = bias + sum over taps of weight * input[i + offset]`, held within `range`. The output's length
/// is a multiple of the step, and the input reaches a step further than the last sum needs.
struct WeightedSum<'a> {
    input: &'a [f32],
    offsets: &'a [usize],
    weights: &'a [f32],
    bias: f32,
    range: [f32; 2],
    output: &'a mut [f32],
}

impl WithSimd for WeightedSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let step = REGISTERS * S::F32_LANES;
        let bias = simd.splat_f32s(self.bias);
        let [low, high] = self.range.map(|limit| simd.splat_f32s(limit));
        for (index, output) in self.output.chunks_exact_mut(step).enumerate() {
            let mut sums = [bias; REGISTERS];
            for (offset, weight) in self.offsets.iter().zip(self.weights) {
                let first = index * step + offset;
                let (values, _) = S::as_simd_f32s(&self.input[first..first + step]);
                let weight = simd.splat_f32s(*weight);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(weight, *value, *sum);
                }
            }
            let (output, _) = S::as_mut_simd_f32s(output);
            for (value, sum) in output.iter_mut().zip(sums) {
                *value = simd.min_f32s(simd.max_f32s(sum, low), high);
            }
        }
    }
}
