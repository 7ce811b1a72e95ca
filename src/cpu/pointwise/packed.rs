//! The integer matrix product: packed weights, and the loop over tiles of pixels.

use bytemuck::cast;
use wide::{i16x8, i32x4};

use crate::cpu::depthwise::check_channels;
use crate::cpu::fixed_point::{self, Pair};
use crate::error::{Error, Result};

/// Outputs of a panel, which are accumulated together.
pub(super) const PANEL: usize = 8;

/// Pixels of a tile, which are accumulated together. With two accumulators per pixel, tile and weights fit the
/// sixteen SIMD registers that x86 has.
const TILE: usize = 4;

/// Bytes of the pixels that all panels are multiplied with before the next pixels follow: half of the smallest
/// first-level cache, so that they stay there beside a panel.
const BLOCK: usize = 16 << 10;

/// Accumulators of one pixel and one panel.
pub(super) type Sums = [i32x4; PANEL / 4];

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
    /// Layout: `[panels][input pairs]`, an entry being two registers of four outputs with both inputs of the
    /// pair each.
    panels: Vec<[i16x8; 2]>,
    /// Pairs of input channels.
    pairs: usize,
}

impl PackedWeights {
    /// Quantises and packs `weights`, `[outputs, inputs]`, with one factor per output.
    pub(super) fn new(weights: &[f32], factors: &[f32]) -> Self {
        let outputs = factors.len();
        let inputs = weights.len() / outputs;
        let pairs = inputs / 2;
        let mut panels = Vec::with_capacity(outputs / PANEL * pairs);
        let (factors, _) = factors.as_chunks::<PANEL>();
        for (weights, factors) in weights.chunks_exact(PANEL * inputs).zip(factors) {
            let rows: [&[f32]; PANEL] =
                std::array::from_fn(|row| &weights[row * inputs..][..inputs]);
            for pair in 0..pairs {
                let quantised = |output: usize, input: usize| {
                    let weight = rows[output][pair * 2 + input];
                    fixed_point::quantise(weight, factors[output]) as i16
                };
                panels.push([0, 1].map(|register| {
                    i16x8::new(std::array::from_fn(|lane| {
                        quantised(register * 4 + lane / 2, lane % 2)
                    }))
                }));
            }
        }
        Self { panels, pairs }
    }

    /// Returns the number of input channels.
    pub(super) fn inputs(&self) -> usize {
        self.pairs * 2
    }

    /// Returns the number of pairs of input channels.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// Multiplies `pixels`, `[pixels][input pairs]`, with all panels. The accumulators of a panel begin at
    /// `start(panel)`. For each tile and panel it calls `take(first pixel, panel, accumulators of each pixel)`.
    #[inline(always)]
    pub(super) fn multiply(
        &self,
        pixels: &[Pair],
        start: impl Fn(usize) -> Sums,
        mut take: impl FnMut(usize, usize, &[Sums]),
    ) {
        let block = (BLOCK / (self.pairs * size_of::<Pair>())).next_multiple_of(TILE);
        for (index, pixels) in pixels.chunks(block * self.pairs).enumerate() {
            for (panel, weights) in self.panels.chunks_exact(self.pairs).enumerate() {
                let start = start(panel);
                let mut first = index * block;
                let mut tiles = pixels.chunks_exact(TILE * self.pairs);
                for tile in &mut tiles {
                    take(first, panel, &sums::<TILE>(tile, weights, start));
                    first += TILE;
                }
                let mut twos = tiles.remainder().chunks_exact(2 * self.pairs);
                for two in &mut twos {
                    take(first, panel, &sums::<2>(two, weights, start));
                    first += 2;
                }
                for one in twos.remainder().chunks_exact(self.pairs) {
                    take(first, panel, &sums::<1>(one, weights, start));
                    first += 1;
                }
            }
        }
    }
}

/// Returns the accumulators of one panel for a tile of `R` pixels.
#[inline(always)]
fn sums<const R: usize>(pixels: &[Pair], weights: &[[i16x8; 2]], start: Sums) -> [Sums; R] {
    let pairs = weights.len();
    // Rows as long as the weights let the compiler drop the bounds checks below.
    let rows: [&[Pair]; R] = std::array::from_fn(|row| &pixels[row * pairs..][..pairs]);
    let mut sums = [start; R];
    for (index, [low, high]) in weights.iter().enumerate() {
        for (row, sums) in rows.iter().zip(&mut sums) {
            let pair: i16x8 = cast(i32x4::splat(row[index]));
            sums[0] += pair.dot(*low);
            sums[1] += pair.dot(*high);
        }
    }
    sums
}
