//! A 1x1 convolution: a product of matrices, a pixel's channels with each output's weights.

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use super::fixed_point::{self as fixed, HIDDEN_BITS, Inputs, Pair};

/// Outputs that are summed at once.
const PANEL: usize = 8;

/// Pixels that are summed at once. With a panel's two registers an output, that fills the sixteen registers
/// that there are.
const ROWS: usize = 4;

/// Bytes of the pixels that all panels are multiplied with before the next pixels come: half of the smallest
/// first-level cache, so that a panel fits beside them.
const BLOCK: usize = 16 << 10;

/// A 1x1 convolution with ReLU6, whose outputs are hidden values.
#[derive(Debug)]
pub struct Expand {
    matrix: Matrix,
    factors: Vec<f32>,
    bias: Vec<f32>,
}

/// A 1x1 convolution whose outputs are floats.
#[derive(Debug)]
pub struct Project {
    matrix: Matrix,
    factors: Vec<f32>,
    bias: Vec<f32>,
}

/// The weights in the order in which they are used.
#[derive(Debug)]
struct Matrix {
    /// A panel of outputs after the other, and in it a pair of inputs after the other: two registers of four
    /// outputs, each with its weights for both inputs.
    panels: Vec<[i16x8; 2]>,
    /// Pairs of inputs.
    pairs: usize,
}

/// Where pairs of hidden values go.
pub struct HiddenMap<'a> {
    /// Eight channels an entry.
    pub values: &'a mut [[i32x4; PANEL / 4]],
    /// Entry at which each pair begins.
    pub pairs: &'a [usize],
}

type Sums = [i32x4; PANEL / 4];

impl Expand {
    /// Of `weights`, `[outputs, inputs]` row-major, with an even number of inputs and a multiple of 8 outputs.
    pub fn new(weights: &[f32], bias: Vec<f32>, inputs: Inputs) -> Self {
        let rows = weights.chunks(weights.len() / bias.len()).zip(&bias);
        let factors: Vec<f32> = rows.map(|(row, bias)| inputs.factor(row, *bias)).collect();
        Self { matrix: Matrix::new(weights, &factors), factors, bias }
    }

    /// Channels of a pixel of the input.
    pub fn inputs(&self) -> usize {
        self.matrix.pairs * 2
    }

    /// The outputs for `pixels`, `[rows, even columns, inputs]` with `bits`.
    #[inline(never)] // a profile tells the kernels apart
    pub fn run(&self, pixels: &[Pair], bits: i32, map: HiddenMap<'_>) {
        let input = fixed::power(bits);
        let factors = self.factors.iter().map(|factor| factor * input);
        let scales: Vec<f32> =
            factors.clone().map(|factor| fixed::power(HIDDEN_BITS) / factor).collect();
        let start = self.bias.iter().zip(factors).map(|(bias, factor)| fixed::round(*bias, factor));
        let start: Vec<i32> = start.collect();
        let (scales, _) = scales.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let (start, _) = start.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let start = |panel: usize| start[panel].map(i32x4::new);
        self.matrix.multiply(pixels, start, |first, panel, sums| {
            let scales = scales[panel].map(f32x4::new);
            let entries = &map.pairs[first / 2..];
            for ([left, right], entry) in sums.as_chunks::<2>().0.iter().zip(entries) {
                let targets = map.values[entry + panel].iter_mut().zip(scales);
                for ((left, right), (target, scales)) in left.iter().zip(right).zip(targets) {
                    *target = fixed::hidden_pairs(*left, *right, scales);
                }
            }
        });
    }
}

impl Project {
    /// Of `weights`, `[outputs, inputs]` row-major, with an even number of inputs and a multiple of 8 outputs.
    pub fn new(weights: &[f32], bias: Vec<f32>, inputs: Inputs) -> Self {
        let rows = weights.chunks(weights.len() / bias.len());
        let factors: Vec<f32> = rows.map(|row| inputs.factor(row, 0.0)).collect();
        Self { matrix: Matrix::new(weights, &factors), factors, bias }
    }

