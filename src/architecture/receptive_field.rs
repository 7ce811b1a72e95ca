//! The receptive fields of a feature map: which part of the poster each place looks at. "SAME" padding shifts their
//! centres away from those of an even grid.

use serde::Serialize;

use crate::padding;

/// The positions of a feature map along one side of the poster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GridAxis {
    /// Number of positions.
    pub count: usize,
    /// Centre of the first position, as a fraction of the side: 0 is the left or top edge, 1 the other.
    pub first: f64,
    /// Distance between the centres of neighbours, as a fraction of the side.
    pub step: f64,
}

/// The receptive fields of a feature map along one side, through convolutions with "SAME" padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceptiveField {
    /// Number of positions.
    count: usize,
    /// Centre of the first receptive field, in input pixels.
    first: f64,
    /// Input pixels from one centre to the next.
    step: f64,
}

impl ReceptiveField {
    /// Returns the receptive fields of the input: single pixels of a side of `pixels`.
    pub(super) fn of_input(pixels: usize) -> Self {
        Self { count: pixels, first: 0.5, step: 1.0 }
    }

    /// Returns the receptive fields after another convolution. If "SAME" cannot pad evenly, it pads one pixel less
    /// before the input than after it, so for an even size and stride 2 they lie half a stride further in.
    pub(super) fn after(self, kernel: usize, stride: usize) -> Self {
        let padding = padding::before(self.count, kernel, stride);
        let centre = (kernel - 1) as f64 / 2.0 - padding as f64;
        Self {
            count: self.count.div_ceil(stride),
            first: self.first + centre * self.step,
            step: self.step * stride as f64,
        }
    }

    /// Returns the positions as fractions of a side of `pixels`.
    pub(super) fn axis(self, pixels: usize) -> GridAxis {
        let pixels = pixels as f64;
        GridAxis { count: self.count, first: self.first / pixels, step: self.step / pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stride_1_keeps_the_centres() {
        // Three pixels, kernel 3, stride 1: each output looks at its own pixel.
        let axis = ReceptiveField::of_input(3).after(3, 1).axis(3);
        assert_eq!(axis, GridAxis { count: 3, first: 0.5 / 3.0, step: 1.0 / 3.0 });
    }

    #[test]
    fn an_even_size_is_padded_at_the_end() {
        // Four pixels, kernel 3, stride 2: outputs look at pixels 0..=2 and 2..=4, centred at pixels 1 and 3.
        let axis = ReceptiveField::of_input(4).after(3, 2).axis(4);
        assert_eq!(axis, GridAxis { count: 2, first: 1.5 / 4.0, step: 2.0 / 4.0 });
    }

    #[test]
    fn an_odd_size_is_padded_on_both_sides() {
        // Five pixels: windows begin at pixels -1, 1 and 3.
        let axis = ReceptiveField::of_input(5).after(3, 2).axis(5);
        assert_eq!(axis, GridAxis { count: 3, first: 0.5 / 5.0, step: 2.0 / 5.0 });
    }
}
