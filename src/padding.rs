//! TensorFlow's "SAME" padding, by which every convolution of an EfficientNet-Lite is padded: as much as it takes
//! that every stride-th pixel is a kernel's centre, the odd pixel behind.

/// Pixels in front of a side of `size`, 1 or more.
pub(crate) fn before(size: usize, kernel: usize, stride: usize) -> usize {
    ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size) / 2
}
