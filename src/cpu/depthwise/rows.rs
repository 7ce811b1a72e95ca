//! The loops of a depthwise convolution: rows of outputs, in them registers of channels, in them a few positions.

use super::{Depthwise, GROUP, POSITIONS};
use crate::cpu::fixed_point::{self, Format};
use crate::cpu::simd::{Group, Kernel, Simd, Unit, Widths};

/// Most pairs of pixels of a row that are accumulated together: four positions of a kernel of three pairs.
const MOST_PAIRS: usize = 4 + 3 - 1;

/// A convolution with a `K x K` kernel that covers `P` pairs of a row in `A` alignments.
pub(super) struct Rows<'a, const K: usize, const P: usize, const A: usize> {
    pub(super) layer: &'a Depthwise,
    pub(super) map: &'a [Group],
    /// The first row.
    pub(super) first: usize,
    /// `[rows][columns][units]`.
    pub(super) output: &'a mut [Unit],
}

impl<const K: usize, const P: usize, const A: usize> Kernel for Rows<'_, K, P, A> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Depthwise { taps, bias, scales, format, conv, layout, channels, .. } = self.layer;
        let groups = channels / GROUP;
        let row_length = layout.pairs * groups;
        let sizes = Sizes {
            groups,
            row_length,
            width: conv.output[1],
            positions: layout.positions,
            first_column: layout.first_column,
        };
        let target = Target { quads: *format == Format::Quads, six: 6.0 * format.hidden().factor };
        let row_units = sizes.width * channels / format.values();
        let layer = Layer { taps, bias, scales: scales.as_chunks().0 };
        for (y, output) in self.output.chunks_exact_mut(row_units).enumerate() {
            let y = self.first + y;
            let window = &self.map[y * conv.stride * row_length..][..K * row_length];
            let mut row = Row::<K, P, A> { sizes, window, target, output };
            let mut group = 0;
            while group < groups {
                if Widths::of::<S>().register(groups - group) == S::GROUPS {
                    row.convolve(simd, &layer, group);
                    group += S::GROUPS;
                } else {
                    row.convolve(simd.single(), &layer, group);
                    group += 1;
                }
            }
        }
    }
}

/// What a row's outputs are computed from beside the map; see [`Depthwise`].
struct Layer<'a> {
    taps: &'a [Group],
    bias: &'a [Group],
    scales: &'a [[f32; 8]],
}

/// The sizes of a row.
#[derive(Clone, Copy)]
struct Sizes {
    /// Groups of channels of a pixel or of a pair of pixels.
    groups: usize,
    /// Entries of the map in a row.
    row_length: usize,
    /// Outputs.
    width: usize,
    /// See [`MapLayout`].
    positions: usize,
    /// See [`MapLayout`].
    first_column: usize,
}

/// How the outputs are stored.
#[derive(Clone, Copy)]
struct Target {
    /// Whether they are quads.
    quads: bool,
    /// The hidden value of 6.
    six: f32,
}

/// A row of outputs.
struct Row<'a, const K: usize, const P: usize, const A: usize> {
    sizes: Sizes,
    /// The rows of the map under the kernel.
    window: &'a [Group],
    target: Target,
    /// `[columns][units]`.
    output: &'a mut [Unit],
}

impl<const K: usize, const P: usize, const A: usize> Row<'_, K, P, A> {
    /// Writes the outputs of one register of channels. `group` is its first group.
    #[inline(always)]
    fn convolve<S: Simd>(&mut self, simd: S, layer: &Layer<'_>, group: usize) {
        let taps = &layer.taps[group * K * P * A..][..K * P * A * S::GROUPS];
        let bias = simd.load(&layer.bias[group..]);
        let scales = simd.load_floats(&layer.scales[group..]);
        let mut position = 0;
        if S::POSITIONS == 4 {
            while position + 4 <= self.sizes.positions {
                let sums = self.sums::<S, 4>(simd, taps, bias, position, group);
                self.write(simd, sums, scales, position, group);
                position += 4;
            }
        }
        while position < self.sizes.positions {
            let sums = self.sums::<S, POSITIONS>(simd, taps, bias, position, group);
            self.write(simd, sums, scales, position, group);
            position += POSITIONS;
        }
    }

    /// Returns the sums of `B` positions. Each starts from `bias`.
    #[inline(always)]
    fn sums<S: Simd, const B: usize>(
        &self,
        simd: S,
        taps: &[Group],
        bias: S::Integers,
        position: usize,
        group: usize,
    ) -> [[S::Integers; A]; B] {
        let Sizes { groups, row_length, .. } = self.sizes;
        let mut sums = [[bias; A]; B];
        for row in 0..K {
            let from = row * row_length + position * groups + group;
            let mut shared = [bias; MOST_PAIRS];
            if S::MANY_REGISTERS {
                // The positions of a row overlap: each pair of pixels is loaded once.
                let mut pairs = &self.window[from..];
                for (index, pair) in shared.iter_mut().take(B + P - 1).enumerate() {
                    if index > 0 {
                        pairs = &pairs[groups..];
                    }
                    *pair = simd.load(pairs);
                }
            }
            for p in 0..P {
                let taps = &taps[(row * P + p) * A * S::GROUPS..][..A * S::GROUPS];
                for (b, sums) in sums.iter_mut().enumerate() {
                    let pair = if S::MANY_REGISTERS {
                        shared[b + p]
                    } else {
                        simd.load(&self.window[from + (b + p) * groups..])
                    };
                    for (alignment, sum) in sums.iter_mut().enumerate() {
                        let taps = simd.load(&taps[alignment * S::GROUPS..]);
                        *sum = simd.add_products(*sum, pair, taps);
                    }
                }
            }
        }
        sums
    }

    /// Requantises the accumulators of `B` positions and writes those that are not beside the row.
    #[inline(always)]
    fn write<S: Simd, const B: usize>(
        &mut self,
        simd: S,
        sums: [[S::Integers; A]; B],
        scales: S::Floats,
        position: usize,
        group: usize,
    ) {
        let Sizes { groups, width, first_column, .. } = self.sizes;
        let Target { quads, six } = self.target;
        for (b, sums) in sums.iter().enumerate() {
            for (alignment, sums) in sums.iter().enumerate() {
                // A column before the first output wraps around and fails the check below.
                let x = ((position + b) * A + alignment).wrapping_sub(first_column * (A - 1));
                if x < width {
                    let hidden = fixed_point::relu6(simd, *sums, scales, six);
                    let at = x * groups + group;
                    if quads {
                        simd.store_bytes(hidden, &mut self.output.as_chunks_mut().0[at..]);
                    } else {
                        simd.store_saturated(hidden, &mut self.output.as_chunks_mut().0[at..]);
                    }
                }
            }
        }
    }
}
