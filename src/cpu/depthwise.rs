//! A depthwise convolution: each channel for itself.
//!
//! Hidden values come in pairs of horizontal neighbours, so that one instruction multiplies both with their taps
//! and adds the products. A kernel's row has an odd number of taps: it is laid over pairs either from a pair's
//! left pixel on or from its right one, with a zero for the pixel that it does not cover. Both layings of a
//! row read the same pairs, which gives two neighbouring outputs at once where the stride is 1; where it is
//! 2, every output has the same laying.

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use crate::padding;

use super::fixed_point::{self as fixed, HIDDEN_BITS, Inputs, Pair};
use super::pointwise::HiddenMap;

/// Channels that are summed at once.
const GROUP: usize = 8;

/// Pairs at which kernels are laid at once.
const BASES: usize = 2;

/// A depthwise convolution with ReLU6 over maps of one size.
#[derive(Debug)]
pub struct Depthwise {
    /// Eight channels after the other, in them a row of the kernel after the other, a pair of taps after the
    /// other, a laying after the other: two registers of four channels, each with both taps.
    taps: Vec<[i16x8; 2]>,
    /// What each channel's sum begins with: its bias.
    start: Vec<[i32x4; 2]>,
    /// What each channel's sum is multiplied by, for a hidden value.
    scales: Vec<[f32x4; 2]>,
    kernel: usize,
    stride: usize,
    channels: usize,
    geometry: Geometry,
    /// Entry of a map at which each pair of the input begins.
    pairs: Vec<usize>,
}

/// Where pixels lie in a padded map, whose rows are pairs of pixels.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    /// Height and width of the input, in pixels.
    input: [usize; 2],
    /// Height and width of the output.
    output: [usize; 2],
    /// Rows in front of the input.
    above: usize,
    /// Pairs in front of a row's first pixel.
    left: usize,
    /// Column at which the kernel of a row's first output begins, 0 or 1.
    begin: usize,
    /// Pairs at which a kernel begins.
    bases: usize,
    /// Rows and pairs of a row.
    map: [usize; 2],
}

impl Geometry {
    /// With "SAME" padding.
    fn new(input: [usize; 2], kernel: usize, stride: usize) -> Self {
        let output = input.map(|size| size.div_ceil(stride));
        let [above, columns] = input.map(|size| padding::before(size, kernel, stride));
        let left = columns.div_ceil(2);
        let begin = left * 2 - columns;
        let bases = if stride == 1 { (output[1] + begin).div_ceil(2) } else { output[1] };
        let bases = bases.next_multiple_of(BASES);
        let rows = ((output[0] - 1) * stride + kernel).max(above + input[0]);
        let pairs = (bases + kernel / 2).max(left + input[1].div_ceil(2));
        Self { input, output, above, left, begin, bases, map: [rows, pairs] }
    }

    /// Where the input's pairs are among all pairs of the map.
    fn pairs(self) -> impl Iterator<Item = usize> {
        let row = move |row| (self.above + row) * self.map[1] + self.left;
        let columns = self.input[1].div_ceil(2);
        (0..self.input[0]).flat_map(move |y| (0..columns).map(move |pair| row(y) + pair))
    }
}

impl Depthwise {
    /// Of `weights`, `[channels, kernel, kernel]` row-major, for maps of `[height, width]`. The kernel's side is
    /// 3 or 5, the stride 1 or 2, and channels come in eights.
    pub fn new(
        weights: &[f32],
        bias: &[f32],
        [kernel, stride]: [usize; 2],
        input: [usize; 2],
    ) -> Self {
        let channels = bias.len();
        let rows = weights.chunks(kernel * kernel).zip(bias);
        let factors = rows.map(|(row, bias)| Inputs::HIDDEN.factor(row, *bias));
        let factors: Vec<f32> = factors.collect();
        let geometry = Geometry::new(input, kernel, stride);
        let layings = if stride == 1 { 0..2 } else { geometry.begin..geometry.begin + 1 };
        let tap = |channel: usize, row: usize, column: Option<usize>| match column {
            Some(column) if column < kernel => {
                fixed::round(weights[(channel * kernel + row) * kernel + column], factors[channel])
                    as i16
            }
            _ => 0,
        };
        let mut taps = Vec::new();
        for group in 0..channels / GROUP {
            for row in 0..kernel {
                for pair in 0..kernel.div_ceil(2) {
                    for laying in layings.clone() {
                        taps.push([0, 1].map(|register| {
                            i16x8::new(std::array::from_fn(|lane| {
                                let channel = group * GROUP + register * 4 + lane / 2;
                                tap(channel, row, (pair * 2 + lane % 2).checked_sub(laying))
                            }))
                        }));
                    }
                }
            }
        }
        let hidden = fixed::power(HIDDEN_BITS);
        let start = bias.iter().zip(&factors);
        let start = start.map(|(bias, factor)| fixed::round(*bias, factor * hidden)).collect();
        let scales = factors.iter().map(|factor| 1.0 / factor).collect();
        let pairs = geometry.pairs().map(|pair| pair * channels / GROUP).collect();
        Self {
            taps,
            start: registers(start, i32x4::new),
            scales: registers(scales, f32x4::new),
            kernel,
            stride,
            channels,
            geometry,
            pairs,
        }
    }