    /// The outputs for `pixels`, `[pixels, inputs]` with `bits`: `[pixels, outputs]`.
    #[inline(never)] // a profile tells the kernels apart
    pub fn run(&self, pixels: &[Pair], bits: i32, outputs: &mut Vec<f32>) {
        let input = fixed::power(bits);
        let scales: Vec<f32> = self.factors.iter().map(|factor| 1.0 / (factor * input)).collect();
        let pixel_length = self.bias.len() / PANEL;
        outputs.clear();
        outputs.resize(pixels.len() / self.matrix.pairs * self.bias.len(), 0.0);
        let (eights, _) = outputs.as_chunks_mut::<4>().0.as_chunks_mut::<{ PANEL / 4 }>();
        let (bias, _) = self.bias.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let (scales, _) = scales.as_chunks::<4>().0.as_chunks::<{ PANEL / 4 }>();
        let start = |_| [i32x4::ZERO; PANEL / 4];
        self.matrix.multiply(pixels, start, |first, panel, sums| {
            let (scales, bias) = (scales[panel].map(f32x4::new), bias[panel].map(f32x4::new));
            for (index, sums) in sums.iter().enumerate() {
                let targets = &mut eights[(first + index) * pixel_length + panel];
                for (register, target) in targets.iter_mut().enumerate() {
                    let sums = f32x4::from_i32x4(sums[register]);
                    *target = (sums * scales[register] + bias[register]).to_array();
                }
            }
        });
    }
}

impl Matrix {
    /// Of `weights`, `[outputs, inputs]`, which are multiplied by their output's factor and rounded.
    fn new(weights: &[f32], factors: &[f32]) -> Self {
        let outputs = factors.len();
        let inputs = weights.len() / outputs;
        let pairs = inputs / 2;
        let mut panels = Vec::with_capacity(outputs / PANEL * pairs);
        let (factors, _) = factors.as_chunks::<PANEL>();
        for (weights, factors) in weights.chunks_exact(PANEL * inputs).zip(factors) {
            let rows: [&[f32]; PANEL] =
                std::array::from_fn(|row| &weights[row * inputs..][..inputs]);
            for pair in 0..pairs {
                let rounded = |output: usize, input: usize| {
                    fixed::round(rows[output][pair * 2 + input], factors[output]) as i16
                };
                panels.push([0, 1].map(|register| {
                    i16x8::new(std::array::from_fn(|lane| {
                        rounded(register * 4 + lane / 2, lane % 2)
                    }))
                }));
            }
        }
        Self { panels, pairs }
    }

    /// Gives the sums of a panel, which begin at `start`, for some pixels in a row: the first pixel, the panel, a
    /// pixel's sums each.
    #[inline(always)]
    fn multiply(
        &self,
        pixels: &[Pair],
        start: impl Fn(usize) -> Sums,
        mut take: impl FnMut(usize, usize, &[Sums]),
    ) {
        let block = (BLOCK / (self.pairs * size_of::<Pair>())).next_multiple_of(ROWS);
        for (index, pixels) in pixels.chunks(block * self.pairs).enumerate() {
            for (panel, weights) in self.panels.chunks_exact(self.pairs).enumerate() {
                let start = start(panel);
                let mut first = index * block;
                let mut tiles = pixels.chunks_exact(ROWS * self.pairs);
                for tile in &mut tiles {
                    take(first, panel, &sums::<ROWS>(tile, weights, start));
                    first += ROWS;
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

/// The sums of a panel for `R` pixels.
#[inline(always)]
fn sums<const R: usize>(pixels: &[Pair], weights: &[[i16x8; 2]], start: Sums) -> [Sums; R] {
    let pairs = weights.len();
    // As long as the weights, so that no index below is checked.
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
