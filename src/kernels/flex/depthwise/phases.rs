//! The phases of a plane: the padded input, split into `stride * stride` smaller planes. Phase (a, b) holds every
//! stride-th pixel, beginning at row a and column b.

use super::STEP;
use crate::padding::SameConv;

/// The positions of a plane's pixels and a kernel's taps in the phases.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernels::flex) struct PhaseLayout {
    pub(in crate::kernels::flex) conv: SameConv,
    /// Height and width of a phase.
    pub(super) phase: [usize; 2],
}

impl PhaseLayout {
    /// Returns the layout for planes of `[height, width]` and a square kernel.
    pub(in crate::kernels::flex) fn new(input: [usize; 2], kernel: usize, stride: usize) -> Self {
        let conv = SameConv::new(input, kernel, stride);
        Self { conv, phase: conv.visited().map(|side| side.div_ceil(stride)) }
    }

    /// Returns the number of taps of the kernel.
    pub(in crate::kernels::flex) fn taps(&self) -> usize {
        self.conv.kernel * self.conv.kernel
    }

    /// Returns the length of all phases, with room for the last step of the last tap.
    pub(super) fn phases_len(&self) -> usize {
        self.phase_len() * self.conv.stride * self.conv.stride + 2 * STEP
    }

    pub(super) fn phase_len(&self) -> usize {
        self.phase[0] * self.phase[1]
    }

    /// Returns the length of an output plane whose rows are as long as a phase's, in whole steps.
    pub(super) fn flat_len(&self) -> usize {
        let [height, width] = self.conv.output;
        ((height - 1) * self.phase[1] + width).next_multiple_of(STEP)
    }

    /// Returns the phase that a tap reads, and its offset in it.
    pub(super) fn tap(&self, index: usize) -> (usize, usize) {
        let SameConv { kernel, stride, .. } = self.conv;
        let (row, column) = (index / kernel, index % kernel);
        let phase = (row % stride) * stride + column % stride;
        (phase, (row / stride) * self.phase[1] + column / stride)
    }

    /// Returns the offset of each tap in all phases.
    pub(super) fn tap_offsets(&self) -> Vec<usize> {
        let offset = |(phase, distance)| phase * self.phase_len() + distance;
        (0..self.taps()).map(|tap| offset(self.tap(tap))).collect()
    }

    /// Returns the index of an input pixel in the phases. Every stride-th pixel to its right follows it directly.
    fn index(&self, row: usize, column: usize) -> usize {
        let SameConv { padding, stride, .. } = self.conv;
        let (row, column) = (row + padding[0], column + padding[1]);
        let phase = (row % stride) * stride + column % stride;
        phase * self.phase_len() + (row / stride) * self.phase[1] + column / stride
    }

    /// Copies a plane into its phases; padding is left as it is.
    pub(super) fn write_phases(&self, plane: &[f32], phases: &mut [f32]) {
        let SameConv { input: [height, width], stride, .. } = self.conv;
        for (row, pixels) in plane.chunks_exact(width).take(height).enumerate() {
            if stride == 1 {
                let index = self.index(row, 0);
                phases[index..index + width].copy_from_slice(pixels);
                continue;
            }
            for first in 0..stride.min(width) {
                let index = self.index(row, first);
                let pixels = pixels.iter().skip(first).step_by(stride);
                for (value, pixel) in phases[index..].iter_mut().zip(pixels) {
                    *value = *pixel;
                }
            }
        }
    }

    /// Copies phases back into a plane; the inverse of [`Self::write_phases`].
    #[cfg(feature = "autodiff")]
    pub(super) fn read_phases(&self, phases: &[f32], plane: &mut [f32]) {
        let SameConv { input: [height, width], stride, .. } = self.conv;
        for (row, pixels) in plane.chunks_exact_mut(width).take(height).enumerate() {
            if stride == 1 {
                let index = self.index(row, 0);
                pixels.copy_from_slice(&phases[index..index + width]);
                continue;
            }
            for first in 0..stride.min(width) {
                let index = self.index(row, first);
                let pixels = pixels.iter_mut().skip(first).step_by(stride);
                for (value, pixel) in phases[index..].iter().zip(pixels) {
                    *pixel = *value;
                }
            }
        }
    }
}
