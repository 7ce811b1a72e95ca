//! The padded map that a depthwise convolution reads: where its pairs of pixels lie.

use super::BASES;
use crate::padding::SameConv;

/// The layout of a padded map, whose rows are pairs of horizontal neighbours.
#[derive(Debug, Clone, Copy)]
pub(super) struct MapLayout {
    /// Rows of padding above the input.
    pub(super) above: usize,
    /// Pairs of padding before a row's first pixel.
    pub(super) left: usize,
    /// Column, 0 or 1, at which the kernel of a row's first output begins.
    pub(super) begin: usize,
    /// Pairs of a row at which kernels begin, a multiple of [`BASES`].
    pub(super) bases: usize,
    /// Rows of the map.
    pub(super) rows: usize,
    /// Pairs of a row.
    pub(super) pairs: usize,
}

impl MapLayout {
    pub(super) fn new(conv: &SameConv) -> Self {
        let &SameConv { input, output, padding: [above, columns], kernel, stride } = conv;
        // Padding takes whole pairs; the kernel of the first output then begins one column later if it is odd.
        let left = columns.div_ceil(2);
        let begin = left * 2 - columns;
        let bases = if stride == 1 { (output[1] + begin).div_ceil(2) } else { output[1] };
        let bases = bases.next_multiple_of(BASES);
        let rows = conv.visited()[0].max(above + input[0]);
        let pairs = (bases + kernel / 2).max(left + input[1].div_ceil(2));
        Self { above, left, begin, bases, rows, pairs }
    }

    /// Returns the alignments in which kernel rows are laid over pairs: by 0 or 1 columns to the right.
    pub(super) fn alignments(&self, conv: &SameConv) -> std::ops::Range<usize> {
        if conv.stride == 1 { 0..2 } else { self.begin..self.begin + 1 }
    }

    /// Returns the index in the map of each pair of the input, row by row.
    pub(super) fn pairs(self, conv: &SameConv) -> impl Iterator<Item = usize> + use<> {
        let [height, width] = conv.input;
        let row = move |row| (self.above + row) * self.pairs + self.left;
        let columns = width.div_ceil(2);
        (0..height).flat_map(move |y| (0..columns).map(move |pair| row(y) + pair))
    }
}
