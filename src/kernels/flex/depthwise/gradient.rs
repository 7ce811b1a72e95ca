//! The gradients of a depthwise convolution, over the same phases as the convolution itself.

use pulp::{Arch, Simd, WithSimd};

use super::{EVERYTHING, Geometry, REGISTERS, STEP, WeightedSum};

/// Room for one plane's gradients, reused from plane to plane.
pub(in crate::conv) struct GradientScratch {
    geometry: Geometry,
    arch: Arch,
    offsets: Vec<usize>,
    phases: Vec<f32>,
    /// The output's gradient in rows as long as a phase's, behind `lead` zeros.
    flat: Vec<f32>,
    lead: usize,
    /// The input's gradient, in phases.
    gradient: Vec<f32>,
}

impl Geometry {
    /// The opposite of [`Geometry::fill_phases`].
    fn read_phases(&self, phases: &[f32], plane: &mut [f32]) {
        let [height, width] = self.input;
        for (row, pixels) in plane.chunks_exact_mut(width).take(height).enumerate() {
            if self.stride == 1 {
                let place = self.place(row, 0);
                pixels.copy_from_slice(&phases[place..place + width]);
                continue;
            }
            for first in 0..self.stride.min(width) {
                let place = self.place(row, first);
                let pixels = pixels.iter_mut().skip(first).step_by(self.stride);
                for (value, pixel) in phases[place..].iter().zip(pixels) {
                    *pixel = *value;
                }
            }
        }
    }
}

impl GradientScratch {
    pub(in crate::conv) fn new(geometry: Geometry) -> Self {
        let lead = (0..geometry.taps()).map(|tap| geometry.tap(tap).1).max().unwrap_or(0);
        let flat = lead + geometry.phase_len().max(geometry.flat_len()) + 2 * STEP;
        Self {
            geometry,
            arch: Arch::new(),
            offsets: geometry.tap_offsets(),
            phases: vec![0.0; geometry.phases_len()],
            flat: vec![0.0; flat],
            lead,
            gradient: vec![0.0; geometry.phases_len()],
        }
    }

    /// The gradients of one channel of one poster, from the gradient of its output: added to `of_taps`, and
    /// written to `of_input` where it is wanted.
    pub(in crate::conv) fn backward(
        &mut self,
        input: &[f32],
        taps: &[f32],
        of_output: &[f32],
        of_taps: &mut [f32],
        of_input: Option<&mut [f32]>,
    ) {
        let Self { geometry, arch, offsets, phases, flat, lead, gradient } = self;
        let [_, width] = geometry.output;
        // Zeros between the rows: they are no pixels, and must add nothing.
        flat.fill(0.0);
        let rows = flat[*lead..].chunks_mut(geometry.phase[1]);
        for (row, pixels) in rows.zip(of_output.chunks_exact(width)) {
            row[..width].copy_from_slice(pixels);
        }

        geometry.fill_phases(input, phases);
        let run = &flat[*lead..*lead + geometry.flat_len()];
        arch.dispatch(Correlation { run, input: phases, offsets, sums: of_taps });

        let Some(of_input) = of_input else { return };
        let length = geometry.phase_len();
        for phase in 0..geometry.stride * geometry.stride {
            let read_by = (0..geometry.taps()).map(|tap| (geometry.tap(tap), taps[tap]));
            let read_by = read_by.filter(|((read, _), _)| *read == phase);
            let (offsets, weights): (Vec<usize>, Vec<f32>) =
                read_by.map(|((_, distance), tap)| (*lead - distance, tap)).unzip();
            // The step that reaches into the next phase is overwritten by it.
            let first = phase * length;
            arch.dispatch(WeightedSum {
                input: flat,
                offsets: &offsets,
                weights: &weights,
                bias: 0.0,
                range: EVERYTHING,
                output: &mut gradient[first..first + length.next_multiple_of(STEP)],
            });
        }
        geometry.read_phases(gradient, of_input);
    }
}

/// `sums[tap] += sum over i of run[i] * input[i + offset]`. The run's length is a multiple of the step.
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
