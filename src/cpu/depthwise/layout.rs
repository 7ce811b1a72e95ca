//! The padded map that a depthwise convolution reads: where its pairs of pixels lie.

use super::POSITIONS;
use crate::padding::SameConv;

/// The layout of a padded map, whose rows are pairs of horizontal neighbours.
#[derive(Debug, Clone, Copy)]
pub(super) struct MapLayout {
    /// Rows of padding above the input.
    pub(super) above: usize,
    /// Pairs of padding before a row's first pixel.
    pub(super) left: usize,
    /// Column, 0 or 1, at which the kernel of a row's first output begins.
    pub(super) first_column: usize,
    /// Kernel positions per row, rounded up to a multiple of [`POSITIONS`].
    pub(super) positions: usize,
    /// Rows of the map.
    pub(super) rows: usize,
    /// Pairs of a row.
    pub(super) pairs: usize,
}

impl MapLayout {
    pub(super) fn new(conv: &SameConv) -> Self {
        let &SameConv { input, output, padding: [above, columns], kernel, stride } = conv;
        // Padding takes whole pairs. If its width is odd, the first kernel begins at the right pixel of a pair.
        let left = columns.div_ceil(2);
        let first_column = left * 2 - columns;
        let positions =
            if stride == 1 { (output[1] + first_column).div_ceil(2) } else { output[1] };
        let positions = positions.next_multiple_of(POSITIONS);
        let rows = conv.visited()[0].max(above + input[0]);
        let pairs = (positions + kernel / 2).max(left + input[1].div_ceil(2));
        Self { above, left, first_column, positions, rows, pairs }
    }

    /// Returns the alignments in use. With alignment 0 or 1, a kernel row begins at the left or right pixel of
    /// a pair.
    pub(super) fn alignments(&self, conv: &SameConv) -> std::ops::Range<usize> {
        if conv.stride == 1 { 0..2 } else { self.first_column..self.first_column + 1 }
    }

    /// Returns the index in the map of each pair of the input, row by row.
    pub(super) fn pairs(self, conv: &SameConv) -> impl Iterator<Item = usize> + use<> {
        let [height, width] = conv.input;
        let row = move |row| (self.above + row) * self.pairs + self.left;
        let columns = width.div_ceil(2);
        (0..height).flat_map(move |y| (0..columns).map(move |pair| row(y) + pair))
    }
}