    /// Height and width of the output.
    pub fn output(&self) -> [usize; 2] {
        self.geometry.output
    }

    /// Makes `values` an empty map, for a layer in front to fill.
    pub fn clear<'a>(&'a self, values: &'a mut Vec<[i32x4; 2]>) -> HiddenMap<'a> {
        let [rows, pairs] = self.geometry.map;
        values.clear();
        values.resize(rows * pairs * self.channels / GROUP, [i32x4::ZERO; 2]);
        HiddenMap { values, pairs: &self.pairs }
    }

    /// ReLU6 of the convolution of a map that was [cleared](Self::clear) and filled: `[rows, columns, channels]`.
    #[inline(never)] // a profile tells the kernels apart
    pub fn convolve(&self, map: &mut [[i32x4; 2]], output: &mut Vec<Pair>) {
        self.remove_last_column(map);
        let [height, width] = self.geometry.output;
        output.clear();
        output.resize(height * width * self.channels / 2, 0);
        match [self.kernel, self.stride] {
            [3, 1] => self.rows::<3, 2, 2>(map, output),
            [3, _] => self.rows::<3, 2, 1>(map, output),
            [_, 1] => self.rows::<5, 3, 2>(map, output),
            _ => self.rows::<5, 3, 1>(map, output),
        }
    }

    /// Where rows have an odd number of pixels, what fills their last pair is no pixel.
    fn remove_last_column(&self, map: &mut [[i32x4; 2]]) {
        let Geometry { input: [height, width], above, left, map: [_, pairs], .. } = self.geometry;
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

    /// With a `K x K` kernel over `P` pairs in `L` layings.
    fn rows<const K: usize, const P: usize, const L: usize>(
        &self,
        map: &[[i32x4; 2]],
        output: &mut [Pair],
    ) {
        let Geometry { output: [_, width], begin, bases, map: [_, pairs], .. } = self.geometry;
        let pair = self.channels / GROUP;
        let row_length = pairs * pair;
        let (output, _) = output.as_chunks_mut::<{ GROUP / 2 }>();
        for (y, output) in output.chunks_exact_mut(width * pair).enumerate() {
            let window = &map[y * self.stride * row_length..][..K * row_length];
            let groups = self.taps.chunks_exact(K * P * L).zip(self.start.iter().zip(&self.scales));
            for (group, (taps, (start, scales))) in groups.enumerate() {
                for base in (0..bases).step_by(BASES) {
                    let mut sums = [[*start; L]; BASES];
                    for row in 0..K {
                        let from = row * row_length + base * pair + group;
                        for p in 0..P {
                            let taps = &taps[(row * P + p) * L..][..L];
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
                        for (laying, sums) in sums.into_iter().enumerate() {
                            // A column in front of the first output wraps, and is past the last one then.
                            let x = ((base + b) * L + laying).wrapping_sub(begin * (L - 1));
                            if x < width {
                                output[x * pair + group] = cast(fixed::hidden(sums, *scales));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A value for each channel, eight channels after the other.
fn registers<T: Copy, R>(values: Vec<T>, register: impl Fn([T; 4]) -> R) -> Vec<[R; 2]> {
    let (eights, _) = values.as_chunks::<4>().0.as_chunks::<2>();
    eights.iter().map(|eight| eight.map(&register)).collect()
}
