//! The gradients of a dense convolution.

use super::super::parallel::add;
use super::super::product::{Accumulate, MatrixMut, MatrixView, multiply};
use super::super::rows::{add_rows, through_relu6, transposed};
use super::Dense;

/// The gradients of the weight and the bias, added up over posters.
pub(in crate::kernels::flex) struct Gradients {
    /// `[patch, outputs]`.
    weight_transposed: Vec<f32>,
    /// `[outputs]`.
    bias: Vec<f32>,
}

/// Buffers for a thread's posters.
#[derive(Default)]
pub(in crate::kernels::flex) struct Buffers {
    patches: Vec<f32>,
    of_patches: Vec<f32>,
    /// The output's gradient before the activation.
    of_output: Vec<f32>,
}

impl Dense<'_> {
    /// Returns gradients to add to.
    pub(in crate::kernels::flex) fn zero_gradients(&self) -> Gradients {
        let weight_transposed = vec![0.0; self.weight.len()];
        Gradients { weight_transposed, bias: vec![0.0; self.outputs] }
    }

    /// Adds the gradients for some posters to `sums`, and writes those of their inputs `x`, which lie as in
    /// [`Dense::forward`]. `y` is the output and `of_y` its gradient; `of_x` is zero.
    pub(in crate::kernels::flex) fn backward(
        &self,
        buffers: &mut Buffers,
        x: &[f32],
        [y, of_y]: [&[f32]; 2],
        of_x: Option<&mut [f32]>,
        sums: &mut Gradients,
    ) {
        let Buffers { patches, of_patches, of_output } = buffers;
        if self.conv.kernel == 1 {
            of_output.clear();
            of_output.extend_from_slice(of_y);
            return self.patches_backward(x, y, of_output, of_x, sums);
        }
        let mut of_xs = of_x.map(|of_x| of_x.chunks_mut(self.input_size()));
        let posters = y.chunks(self.output_size()).zip(of_y.chunks(self.output_size()));
        for (x, (y, of_y)) in x.chunks(self.input_size()).zip(posters) {
            let mut of_x = of_xs.as_mut().and_then(Iterator::next);
            let band = self.rows_per_band() * self.conv.output[1] * self.outputs;
            for (index, (y, of_y)) in y.chunks(band).zip(of_y.chunks(band)).enumerate() {
                let first = index * self.rows_per_band();
                self.collect(x, first, y.len() / self.outputs, patches);
                of_output.clear();
                of_output.extend_from_slice(of_y);
                of_patches.resize(if of_x.is_some() { patches.len() } else { 0 }, 0.0);
                let target = of_x.is_some().then_some(of_patches.as_mut_slice());
                self.patches_backward(patches, y, of_output, target, sums);
                if let Some(of_x) = of_x.as_deref_mut() {
                    self.spread(of_patches, first, of_x);
                }
            }
        }
    }

    /// Adds the gradients for patches, and writes those of the patches. `of_y` is changed to the gradient before the
    /// activation.
    fn patches_backward(
        &self,
        patches: &[f32],
        y: &[f32],
        of_y: &mut [f32],
        of_patches: Option<&mut [f32]>,
        sums: &mut Gradients,
    ) {
        let (patch, outputs) = (self.patch(), self.outputs);
        if self.limits[0].is_finite() {
            through_relu6(self.arch, of_y, y, &mut sums.bias);
        } else {
            add_rows(self.arch, of_y, &mut sums.bias);
        }
        let of_y = MatrixView::new(of_y, outputs);
        let target = MatrixMut::columns(&mut sums.weight_transposed, outputs, outputs);
        multiply(MatrixView::new(patches, patch).transposed(), of_y, Accumulate::Add, target);
        if let Some(of_patches) = of_patches {
            let target = MatrixMut::columns(of_patches, patch, patch);
            multiply(of_y, MatrixView::new(self.weight, patch), Accumulate::Replace, target);
        }
    }

    /// Adds the gradients of patches to the input's: the inverse of [`Dense::collect`].
    fn spread(&self, of_patches: &[f32], first: usize, of_x: &mut [f32]) {
        let ([height, width], kernel) = (self.conv.input, self.conv.kernel);
        for (pixel, patch) in of_patches.chunks_exact(self.patch()).enumerate() {
            let (row, column) = (pixel / self.conv.output[1], pixel % self.conv.output[1]);
            let [x, tap, length] = self.inside(column);
            for (channel, plane) in of_x.chunks_exact_mut(height * width).enumerate() {
                for kernel_row in 0..kernel {
                    let Some(y) = self.input_row(first + row, kernel_row) else { continue };
                    let taps = &patch[(channel * kernel + kernel_row) * kernel + tap..][..length];
                    let line = &mut plane[y * width + x..][..length];
                    line.iter_mut().zip(taps).for_each(|(sum, value)| *sum += value);
                }
            }
        }
    }
}

impl Gradients {
    /// Adds the gradients over other posters.
    pub(in crate::kernels::flex) fn add(&mut self, other: &Self) {
        add(&mut self.weight_transposed, &other.weight_transposed);
        add(&mut self.bias, &other.bias);
    }

    /// Returns the gradients of the weight, `[outputs, patch]`, and of the bias.
    pub(in crate::kernels::flex) fn into_weight_and_bias(self) -> [Vec<f32>; 2] {
        let outputs = self.bias.len();
        let patch = self.weight_transposed.len() / outputs;
        [transposed(&self.weight_transposed, outputs, patch), self.bias]
    }
}
