//! The integer matrix product: packed weights, and the loop over tiles of pixels.

use crate::cpu::depthwise::check_channels;
use crate::cpu::fixed_point::{self, Format};
use crate::cpu::simd::{GROUP, Group, Groups, Kernel, Level, Simd, Unit, Widths};
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
        inputs => refused(format!("a layer has {inputs} inputs; the CPU needs an even number")),
    }
}

/// Quantised weights in the order in which the product reads them.
#[derive(Debug)]
pub(super) struct PackedWeights {
    /// Layout: `[panels][units][groups of the panel]`, an entry being eight outputs with all inputs of the unit each.
    /// Panels are as wide as the level's registers; the last ones may be narrower.
    panels: Groups,
    /// Units of input channels.
    units: usize,
    /// The sum of each output's integers.
    sums: Vec<i32>,
    format: Format,
    level: Level,
}

impl PackedWeights {
    /// Quantises and packs `weights`, `[outputs, inputs]`, with one factor per output. The number of inputs is a
    /// multiple of [`Format::values`].
    pub(super) fn new(level: Level, format: Format, weights: &[f32], factors: &[f32]) -> Self {
        let inputs = weights.len() / factors.len();
        let units = inputs / format.values();
        let rows = weights.chunks(inputs).zip(factors);
        let integers: Vec<i32> = rows
            .flat_map(|(row, factor)| row.iter().map(|w| fixed_point::quantise(*w, *factor)))
            .collect();
        let all = factors.len() / GROUP;
        let mut panels = Vec::with_capacity(factors.len() * units);
        let mut first = 0;
        while first < all {
            let next = first + level.widths().panel(all - first);
            for unit in 0..units {
                panels.extend((first * GROUP..next * GROUP).map(|output| {
                    let at = output * inputs + unit * format.values();
                    format.unit(&integers[at..][..format.values()])
                }));
            }
            first = next;
        }
        let sums = integers.chunks(inputs).map(|row| row.iter().sum()).collect();
        Self { panels: panels.into(), units, sums, format, level }
    }

    /// Returns the number of input channels.
    pub(super) fn inputs(&self) -> usize {
        self.units * self.format.values()
    }

    /// Returns the number of units of input channels.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// Returns the format of the inputs.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Returns the sum of each output's integers.
    pub(super) fn sums(&self) -> &[i32] {
        &self.sums
    }

    /// Multiplies `pixels`, `[pixels][units]`, with all panels, and passes the accumulators to `outputs`.
    pub(super) fn multiply<O: Outputs>(&self, pixels: &[Unit], outputs: O) {
        let (weights, units) = (&*self.panels, self.units);
        // Without the constant, every wasm package would hold the loop twice.
        if Level::MULTIPLIES_BYTES && self.format == Format::Quads {
            self.level.run(Multiply::<_, true> { weights, units, pixels, outputs });
        } else {
            self.level.run(Multiply::<_, false> { weights, units, pixels, outputs });
        }
    }
}

/// See [`PackedWeights::multiply`]. `BYTES` tells whether units are quads.
struct Multiply<'a, O, const BYTES: bool> {
    weights: &'a [Group],
    units: usize,
    pixels: &'a [Unit],
    outputs: O,
}

impl<O: Outputs, const BYTES: bool> Kernel for Multiply<'_, O, BYTES> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Self { weights, units, pixels, .. } = self;
        let block = (BLOCK / (units * size_of::<Unit>())).next_multiple_of(LARGEST_TILE);
        for (index, pixels) in pixels.chunks(block * units).enumerate() {
            let mut group = 0;
            let mut weights = weights;
            while !weights.is_empty() {
                let groups = Widths::of::<S>().panel(weights.len() / units);
                let (panel, rest) = weights.split_at(groups * units);
                let tiles = Tiles::<BYTES> { panel, units, pixel: index * block, pixels, group };
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
struct Tiles<'a, const BYTES: bool> {
    panel: &'a [Group],
    units: usize,
    /// Index of the first pixel.
    pixel: usize,
    /// `[pixels][units]`.
    pixels: &'a [Unit],
    /// First group of the panel.
    group: usize,
}

impl<const BYTES: bool> Tiles<'_, BYTES> {
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
        let mut tiles = self.pixels.chunks_exact(R * self.units);
        for tile in &mut tiles {
            let sums = sums::<S, R, C, BYTES>(simd, tile, self.units, self.panel, start);
            outputs.take(simd, self.pixel, self.group, &sums);
            self.pixel += R;
        }
        self.pixels = tiles.remainder();
    }
}

/// Returns the accumulators of a panel for a tile of `R` pixels.
#[inline(always)]
fn sums<S: Simd, const R: usize, const C: usize, const BYTES: bool>(
    simd: S,
    pixels: &[Unit],
    units: usize,
    panel: &[Group],
    start: [S::Integers; C],
) -> [[S::Integers; C]; R] {
    // Slices of known lengths let the compiler drop the bounds checks below.
    let rows: [&[Unit]; R] = std::array::from_fn(|row| &pixels[row * units..][..units]);
    let panel = &panel[..units * C * S::GROUPS];
    let mut sums = [start; R];
    for index in 0..units {
        let groups = &panel[index * C * S::GROUPS..][..C * S::GROUPS];
        let mut weights = start;
        for (register, weights) in weights.iter_mut().enumerate() {
            *weights = simd.load(&groups[register * S::GROUPS..]);
        }
        for (row, sums) in rows.iter().zip(&mut sums) {
            let inputs = simd.splat(row[index]);
            for (sum, weights) in sums.iter_mut().zip(&weights) {
                *sum = if BYTES {
                    simd.add_byte_products(*sum, *weights, inputs)
                } else {
                    simd.add_products(*sum, inputs, *weights)
                };
            }
        }
    }
    sums
}
