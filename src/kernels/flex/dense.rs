//! The convolutions whose output channels read all input channels: the first one, and 1x1 convolutions.
//!
//! Both are products of *patches* `[pixels, patch]`, the values that an output pixel reads, with the weight. The patches
//! of a 1x1 convolution are its input; those of another are collected for a few rows of the output at a time.

#[cfg(feature = "autodiff")]
mod gradient;

use pulp::Arch;

use super::product::{Accumulate, MatrixMut, MatrixView, multiply};
use super::rows::{activate, transposed};
use crate::padding::SameConv;

#[cfg(feature = "autodiff")]
pub(super) use gradient::Buffers;

/// A convolution's sizes and weight, laid out for the kernel.
pub(super) struct Dense<'a> {
    arch: Arch,
    pub(super) conv: SameConv,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// `[outputs, patch]`.
    #[cfg_attr(not(feature = "autodiff"), allow(dead_code))] // only gradients need it
    weight: &'a [f32],
    /// `[patch, outputs]`.
    weight_transposed: Vec<f32>,
    /// `[outputs]`.
    bias: &'a [f32],
    /// Range to which outputs are clamped; infinite without an activation.
    limits: [f32; 2],
}

/// Approximate number of output pixels whose patches are collected at a time.
const PATCH_PIXELS: usize = 1024;

impl<'a> Dense<'a> {
    /// Lays out the weight `[outputs, inputs, kernel, kernel]`.
    pub(super) fn new(
        conv: SameConv,
        inputs: usize,
        weight: &'a [f32],
        bias: &'a [f32],
        limits: [f32; 2],
    ) -> Self {
        let (outputs, patch) = (bias.len(), inputs * conv.kernel * conv.kernel);
        let weight_transposed = transposed(weight, patch, outputs);
        Self { arch: Arch::new(), conv, inputs, outputs, weight, weight_transposed, bias, limits }
    }

    /// Returns the number of values that an output pixel reads.
    fn patch(&self) -> usize {
        self.inputs * self.conv.kernel * self.conv.kernel
    }

    /// Returns the number of values of a poster's input.
    pub(super) fn input_size(&self) -> usize {
        self.conv.input[0] * self.conv.input[1] * self.inputs
    }

    /// Returns the number of values of a poster's output.
    pub(super) fn output_size(&self) -> usize {
        self.conv.output[0] * self.conv.output[1] * self.outputs
    }

    /// Returns how many posters a thread computes together, at most `most`.
    pub(super) fn tile(&self, most: usize) -> usize {
        (PATCH_PIXELS / (self.conv.output[0] * self.conv.output[1])).clamp(1, most)
    }

    /// Computes the outputs `[posters, pixels, outputs]` of posters `[posters, inputs, height, width]`, or
    /// `[posters, pixels, inputs]` if the kernel is 1x1. `patches` is scratch memory.
    pub(super) fn forward(&self, patches: &mut Vec<f32>, x: &[f32], y: &mut [f32]) {
        if self.conv.kernel == 1 {
            return self.of_patches(x, y);
        }
        let posters = x.chunks(self.input_size()).zip(y.chunks_mut(self.output_size()));
        for (x, y) in posters {
            let rows = y.chunks_mut(self.rows_per_band() * self.conv.output[1] * self.outputs);
            for (index, y) in rows.enumerate() {
                self.collect(x, index * self.rows_per_band(), y.len() / self.outputs, patches);
                self.of_patches(patches, y);
            }
        }
    }

    /// Computes the outputs `[pixels, outputs]` of patches.
    fn of_patches(&self, patches: &[f32], y: &mut [f32]) {
        let patches = MatrixView::new(patches, self.patch());
        let weight = MatrixView::new(&self.weight_transposed, self.outputs);
        let product = MatrixMut::columns(y, self.outputs, self.outputs);
        multiply(patches, weight, Accumulate::Replace, product);
        activate(self.arch, y, self.bias, self.limits);
    }

    /// Returns how many rows of the output have their patches collected at a time.
    fn rows_per_band(&self) -> usize {
        (PATCH_PIXELS / self.conv.output[1]).max(1)
    }

    /// Collects the patches of `pixels` output pixels, beginning with row `first`: `[pixels, inputs, kernel, kernel]`.
    fn collect(&self, x: &[f32], first: usize, pixels: usize, patches: &mut Vec<f32>) {
        let SameConv { input: [height, width], output: [_, columns], kernel, .. } = self.conv;
        patches.clear();
        patches.resize(pixels * self.patch(), 0.0);
        let rows = patches.chunks_exact_mut(columns * self.patch()).enumerate();
        for (row, patches) in rows {
            for (channel, plane) in x.chunks_exact(height * width).enumerate() {
                for kernel_row in 0..kernel {
                    let Some(y) = self.input_row(first + row, kernel_row) else { continue };
                    let line = &plane[y * width..][..width];
                    let place = (channel * kernel + kernel_row) * kernel;
                    for (column, patch) in patches.chunks_exact_mut(self.patch()).enumerate() {
                        let [x, tap, length] = self.inside(column);
                        patch[place + tap..][..length].copy_from_slice(&line[x..][..length]);
                    }
                }
            }
        }
    }

    /// Returns the row of the input that a row of taps reads for the output's row `row`; `None` outside.
    fn input_row(&self, row: usize, kernel_row: usize) -> Option<usize> {
        let row = (row * self.conv.stride + kernel_row).checked_sub(self.conv.padding[0])?;
        (row < self.conv.input[0]).then_some(row)
    }

    /// Returns the taps of an output column that lie inside the input: the first input column, the first tap, and their
    /// number.
    fn inside(&self, column: usize) -> [usize; 3] {
        let SameConv { input: [_, width], padding: [_, padding], kernel, stride, .. } = self.conv;
        let tap = padding.saturating_sub(column * stride);
        let x = (column * stride + tap).saturating_sub(padding);
        [x, tap, (kernel - tap).min(width - x)]
    }
}
