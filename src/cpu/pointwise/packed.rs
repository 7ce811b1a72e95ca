//! The integer matrix product: packed weights, and the loop over tiles of pixels.

use crate::cpu::depthwise::check_channels;
use crate::cpu::fixed_point;
use crate::cpu::simd::{GROUP, Group, Groups, Kernel, Level, Pair, Simd, Widths};
use crate::error::{Error, Result};

/// Bytes of the pixels that all panels are multiplied with before the next pixels follow: half of the smallest
/// first-level cache, so that they stay there beside a panel.
const BLOCK: usize = 16 << 10;

/// Pixels of the largest tile.
const LARGEST_TILE: usize = 8;

/// Where the accumulators of a layer begin, and what it makes of them. Groups are counted in eights of outputs.
pub(super) trait Outputs {
    /// Returns the initial accumulators of one register of outputs. `group` is its first group.
    fn start<S: Simd>(&self, simd: S, group: usize) -> S::Integers;

    /// Takes the accumulators of `R` pixels, beginning with `pixel`, in `C` registers, beginning with `group`.
    fn take<S: Simd, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        pixel: usize,
        group: usize,
        sums: &[[S::Integers; C]; R],
    );
}

/// Returns the number of inputs of `weights`, `[outputs, inputs]`.
///
/// # Errors
/// [`Error::Architecture`] if the outputs do not fill whole panels or the inputs whole pairs: the product has no code
/// for a remainder.
pub(super) fn inputs(weights: &[f32], outputs: usize) -> Result<usize> {
    check_channels(outputs)?;
    let refused = |reason: String| Err(Error::Architecture { reason });
    if !weights.len().is_multiple_of(outputs) {
        return refused(format!("{outputs} outputs cannot share {} weights", weights.len()));
    }
    match weights.len() / outputs {
        inputs if inputs > 0 && inputs.is_multiple_of(2) => Ok(inputs),
        inputs => {
            refused(format!("a layer has {inputs} inputs; on the CPU, it must be an even number"))
        }
    }
}

/// Quantised weights in the order in which the product reads them.
#[derive(Debug)]
pub(super) struct PackedWeights {
    /// Layout: `[panels][input pairs][groups of the panel]`, an entry being eight outputs with both inputs of the pair
    /// each. Panels are as wide as the level's registers; the last ones may be narrower.
    panels: Groups,
    /// Pairs of input channels.
    pairs: usize,
    level: Level,
}

impl PackedWeights {
    /// Quantises and packs `weights`, `[outputs, inputs]`, with one factor per output.
    pub(super) fn new(level: Level, weights: &[f32], factors: &[f32]) -> Self {
        let inputs = weights.len() / factors.len();
        let pairs = inputs / 2;
        let quantised = |output: usize, input: usize| {
            fixed_point::quantise(weights[output * inputs + input], factors[output]) as i16
        };
        let all = factors.len() / GROUP;
        let mut panels = Vec::with_capacity(factors.len() * pairs);
        let mut first = 0;
        while first < all {
            let next = first + level.widths().panel(all - first);
            for pair in 0..pairs {
                panels.extend((first * GROUP..next * GROUP).map(|output| {
                    let values = [pair * 2, pair * 2 + 1].map(|input| quantised(output, input));
                    bytemuck::cast::<[i16; 2], Pair>(values)
                }));
            }
            first = next;
        }
        Self { panels: panels.into(), pairs, level }
    }

    /// Returns the number of input channels.
    pub(super) fn inputs(&self) -> usize {
        self.pairs * 2
    }

    /// Returns the number of pairs of input channels.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// Multiplies `pixels`, `[pixels][input pairs]`, with all panels, and passes the accumulators to `outputs`.
    pub(super) fn multiply<O: Outputs>(&self, pixels: &[Pair], outputs: O) {
        self.level.run(Multiply { weights: &self.panels, pairs: self.pairs, pixels, outputs });
    }
}

/// See [`PackedWeights::multiply`].
struct Multiply<'a, O> {
    weights: &'a [Group],
    pairs: usize,
    pixels: &'a [Pair],
    outputs: O,
}

