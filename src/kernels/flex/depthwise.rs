//! Depthwise convolution over plain slices, one plane (channel of a poster) at a time.
//!
//! A plane is first copied into its *phases* (`phases.rs`). Each tap then reads one contiguous run at a fixed
//! distance from the output's index, whatever the stride. Convolution and gradients are therefore sums over
//! long runs, which compile to SIMD at any image width. Values that fall between two rows are computed too, and
//! discarded.

#[cfg(feature = "autodiff")]
mod gradient;
mod phases;

use pulp::{Arch, Simd, WithSimd};

#[cfg(feature = "autodiff")]
pub(super) use gradient::GradientScratch;
pub(super) use phases::PhaseLayout;

/// SIMD registers that are accumulated together, enough to keep the multipliers busy.
const REGISTERS: usize = 4;

/// Values of the longest step: with AVX-512, a register holds 16. The length of every run is a multiple of it.
const STEP: usize = REGISTERS * 16;

/// Buffers for one plane, reused from plane to plane.
pub(super) struct Scratch {
    layout: PhaseLayout,
    arch: Arch,
    offsets: Vec<usize>,
    phases: Vec<f32>,
    /// An output plane whose rows are as long as a phase's.
    flat: Vec<f32>,
}

impl Scratch {
    pub(super) fn new(layout: PhaseLayout) -> Self {
        Self {
            layout,
            arch: Arch::new(),
            offsets: layout.tap_offsets(),
            phases: vec![0.0; layout.phases_len()],
            flat: vec![0.0; layout.flat_len()],
        }
    }

    /// Convolves one plane with the kernel `taps`, adds `bias` and clamps to `limits`.
    pub(super) fn forward(
        &mut self,
        input: &[f32],
        taps: &[f32],
        bias: f32,
        limits: [f32; 2],
        output: &mut [f32],
    ) {
        let Self { layout, arch, offsets, phases, flat } = self;
        layout.write_phases(input, phases);
        arch.dispatch(WeightedSum {
            input: phases,
            offsets,
            weights: taps,
            bias,
            limits,
            output: flat,
        });
        let [_, width] = layout.conv.output;
        let rows = output.chunks_exact_mut(width).zip(flat.chunks(layout.phase[1]));
        rows.for_each(|(pixels, row)| pixels.copy_from_slice(&row[..width]));
    }
}

/// Limits that clamp nothing.
pub(super) const UNLIMITED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// Computes `output[i] = bias + sum over taps of weight * input[i + offset]`, clamped to `limits`. The output's
/// length must be a multiple of the step, and the input must extend one step beyond the last sum.
struct WeightedSum<'a> {
    input: &'a [f32],
    offsets: &'a [usize],
    weights: &'a [f32],
    bias: f32,
    limits: [f32; 2],
    output: &'a mut [f32],
}

impl WithSimd for WeightedSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let step = REGISTERS * S::F32_LANES;
        let bias = simd.splat_f32s(self.bias);
        let [low, high] = self.limits.map(|limit| simd.splat_f32s(limit));
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
