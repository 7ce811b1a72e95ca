//! TensorFlow's "SAME" padding, which every convolution of an EfficientNet-Lite uses.
//!
//! The output has `ceil(size / stride)` positions a side, and the input is padded with the zeros that these
//! need. If their number is odd, the extra one follows the input.

/// Returns the number of zeros before a side of `size`, 1 or more.
pub(crate) fn before(size: usize, kernel: usize, stride: usize) -> usize {
    ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size) / 2
}

/// The sizes of a convolution with "SAME" padding and a square kernel. Pairs are `[height, width]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SameConv {
    pub(crate) input: [usize; 2],
    pub(crate) output: [usize; 2],
    /// Zeros above and to the left of the input.
    pub(crate) padding: [usize; 2],
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

impl SameConv {
    /// Returns the sizes for an input of `[height, width]`, each 1 or more.
    pub(crate) fn new(input: [usize; 2], kernel: usize, stride: usize) -> Self {
        Self {
            input,
            output: input.map(|size| size.div_ceil(stride)),
            padding: input.map(|size| before(size, kernel, stride)),
            kernel,
            stride,
        }
    }

    /// Returns the part of the padded input that the kernel visits, which may end before the input does.
    pub(crate) fn visited(&self) -> [usize; 2] {
        self.output.map(|size| (size - 1) * self.stride + self.kernel)
    }
}
