//! Depthwise convolutions, which filter each channel separately.
//!
//! Hidden values come in pairs of horizontal neighbours, so that one instruction multiplies both with their
//! taps and adds the products. A kernel row has an odd number of taps, so it covers a whole number of pairs
//! only with a zero tap before or after it: the two *alignments* of a row. Both alignments read the same pairs.
//! With stride 1 they give two neighbouring outputs at once; with stride 2 all outputs have the same alignment.

mod layout;
mod taps;

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use super::fixed_point::{self, HIDDEN_BITS, InputRange, Pair};
use super::pointwise::HiddenMap;
use crate::error::{Error, Result};
use crate::padding::SameConv;
use layout::MapLayout;

/// Channels of a group, which are accumulated together: two registers.
const GROUP: usize = 8;

/// Kernel positions that are accumulated together. A position is a pair of pixels at which kernels begin.
const POSITIONS: usize = 2;

/// A depthwise convolution with ReLU6 for maps of one size.
#[derive(Debug)]
pub struct Depthwise {
    /// Layout: `[channels / 8][kernel rows][tap pairs][alignments]`, an entry being two registers of four
    /// channels with both taps of the pair each.
    taps: Vec<[i16x8; 2]>,
    /// Quantised biases, with which the accumulators begin: `[channels / 8]`.
    bias: Vec<[i32x4; 2]>,
    /// Scales from accumulators to hidden values: `[channels / 8]`.
    scales: Vec<[f32x4; 2]>,
    channels: usize,
    conv: SameConv,
    layout: MapLayout,
    /// Entry of the map at which each pair of input pixels begins.
    pairs: Vec<usize>,
}

