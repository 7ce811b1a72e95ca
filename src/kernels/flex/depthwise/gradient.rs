//! The gradients of a depthwise convolution, over the same phases as the convolution.

use pulp::{Arch, Simd, WithSimd};

use super::{PhaseLayout, REGISTERS, STEP, UNLIMITED, WeightedSum};

/// Buffers for one plane's gradients, reused from plane to plane.
pub(in crate::kernels::flex) struct GradientScratch {
    layout: PhaseLayout,
    arch: Arch,
    offsets: Vec<usize>,
    phases: Vec<f32>,
    /// The output's gradient in rows as long as a phase's, after `lead` zeros.
    flat: Vec<f32>,
    lead: usize,
    /// The input's gradient, in phases.
    gradient: Vec<f32>,
}

impl GradientScratch {
    pub(in crate::kernels::flex) fn new(layout: PhaseLayout) -> Self {
        let lead = (0..layout.taps()).map(|tap| layout.tap(tap).1).max().unwrap_or(0);
        let flat = lead + layout.phase_len().max(layout.flat_len()) + 2 * STEP;
        Self {
            layout,
            arch: Arch::new(),
            offsets: layout.tap_offsets(),
            phases: vec![0.0; layout.phases_len()],
            flat: vec![0.0; flat],
            lead,
            gradient: vec![0.0; layout.phases_len()],
        }
    }

    /// Computes the gradients of one plane from its output's gradient `of_output`. Adds that of the taps to
    /// `of_taps` and writes that of the input to `of_input`, if given.
    pub(in crate::kernels::flex) fn backward(
        &mut self,
        input: &[f32],
        taps: &[f32],
        of_output: &[f32],
        of_taps: &mut [f32],
        of_input: Option<&mut [f32]>,
    ) {
        let Self { layout, arch, offsets, phases, flat, lead, gradient } = self;
        let [_, width] = layout.conv.output;
        // Zeros between the rows contribute nothing to the sums.
        flat.fill(0.0);
        let rows = flat[*lead..].chunks_mut(layout.phase[1]);
        for (row, pixels) in rows.zip(of_output.chunks_exact(width)) {
            row[..width].copy_from_slice(pixels);
        }

        layout.write_phases(input, phases);
        let run = &flat[*lead..*lead + layout.flat_len()];
        arch.dispatch(Correlation { run, input: phases, offsets, sums: of_taps });

        let Some(of_input) = of_input else { return };
        let length = layout.phase_len();
        for phase in 0..layout.conv.stride * layout.conv.stride {
            // The taps that read this phase, mirrored.
            let read_by = (0..layout.taps()).map(|tap| (layout.tap(tap), taps[tap]));
            let read_by = read_by.filter(|((read, _), _)| *read == phase);
            let (offsets, weights): (Vec<usize>, Vec<f32>) =
                read_by.map(|((_, distance), tap)| (*lead - distance, tap)).unzip();
            // The last step may extend into the next phase, which then overwrites it.
            let first = phase * length;
            arch.dispatch(WeightedSum {
                input: flat,
                offsets: &offsets,
                weights: &weights,
                bias: 0.0,
                limits: UNLIMITED,
                output: &mut gradient[first..first + length.next_multiple_of(STEP)],
            });
        }
        layout.read_phases(gradient, of_input);
    }
}

/// Computes `sums[tap] += sum over i of run[i] * input[i + offset]`. The run's length must be a multiple of the
/// step.
struct Correlation<'a> {
    run: &'a [f32],
    input: &'a [f32],
    offsets: &'a [usize],
    sums: &'a mut [f32],
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let step = REGISTERS * S::F32_LANES;
        for (offset, sum) in self.offsets.iter().zip(self.sums) {
            let mut sums = [simd.splat_f32s(0.0); REGISTERS];
            for (run, input) in
                self.run.chunks_exact(step).zip(self.input[*offset..].chunks_exact(step))
            {
                let (run, _) = S::as_simd_f32s(run);
                let (input, _) = S::as_simd_f32s(input);
                for ((sum, a), b) in sums.iter_mut().zip(run).zip(input) {
                    *sum = simd.mul_add_e_f32s(*a, *b, *sum);
                }
            }
            *sum += sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum::<f32>();
        }
    }
}
