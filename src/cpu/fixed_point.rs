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

use bytemuck::cast;
use wide::{f32x4, f32x8, i16x8, i32x4, i32x8};

/// Fraction bits of hidden values.
pub const HIDDEN_BITS: i32 = 12;

/// The largest hidden value, 6.
const SIX: i16 = 6 << HIDDEN_BITS;

/// Most fraction bits of stream values, used if all of them are small.
const STREAM_BITS: i32 = 12;

/// Added to a float in 0..2^16, this moves its rounded integer part into the lower 16 bits of the float's
/// representation: a conversion in one addition.
const TO_INTEGER: f32 = (1 << 23) as f32;

/// Two neighbouring 16-bit values that one instruction multiplies and adds: channels of a pixel in a 1x1
/// convolution, pixels of a channel in a depthwise one.
pub type Pair = i32;

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

/// Quantises stream values into `pairs` and returns their fraction bits. After each `row` values, 1 or more, it
/// writes `padding` pairs of zeros; before that, a zero that completes the last pair if `row` is odd.
pub fn quantise_stream(values: &[f32], [row, padding]: [usize; 2], pairs: &mut Vec<Pair>) -> i32 {
    let (eights, rest) = values.as_chunks::<8>();
    let largest = eights
        .iter()
        .fold(f32x8::ZERO, |largest, eight| largest.fast_max(f32x8::new(*eight).abs()));
    let rest = rest.iter().map(|value| value.abs());
    let largest = largest.to_array().into_iter().chain(rest).fold(0.0, f32::max);
    let bits = InputRange::STREAM.fraction_bits(largest);

    let factor = power_of_two(bits);
    let factors = f32x8::splat(factor);
    pairs.clear();
    pairs.reserve(values.len() / 2 + values.len() / row * (padding + 1));
    for row in values.chunks(row) {
        let (eights, rest) = row.as_chunks::<8>();
        for eight in eights {
            let rounded = (f32x8::new(*eight) * factors).fast_round_int();
            pairs.extend(cast::<_, [Pair; 4]>(i16x8::from_i32x8_saturate(rounded)));
        }
        pairs.extend(rest.chunks(2).map(|values| {
            let value =
                |index| values.get(index).map_or(0, |value| quantise(*value, factor) as i16);
            cast::<[i16; 2], Pair>([value(0), value(1)])
        }));
        pairs.resize(pairs.len() + padding, 0);
    }
    bits
}

/// Applies ReLU6 to accumulators and returns hidden values in the lower half of each lane; the upper half holds
/// bits of [`TO_INTEGER`]. `scales` undo the factors of the weights and the inputs.
#[inline(always)]
fn relu6(sums: i32x4, scales: f32x4) -> i32x4 {
    let values = f32x4::from_i32x4(sums) * scales;
    let values = values.fast_max(f32x4::ZERO).fast_min(f32x4::splat(SIX.into()));
    cast(values + f32x4::splat(TO_INTEGER))
}

/// Requantises eight accumulators to hidden values.
#[inline(always)]
pub fn requantise(sums: [i32x4; 2], scales: [f32x4; 2]) -> i16x8 {
    let upper = i32x4::splat(TO_INTEGER.to_bits() as i32);
    let [low, high] = [0, 1].map(|half| relu6(sums[half], scales[half]) - upper);
    i16x8::from_i32x8_saturate(cast::<_, i32x8>([low, high]))
}

/// Requantises four accumulators of a pixel and those of its right neighbour to pairs of hidden values, one
/// pair per channel.
#[inline(always)]
pub fn requantise_pairs(left: i32x4, right: i32x4, scales: f32x4) -> i32x4 {
    let [left, right] = [left, right].map(|sums| relu6(sums, scales));
    let lower = i32x4::splat(0xffff);
    if cfg!(target_endian = "little") {
        (left & lower) | (right << 16)
    } else {
        (left << 16) | (right & lower)
    }
}
