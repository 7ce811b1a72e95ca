//! Which outputs of a convolution read which inputs, where taps may lie outside of the input.

use std::ops::Range;

use crate::padding::SameConv;

/// Returns the rows of taps that lie inside the input for the output's row `row`.
#[inline(always)]
pub(super) fn taps_inside(conv: &SameConv, row: usize) -> Range<usize> {
    let first = conv.padding[0].saturating_sub(row * conv.stride);
    let end = conv.input[0] + conv.padding[0] - row * conv.stride;
    first..end.min(conv.kernel)
}

/// Returns the output's rows whose windows contain the input's row `row`.
#[inline(always)]
#[cfg_attr(not(feature = "autodiff"), allow(dead_code))] // only gradients look back
pub(super) fn windows(conv: &SameConv, row: usize) -> Range<usize> {
    let row = row + conv.padding[0];
    (row + 1).saturating_sub(conv.kernel).div_ceil(conv.stride)
        ..(row / conv.stride + 1).min(conv.output[0])
}

/// The columns of the output at which neighbouring columns of taps lie inside the input.
pub(super) struct Reach {
    conv: SameConv,
    /// The first column of taps.
    tap: usize,
    /// The output's columns at which all of the taps lie inside.
    pub(super) full: Range<usize>,
    /// The output's columns at which any of them does.
    any: Range<usize>,
}

impl Reach {
    /// Returns the columns for `taps` columns of taps, beginning with `tap`.
    #[inline(always)]
    pub(super) fn new(conv: &SameConv, tap: usize, taps: usize) -> Self {
        let SameConv { input: [_, width], output: [_, columns], padding: [_, padding], .. } = *conv;
        let start = |tap: usize| padding.saturating_sub(tap).div_ceil(conv.stride).min(columns);
        let end =
            |tap: usize| (width + padding).saturating_sub(tap).div_ceil(conv.stride).min(columns);
        let last = tap + taps - 1;
        let any = start(last)..end(tap);
        let full = start(tap)..end(last);
        let full = if full.is_empty() { any.end..any.end } else { full };
        Self { conv: *conv, tap, full, any }
    }

    /// Returns the columns at which only some of the taps lie inside.
    #[inline(always)]
    pub(super) fn partial(&self) -> impl Iterator<Item = usize> + use<> {
        (self.any.start..self.full.start).chain(self.full.end..self.any.end)
    }

    /// Returns the input's column that the tap of number `index` reads at an output's column; `None` outside.
    #[inline(always)]
    pub(super) fn input(&self, column: usize, index: usize) -> Option<usize> {
        let SameConv { input: [_, width], padding: [_, padding], stride, .. } = self.conv;
        let x = (column * stride + self.tap + index).checked_sub(padding)?;
        (x < width).then_some(x)
    }

    /// Returns the input's column that the first tap reads at the first full column; `None` if there is no full column.
    #[inline(always)]
    pub(super) fn first_input(&self) -> Option<usize> {
        if self.full.is_empty() {
            return None;
        }
        Some(self.full.start * self.conv.stride + self.tap - self.conv.padding[1])
    }
}