impl<O: Outputs> Kernel for Multiply<'_, O> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Self { weights, pairs, pixels, .. } = self;
        let block = (BLOCK / (pairs * size_of::<Pair>())).next_multiple_of(LARGEST_TILE);
        for (index, pixels) in pixels.chunks(block * pairs).enumerate() {
            let mut group = 0;
            let mut weights = weights;
            while !weights.is_empty() {
                let groups = Widths::of::<S>().panel(weights.len() / pairs);
                let (panel, rest) = weights.split_at(groups * pairs);
                let tiles = Tiles { panel, pairs, pixel: index * block, pixels, group };
                if S::PANEL == 2 && groups == S::GROUPS * 2 {
                    tiles.multiply::<S, 2, O>(simd, &mut self.outputs);
                } else if S::GROUPS == 1 || groups == S::GROUPS {
                    tiles.multiply::<S, 1, O>(simd, &mut self.outputs);
                } else {
                    tiles.multiply::<S::Single, 1, O>(simd.single(), &mut self.outputs);
                }
                group += groups;
                weights = rest;
            }
        }
    }
}

/// Pixels that remain to be multiplied with a panel.
struct Tiles<'a> {
    panel: &'a [Group],
    pairs: usize,
    /// Index of the first pixel.
    pixel: usize,
    /// `[pixels][input pairs]`.
    pixels: &'a [Pair],
    /// First group of the panel.
    group: usize,
}

impl Tiles<'_> {
    /// Multiplies all pixels with a panel of `C` registers.
    #[inline(always)]
    fn multiply<S: Simd, const C: usize, O: Outputs>(mut self, simd: S, outputs: &mut O) {
        if S::MANY_REGISTERS {
            self.whole::<S, LARGEST_TILE, C, O>(simd, outputs);
        }
        // With two accumulators per pixel, tile and weights fit 16 registers.
        self.whole::<S, 4, C, O>(simd, outputs);
        self.whole::<S, 2, C, O>(simd, outputs);
        self.whole::<S, 1, C, O>(simd, outputs);
    }

    /// Multiplies as many pixels as fill tiles of `R`.
    #[inline(always)]
    fn whole<S: Simd, const R: usize, const C: usize, O: Outputs>(
        &mut self,
        simd: S,
        outputs: &mut O,
    ) {
        let mut start = [outputs.start(simd, self.group); C];
        for (register, start) in start.iter_mut().enumerate() {
            *start = outputs.start(simd, self.group + register * S::GROUPS);
        }
        let mut tiles = self.pixels.chunks_exact(R * self.pairs);
        for tile in &mut tiles {
            let sums = sums::<S, R, C>(simd, tile, self.pairs, self.panel, start);
            outputs.take(simd, self.pixel, self.group, &sums);
            self.pixel += R;
        }
        self.pixels = tiles.remainder();
    }
}

/// Returns the accumulators of a panel for a tile of `R` pixels.
#[inline(always)]
fn sums<S: Simd, const R: usize, const C: usize>(
    simd: S,
    pixels: &[Pair],
    pairs: usize,
    panel: &[Group],
    start: [S::Integers; C],
) -> [[S::Integers; C]; R] {
    // Slices of known lengths let the compiler drop the bounds checks below.
    let rows: [&[Pair]; R] = std::array::from_fn(|row| &pixels[row * pairs..][..pairs]);
    let panel = &panel[..pairs * C * S::GROUPS];
    let mut sums = [start; R];
    for index in 0..pairs {
        let groups = &panel[index * C * S::GROUPS..][..C * S::GROUPS];
        let mut weights = start;
        for (register, weights) in weights.iter_mut().enumerate() {
            *weights = simd.load(&groups[register * S::GROUPS..]);
        }
        for (row, sums) in rows.iter().zip(&mut sums) {
            let pair = simd.splat(row[index]);
            for (sum, weights) in sums.iter_mut().zip(&weights) {
                *sum = simd.add_products(*sum, pair, *weights);
            }
        }
    }
    sums
}
