//! Which integers stand for which numbers. A number is kept as itself times a factor, rounded.
//!
//! - *Hidden* values, which ReLU6 made, lie within 0..=6; their factor is always the same power of two.
//! - *Stream* values, which go from block to block, are floats; they are rounded for the layer that takes them,
//!   with the largest power of two that a poster's largest value allows.
//! - The weights of each output have a factor of their own, as large as the sums that they could make allow.
//!
//! The exponent of a power of two is called the *bits* of such numbers, since that many stand behind the binary
//! point.

use bytemuck::cast;
use wide::{f32x4, f32x8, i16x8, i32x4, i32x8};

/// Bits of what ReLU6 gives.
pub const HIDDEN_BITS: i32 = 12;

/// The largest hidden value.
const SIX: i16 = 6 << HIDDEN_BITS;

/// Bits of a stream whose values are small.
const STREAM_BITS: i32 = 12;

/// Added to a float within 0..2^16, this leaves its integer part, rounded, in the lower half of its 32 bits.
const TO_INTEGER: f32 = (1 << 23) as f32;

/// Two neighbours in the order in which they are multiplied: channels of a pixel, or pixels of a channel.
pub type Pair = i32;

/// What a layer's inputs can be.
#[derive(Debug, Clone, Copy)]
pub struct Inputs {
    /// The largest integer that stands for one, or its negative.
    max: i16,
    /// The most bits that they have.
    bits: i32,
}

impl Inputs {
    pub const HIDDEN: Self = Self { max: SIX, bits: HIDDEN_BITS };
    pub const STREAM: Self = Self { max: i16::MAX, bits: STREAM_BITS };

    /// The factor of an output's weights with which no sum of its products, and of its bias where that is summed
    /// with them, leaves 32 bits. It is a multiple of what makes the largest weight 127: weights that have 8
    /// bits stay what they are.
    pub fn factor(self, weights: &[f32], bias: f32) -> f32 {
        // `f32::max` is a call in wasm, for what it does with numbers that are none.
        let larger = |largest: f32, weight: &f32| {
            if weight.abs() > largest { weight.abs() } else { largest }
        };
        let largest = weights.iter().fold(f32::MIN_POSITIVE, larger);
        let sum: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
        let sum = sum * f64::from(self.max) + f64::from(bias.abs()) * f64::from(self.bits).exp2();
        // Rounding may add half a unit for each weight.
        let room = f64::from(i32::MAX) - f64::from(self.max) * weights.len() as f64;
        let unit = 127.0 / f64::from(largest);
        let times = (room / (sum * unit)).min(f64::from(i16::MAX) / 127.0);
        (unit * if times < 1.0 { times } else { times.floor() }) as f32
    }

    /// The most bits with which no value is past [`Self::max`], where `largest` is the largest.
    pub fn bits(self, largest: f32) -> i32 {
        let room = (f32::from(self.max) / largest.max(f32::MIN_POSITIVE)).log2().floor();
        (room as i32).min(self.bits)
    }
}

/// `value` times `factor` as an integer.
pub fn round(value: f32, factor: f32) -> i32 {
    (value * factor).round_ties_even() as i32
}

/// 2 to the power of `exponent`.
pub fn power(exponent: i32) -> f32 {
    (exponent as f32).exp2()
}

/// Rounds a stream's values, two a pair; gives their bits. Behind each `row` of values come `padding` pairs of
/// zeros. Rows are multiples of 8 long.
pub fn round_stream(values: &[f32], [row, padding]: [usize; 2], pairs: &mut Vec<Pair>) -> i32 {
    let (eights, _) = values.as_chunks::<8>();
    let largest = eights
        .iter()
        .fold(f32x8::ZERO, |largest, eight| largest.fast_max(f32x8::new(*eight).abs()));
    let largest = largest.to_array().into_iter().fold(0.0, f32::max);
    let bits = Inputs::STREAM.bits(largest);

    let factor = f32x8::splat(power(bits));
    pairs.clear();
    pairs.reserve(values.len() / 2 + values.len() / row * padding);
    for row in eights.chunks(row / 8) {
        for eight in row {
            let rounded = (f32x8::new(*eight) * factor).fast_round_int();
            pairs.extend(cast::<_, [Pair; 4]>(i16x8::from_i32x8_saturate(rounded)));
        }
        pairs.resize(pairs.len() + padding, 0);
    }
    bits
}

/// Sums as hidden values, in the lower half of each lane; what the upper half holds is [`TO_INTEGER`]'s.
/// `scales` undo the factors of the weights and the inputs.
#[inline(always)]
fn relu6(sums: i32x4, scales: f32x4) -> i32x4 {
    let values = f32x4::from_i32x4(sums) * scales;
    let values = values.fast_max(f32x4::ZERO).fast_min(f32x4::splat(SIX.into()));
    cast(values + f32x4::splat(TO_INTEGER))
}

/// Eight sums as hidden values.
#[inline(always)]
pub fn hidden(sums: [i32x4; 2], scales: [f32x4; 2]) -> i16x8 {
    let upper = i32x4::splat(TO_INTEGER.to_bits() as i32);
    let [low, high] = [0, 1].map(|half| relu6(sums[half], scales[half]) - upper);
    i16x8::from_i32x8_saturate(cast::<_, i32x8>([low, high]))
}

/// Four sums of a pixel and those of its right neighbour as pairs of hidden values, channel by channel.
#[inline(always)]
pub fn hidden_pairs(left: i32x4, right: i32x4, scales: f32x4) -> i32x4 {
    let [left, right] = [left, right].map(|sums| relu6(sums, scales));
    let lower = i32x4::splat(0xffff);
    if cfg!(target_endian = "little") {
        (left & lower) | (right << 16)
    } else {
        (left << 16) | (right & lower)
    }
}