impl Depthwise {
    /// Packs `weights`, `[channels, kernel, kernel]` row-major, for maps of `[height, width]`.
    ///
    /// # Errors
    /// [`Error::Architecture`] unless the kernel is 3 or 5, the stride 1 or 2, and the number of channels a multiple
    /// of 8.
    pub fn new(
        weights: &[f32],
        bias: &[f32],
        [kernel, stride]: [usize; 2],
        input: [usize; 2],
    ) -> Result<Self> {
        let channels = bias.len();
        check_channels(channels)?;
        if !matches!([kernel, stride], [3 | 5, 1 | 2]) {
            let reason = format!("a kernel of {kernel} with stride {stride} has no depthwise code");
            return Err(Error::Architecture { reason });
        }
        if weights.len() != channels * kernel * kernel {
            let count = weights.len();
            let reason = format!("{channels} channels have {count} weights of {kernel} x {kernel}");
            return Err(Error::Architecture { reason });
        }
        let rows = weights.chunks(kernel * kernel).zip(bias);
        let factors = rows.map(|(row, bias)| InputRange::HIDDEN.weight_factor(row, *bias));
        let factors: Vec<f32> = factors.collect();
        let conv = SameConv::new(input, kernel, stride);
        let layout = MapLayout::new(&conv);
        let hidden = fixed_point::power_of_two(HIDDEN_BITS);
        let quantised = bias.iter().zip(&factors);
        let quantised =
            quantised.map(|(bias, factor)| fixed_point::quantise(*bias, factor * hidden)).collect();
        let scales = factors.iter().map(|factor| 1.0 / factor).collect();
        Ok(Self {
            taps: taps::pack(weights, &factors, &conv, &layout),
            bias: registers(quantised, i32x4::new),
            scales: registers(scales, f32x4::new),
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

    /// Resets `values` to an empty map with zero padding, which the preceding layer then fills.
    pub fn clear<'a>(&'a self, values: &'a mut Vec<[i32x4; 2]>) -> HiddenMap<'a> {
        let MapLayout { rows, pairs, .. } = self.layout;
        values.clear();
        values.resize(rows * pairs * self.channels / GROUP, [i32x4::ZERO; 2]);
        HiddenMap { values, pairs: &self.pairs }
    }

    /// Convolves a map that was [cleared](Self::clear) and filled, and writes ReLU6 of the result:
    /// `[rows, columns, channels]`.
    #[inline(never)] // keeps the kernels apart in a profile
    pub fn convolve(&self, map: &mut [[i32x4; 2]], output: &mut Vec<Pair>) {
        self.zero_last_column(map);
        let [height, width] = self.conv.output;
        output.clear();
        output.resize(height * width * self.channels / 2, 0);
        match [self.conv.kernel, self.conv.stride] {
            [3, 1] => self.rows::<3, 2, 2>(map, output),
            [3, _] => self.rows::<3, 2, 1>(map, output),
            [_, 1] => self.rows::<5, 3, 2>(map, output),
            _ => self.rows::<5, 3, 1>(map, output),
        }
    }

    /// Clears the right pixel of each row's last pair if rows have an odd number of pixels: it is padding.
    fn zero_last_column(&self, map: &mut [[i32x4; 2]]) {
        let [height, width] = self.conv.input;
        let MapLayout { above, left, pairs, .. } = self.layout;
        if width % 2 == 0 {
            return;
        }
        let left_pixel: i32x4 = cast(i16x8::new([-1, 0, -1, 0, -1, 0, -1, 0]));
        let pair = self.channels / GROUP;
        for row in above..above + height {
            let values = &mut map[(row * pairs + left + width / 2) * pair..][..pair];
            values.as_flattened_mut().iter_mut().for_each(|values| *values &= left_pixel);
        }
    }

    /// Convolves with a `K x K` kernel that covers `P` pairs of a row in `A` alignments.
    fn rows<const K: usize, const P: usize, const A: usize>(
        &self,
        map: &[[i32x4; 2]],
        output: &mut [Pair],
    ) {
        let [_, width] = self.conv.output;
        let MapLayout { first_column, positions, pairs, .. } = self.layout;
        let stride = self.conv.stride;
        let pair = self.channels / GROUP;
        let row_length = pairs * pair;
        let (output, _) = output.as_chunks_mut::<{ GROUP / 2 }>();
        for (y, output) in output.chunks_exact_mut(width * pair).enumerate() {
            let window = &map[y * stride * row_length..][..K * row_length];
            let groups = self.taps.chunks_exact(K * P * A).zip(self.bias.iter().zip(&self.scales));
            for (group, (taps, (bias, scales))) in groups.enumerate() {
                for position in (0..positions).step_by(POSITIONS) {
                    let mut sums = [[*bias; A]; POSITIONS];
                    for row in 0..K {
                        let from = row * row_length + position * pair + group;
                        for p in 0..P {
                            let taps = &taps[(row * P + p) * A..][..A];
                            for (b, sums) in sums.iter_mut().enumerate() {
                                let [low, high] =
                                    window[from + (b + p) * pair].map(cast::<_, i16x8>);
                                for (sums, taps) in sums.iter_mut().zip(taps) {
                                    sums[0] += low.dot(taps[0]);
                                    sums[1] += high.dot(taps[1]);
                                }
                            }
                        }
                    }
                    for (b, sums) in sums.into_iter().enumerate() {
                        for (alignment, sums) in sums.into_iter().enumerate() {
                            // A column before the first output wraps around and fails the check below.
                            let x = ((position + b) * A + alignment)
                                .wrapping_sub(first_column * (A - 1));
                            if x < width {
                                output[x * pair + group] =
                                    cast(fixed_point::requantise(sums, *scales));
                            }
                        }
                    }
                }
            }
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
    let reason = format!("a layer has {channels} outputs; on the CPU, it must be a multiple of 8");
    Err(Error::Architecture { reason })
}

/// Packs one value per channel into registers: `[channels / 8]`.
fn registers<T: Copy, R>(values: Vec<T>, register: impl Fn([T; 4]) -> R) -> Vec<[R; 2]> {
    let (eights, _) = values.as_chunks::<4>().0.as_chunks::<2>();
    eights.iter().map(|eight| eight.map(&register)).collect()
}
