//! Depthwise convolutions, which filter each channel separately.
//!
//! Hidden values come in pairs of horizontal neighbours, so that one instruction multiplies both with their
//! taps and adds the products. A kernel row has an odd number of taps, so it covers a whole number of pairs
//! only with a zero tap before or after it: the two *alignments* of a row. Both alignments read the same pairs.
//! With stride 1 they give two neighbouring outputs at once; with stride 2 all outputs have the same alignment.

mod layout;
mod rows;
mod taps;

use std::ops::Range;

use super::fixed_point::{self, Format, HIDDEN_BITS, InputRange};
use super::pointwise::HiddenMap;
use super::simd::{GROUP, Group, Groups, Level, Pair, Unit};
use crate::error::{Error, Result};
use crate::padding::SameConv;
use layout::MapLayout;
use rows::Rows;

/// Fewest kernel positions that are accumulated together. A position is a pair of pixels at which kernels begin.
const POSITIONS: usize = 2;

/// A depthwise convolution with ReLU6 for maps of one size.
#[derive(Debug)]
pub struct Depthwise {
    level: Level,
    /// See [`taps::pack`].
    taps: Groups,
    /// Quantised biases, with which the accumulators begin: `[channels / 8]`.
    bias: Groups,
    /// Scales from accumulators to hidden values: `[channels]`.
    scales: Vec<f32>,
    /// Format of the output.
    format: Format,
    channels: usize,
    conv: SameConv,
    layout: MapLayout,
    /// Entry of the map at which each pair of input pixels begins.
    pairs: Vec<usize>,
}

impl Depthwise {
    /// Packs `weights`, `[channels, kernel, kernel]` row-major, for maps of `[height, width]`. The output has the
    /// `format` of the next layer's inputs.
    ///
    /// # Errors
    /// [`Error::Architecture`] unless the kernel is 3 or 5, the stride 1 or 2, and the number of channels a multiple
    /// of 8.
    pub fn new(
        level: Level,
        weights: &[f32],
        bias: &[f32],
        [kernel, stride]: [usize; 2],
        input: [usize; 2],
        format: Format,
    ) -> Result<Self> {
        let channels = bias.len();
        check_channels(channels)?;
        if !matches!([kernel, stride], [3 | 5, 1 | 2]) {
            let reason = format!("a kernel of {kernel} with stride {stride} has no depthwise code");
            return Err(Error::Architecture { reason });
        }
        if weights.len() != channels * kernel * kernel {
            let count = weights.len();
            let reason =
                format!("{channels} kernels of {kernel} x {kernel} cannot have {count} weights");
            return Err(Error::Architecture { reason });
        }
        let rows = weights.chunks(kernel * kernel).zip(bias);
        let factors = rows.map(|(row, bias)| InputRange::HIDDEN.weight_factor(row, *bias));
        let factors: Vec<f32> = factors.collect();
        let conv = SameConv::new(input, kernel, stride);
        let layout = MapLayout::new(&conv);
        let hidden = fixed_point::power_of_two(HIDDEN_BITS);
        let bias = bias.iter().zip(&factors);
        let bias: Vec<i32> =
            bias.map(|(bias, factor)| fixed_point::quantise(*bias, factor * hidden)).collect();
        Ok(Self {
            level,
            taps: taps::pack(level.widths(), weights, &factors, &conv, &layout),
            bias: bias.into(),
            scales: factors.iter().map(|factor| format.hidden().factor / hidden / factor).collect(),
            format,
            channels,
            pairs: layout.pairs(&conv).map(|pair| pair * channels / GROUP).collect(),
            conv,
            layout,
        })
    }

    /// Returns the height and width of the output.
    pub fn output(&self) -> [usize; 2] {
        self.conv.output
    }

    /// Returns how many rows of the input the first `rows` rows of the output depend on.
    pub fn input_rows(&self, rows: usize) -> usize {
        let SameConv { input, padding, kernel, stride, .. } = self.conv;
        ((rows - 1) * stride + kernel).saturating_sub(padding[0]).min(input[0])
    }

    /// Returns how many rows of the output depend on about `bytes` of the map; 1 at least.
    pub fn rows_within(&self, bytes: usize) -> usize {
        let row = self.layout.pairs * self.channels * size_of::<Pair>() * self.conv.stride;
        (bytes / row).clamp(1, self.conv.output[0])
    }

    /// Resizes `values` to the padded map and zeroes its padding. The preceding layer writes the rest.
    pub fn prepare_map(&self, values: &mut Groups) {
        let [height, width] = self.conv.input;
        let MapLayout { above, left, rows, pairs, .. } = self.layout;
        let pair = self.channels / GROUP;
        values.set_length(rows * pairs * pair);
        for (y, row) in values.chunks_exact_mut(pairs * pair).enumerate() {
            let input = if (above..above + height).contains(&y) { width.div_ceil(2) } else { 0 };
            for padding in [0..left * pair, (left + input) * pair..pairs * pair] {
                row[padding].fill(Group::ZERO);
            }
        }
    }

    /// Returns some rows of the input, for the preceding layer to write them to a map that was
    /// [prepared](Self::prepare_map).
    pub fn input<'a>(&'a self, map: &'a mut [Group], rows: Range<usize>) -> HiddenMap<'a> {
        let pairs = self.conv.input[1].div_ceil(2);
        HiddenMap { values: map, pairs: &self.pairs[rows.start * pairs..rows.end * pairs] }
    }

    /// Writes some rows of the output, ReLU6 of the convolution: `[rows, columns, channels]`. All rows of the map that
    /// they [depend on](Self::input_rows) must have been written.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn convolve(&self, map: &mut [Group], rows: Range<usize>, output: &mut Vec<Unit>) {
        self.zero_last_column(map, &rows);
        let values = rows.len() * self.conv.output[1] * self.channels;
        output.resize(values / self.format.values(), 0);
        let first = rows.start;
        match [self.conv.kernel, self.conv.stride] {
            [3, 1] => self.level.run(Rows::<3, 2, 2> { layer: self, map, first, output }),
            [3, _] => self.level.run(Rows::<3, 2, 1> { layer: self, map, first, output }),
            [_, 1] => self.level.run(Rows::<5, 3, 2> { layer: self, map, first, output }),
            _ => self.level.run(Rows::<5, 3, 1> { layer: self, map, first, output }),
        }
    }

    /// Clears the right pixel of each row's last pair, in the rows under the kernel, if rows have an odd number of
    /// pixels: it is padding.
    fn zero_last_column(&self, map: &mut [Group], rows: &Range<usize>) {
        let SameConv { input: [_, width], stride, .. } = self.conv;
        let MapLayout { above, left, pairs, .. } = self.layout;
        if width % 2 == 0 {
            return;
        }
        let left_pixel: Pair = bytemuck::cast([-1_i16, 0]);
        let pair = self.channels / GROUP;
        let under_kernel = above.max(rows.start * stride)..above + self.input_rows(rows.end);
        for row in under_kernel {
            let values = &mut map[(row * pairs + left + width / 2) * pair..][..pair];
            values.iter_mut().for_each(|values| *values &= Group::splat(left_pixel));
        }
    }
}

/// Checks that channels fill whole groups: the kernels have no code for a remainder.
///
/// # Errors
/// [`Error::Architecture`] if they do not.
pub(super) fn check_channels(channels: usize) -> Result<()> {
    if channels > 0 && channels.is_multiple_of(GROUP) {
        return Ok(());
    }
    let reason = format!("a layer has {channels} outputs; the CPU needs a multiple of 8");
    Err(Error::Architecture { reason })
}
