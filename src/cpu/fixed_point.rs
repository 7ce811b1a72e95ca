//! Fixed-point numbers: a real number is stored as the integer nearest to `value * factor`.
//!
//! - *Hidden* values lie within a block, after a ReLU6. They range over 0..=6, and their factor is always the
//!   same power of two.
//! - *Stream* values pass from block to block as floats. Each layer quantises its input with the largest power
//!   of two that the largest value of this poster allows.
//! - *Weights* have one factor per output channel, as large as the 32-bit accumulator allows.
//!
//! For a factor of 2^n, the code calls n the number of (fraction) *bits*. A *scale* is the inverse of a
//! factor: it converts an accumulator back to a real number.

use super::simd::{Kernel, Level, Pair, Simd};

/// Fraction bits of hidden values.
pub const HIDDEN_BITS: i32 = 12;

/// The largest hidden value, 6.
const SIX: i16 = 6 << HIDDEN_BITS;

/// Most fraction bits of stream values, used if all of them are small.
const STREAM_BITS: i32 = 12;

/// The range of a layer's integer inputs.
#[derive(Debug, Clone, Copy)]
pub struct InputRange {
    /// Largest absolute value.
    max: i16,
    /// Most fraction bits.
    bits: i32,
}

impl InputRange {
    /// Hidden values.
    pub const HIDDEN: Self = Self { max: SIX, bits: HIDDEN_BITS };
    /// Stream values.
    pub const STREAM: Self = Self { max: i16::MAX, bits: STREAM_BITS };

    /// Returns the factor for the weights of one output channel: the largest with which neither the sum of its
    /// products nor its bias can overflow 32 bits. It is a multiple of the factor that makes the largest weight
    /// 127, so 8-bit weights are represented exactly.
    pub fn weight_factor(self, weights: &[f32], bias: f32) -> f32 {
        // `f32::max` compiles to a function call in wasm, because it must handle NaN.
        let larger = |largest: f32, weight: &f32| {
            if weight.abs() > largest { weight.abs() } else { largest }
        };
        let largest = weights.iter().fold(f32::MIN_POSITIVE, larger);
        let sum: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
        let sum = sum * f64::from(self.max) + f64::from(bias.abs()) * f64::from(self.bits).exp2();
        // Leave room for rounding, which may add half a unit to each weight.
        let room = f64::from(i32::MAX) - f64::from(self.max) * weights.len() as f64;
        let unit = 127.0 / f64::from(largest);
        let times = (room / (sum * unit)).min(f64::from(i16::MAX) / 127.0);
        (unit * if times < 1.0 { times } else { times.floor() }) as f32
    }

    /// Returns the most fraction bits with which an absolute value of `largest` fits.
    pub fn fraction_bits(self, largest: f32) -> i32 {
        let room = (f32::from(self.max) / largest.max(f32::MIN_POSITIVE)).log2().floor();
        (room as i32).min(self.bits)
    }
}

/// Returns `value * factor` as the nearest integer.
pub fn quantise(value: f32, factor: f32) -> i32 {
    (value * factor).round_ties_even() as i32
}

/// Returns 2 to the power of `exponent`.
pub fn power_of_two(exponent: i32) -> f32 {
    (exponent as f32).exp2()
}

/// Returns the most fraction bits with which the stream values `values` fit.
pub fn stream_bits(level: Level, values: &[f32]) -> i32 {
    InputRange::STREAM.fraction_bits(level.run(Largest { values }))
}

/// Quantises stream values into `pairs` with `bits` fraction bits. After each `row` values, 1 or more, it writes
/// `padding` pairs of zeros; before that, a zero that completes the last pair if `row` is odd.
pub fn quantise_stream(
    level: Level,
    values: &[f32],
    bits: i32,
    [row, padding]: [usize; 2],
    pairs: &mut Vec<Pair>,
) {
    let factor = power_of_two(bits);
    let stride = row.div_ceil(2) + padding;
    pairs.resize(values.len().div_ceil(row) * stride, 0);
    for (values, pairs) in values.chunks(row).zip(pairs.chunks_exact_mut(stride)) {
        let (pairs, padding) = pairs.split_at_mut(values.len().div_ceil(2));
        level.run(Quantise { values, factor, pairs });
        padding.fill(0);
    }
}

/// Finds the largest absolute value.
struct Largest<'a> {
    values: &'a [f32],
}

impl Kernel for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        let (groups, rest) = self.values.as_chunks::<8>();
        let registers = groups.chunks_exact(S::GROUPS);
        let odd = registers.remainder().as_flattened();
        let mut largest = simd.splat_float(0.0);
        for groups in registers {
            largest = simd.max(largest, simd.abs(simd.load_floats(groups)));
        }
        let mut lanes = [[0.0; 8]; 2];
        simd.store_floats(largest, &mut lanes);
        let lanes = lanes.as_flattened().iter().copied();
        let rest = odd.iter().chain(rest).map(|value| value.abs());
        lanes.chain(rest).fold(0.0, f32::max)
    }
}

/// Multiplies values by `factor` and rounds them; the last pair may lack a value.
struct Quantise<'a> {
    values: &'a [f32],
    factor: f32,
    pairs: &'a mut [Pair],
}

impl Kernel for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { values, factor, pairs } = self;
        let (values, rest) = values.as_chunks::<8>();
        let (groups, rest_pairs) = pairs.split_at_mut(values.len() * 4);
        let (groups, _) = groups.as_chunks_mut::<4>();
        let factors = simd.splat_float(factor);
        let registers = values.chunks_exact(S::GROUPS);
        let odd = registers.remainder();
        let mut targets = groups.chunks_exact_mut(S::GROUPS);
        for (values, target) in registers.zip(&mut targets) {
            let scaled = simd.multiply(simd.load_floats(values), factors);
            simd.store_saturated(simd.round(scaled), target);
        }
        let odd_pairs = targets.into_remainder().as_flattened_mut();
        quantise_pairs(odd.as_flattened(), factor, odd_pairs);
        quantise_pairs(rest, factor, rest_pairs);
    }
}

/// Quantises values one by one; the last pair may lack one.
fn quantise_pairs(values: &[f32], factor: f32, pairs: &mut [Pair]) {
    for (values, pair) in values.chunks(2).zip(pairs) {
        let value = |index| values.get(index).map_or(0, |value| quantise(*value, factor) as i16);
        *pair = bytemuck::cast::<[i16; 2], Pair>([value(0), value(1)]);
    }
}

/// Applies ReLU6 to accumulators and returns hidden values. `scales` undo the factors of the weights and the inputs.
#[inline(always)]
pub(super) fn relu6<S: Simd>(simd: S, sums: S::Integers, scales: S::Floats) -> S::Integers {
    let values = simd.multiply(simd.to_floats(sums), scales);
    let values = simd.max(values, simd.splat_float(0.0));
    simd.round_hidden(simd.min(values, simd.splat_float(SIX.into())))
}
