//! Fixed-point numbers: a real number is stored as the integer nearest to `value * factor + zero`.
//!
//! - *Hidden* values lie within a block, after a ReLU6. They range over 0..=6, so their factor depends on their format
//!   alone, not on the poster. Their zero is 0.
//! - *Stream* values pass from block to block as floats. Each layer quantises its input so that this poster's values
//!   just fit.
//! - *Weights* have one factor per output channel.
//!
//! The inputs of a 1x1 convolution are *narrow*, of 7 bits, if its weights have 8 bits, and wide, of 16 bits, otherwise:
//! narrow ones are twice as many per instruction. The inputs of a depthwise convolution are always wide.
//!
//! | | narrow inputs | wide inputs |
//! |---|---|---|
//! | hidden values | factor 127 / 6 | factor 2^12 |
//! | stream values | the smallest becomes 0, the largest 127 | zero 0, the largest power of two that fits as factor |
//! | weights | the stored integers | as large as the 32-bit accumulator allows |
//!
//! For a factor of 2^n, the code calls n the number of (fraction) *bits*. A *scale* is what an accumulator is multiplied
//! with, to become a real number or a hidden value.

use super::simd::{Kernel, Level, Simd, Unit};

/// Fraction bits of wide hidden values.
pub const HIDDEN_BITS: i32 = 12;

/// The largest wide hidden value, 6.
pub(super) const SIX: i16 = 6 << HIDDEN_BITS;

/// Most fraction bits of stream values, used if all of them are small.
const STREAM_BITS: i32 = 12;

/// The largest narrow value: instructions multiply 7 bits with 8 without overflow.
const NARROW_MAX: f32 = 127.0;

/// Largest factor of narrow stream values, used if all of them are small.
const MAX_NARROW_FACTOR: f32 = 1024.0;

/// How the inputs of a 1x1 convolution are stored. All formats have the same results for narrow values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pairs of wide values.
    Pairs,
    /// Pairs of narrow values, where instructions multiply no bytes.
    NarrowPairs,
    /// Four narrow values in a unit.
    Quads,
}

impl Format {
    /// Returns whether the values are narrow.
    pub fn is_narrow(self) -> bool {
        self != Self::Pairs
    }

    /// Returns the number of values in a [`Unit`].
    pub fn values(self) -> usize {
        if self == Self::Quads { 4 } else { 2 }
    }

    /// Returns how hidden values are quantised.
    pub fn hidden(self) -> Quantisation {
        let factor = if self.is_narrow() { NARROW_MAX / 6.0 } else { power_of_two(HIDDEN_BITS) };
        Quantisation { factor, zero: 0 }
    }

    /// Returns how `values`, those of the stream before a layer, are quantised.
    pub fn stream(self, level: Level, values: &[f32]) -> Quantisation {
        let [lowest, highest] = level.run(Extremes { values });
        if self.is_narrow() {
            let factor = (NARROW_MAX / (highest - lowest)).min(MAX_NARROW_FACTOR);
            Quantisation { factor, zero: quantise(-lowest, factor) }
        } else {
            let bits = InputRange::STREAM.fraction_bits(highest.max(-lowest));
            Quantisation { factor: power_of_two(bits), zero: 0 }
        }
    }

    /// Returns up to [`Self::values`] integers in a unit; missing ones are 0.
    pub(super) fn unit(self, integers: &[i32]) -> Unit {
        let at = |index| integers.get(index).copied().unwrap_or(0);
        match self {
            Self::Quads => bytemuck::cast([0, 1, 2, 3].map(|index| at(index) as i8)),
            _ => bytemuck::cast([0, 1].map(|index| at(index) as i16)),
        }
    }
}

/// How real numbers become integers, the nearest to `value * factor + zero`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantisation {
    /// Above 0.
    pub factor: f32,
    /// The integer of the number 0.
    pub zero: i32,
}

impl Quantisation {
    /// Returns the quantisation with a factor of 2^`bits`.
    pub fn with_bits(bits: i32) -> Self {
        Self { factor: power_of_two(bits), zero: 0 }
    }
}

/// Returns whether no accumulator of a layer with narrow inputs can overflow. `scales` are the scales of its 8-bit
/// weights, one per output; each accumulator starts from the output's bias.
pub fn fits_narrow(scales: &[f32], bias: &[f32]) -> bool {
    // Products and the zero's share need much less than the other half of 32 bits.
    let limit = (1 << 30) as f32;
    let mut layer = scales.iter().zip(bias);
    layer.all(|(scale, bias)| (bias / scale).abs() * MAX_NARROW_FACTOR < limit)
}

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

/// Quantises stream values into `units`. After each `row` values, 1 or more, it writes `padding` units of zeros; before
/// that, zeros that complete the last unit.
pub fn quantise_stream(
    level: Level,
    values: &[f32],
    format: Format,
    quantisation: Quantisation,
    [row, padding]: [usize; 2],
    units: &mut Vec<Unit>,
) {
    let in_units = |values: usize| values.div_ceil(format.values());
    let stride = in_units(row) + padding;
    units.resize(values.len().div_ceil(row) * stride, 0);
    for (values, units) in values.chunks(row).zip(units.chunks_exact_mut(stride)) {
        let (units, padding) = units.split_at_mut(in_units(values.len()));
        level.run(Quantise { values, format, quantisation, units });
        padding.fill(0);
    }
}

/// Finds the lowest and the highest of some values and 0.
struct Extremes<'a> {
    values: &'a [f32],
}

impl Kernel for Extremes<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f32; 2] {
        let (groups, rest) = self.values.as_chunks::<8>();
        let registers = groups.chunks_exact(S::GROUPS);
        let left_over = registers.remainder().as_flattened();
        let mut extremes = [simd.splat_float(0.0); 2];
        for groups in registers {
            let values = simd.load_floats(groups);
            extremes = [simd.min(extremes[0], values), simd.max(extremes[1], values)];
        }
        let rest = || left_over.iter().chain(rest).copied();
        let mut lanes = [[0.0; 8]; 2];
        simd.store_floats(extremes[0], &mut lanes);
        let lowest = lanes.as_flattened().iter().copied().chain(rest()).fold(0.0, f32::min);
        simd.store_floats(extremes[1], &mut lanes);
        let highest = lanes.as_flattened().iter().copied().chain(rest()).fold(0.0, f32::max);
        [lowest, highest]
    }
}

/// Quantises values; the last unit may lack some.
struct Quantise<'a> {
    values: &'a [f32],
    format: Format,
    quantisation: Quantisation,
    units: &'a mut [Unit],
}

impl Kernel for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { values, format, quantisation: Quantisation { factor, zero }, units } = self;
        let (values, rest) = values.as_chunks::<8>();
        let (groups, rest_units) = units.split_at_mut(values.len() * 8 / format.values());
        let (factors, zeros) = (simd.splat_float(factor), simd.splat_float(zero as f32));
        let registers = values.chunks_exact(S::GROUPS);
        let left_over = registers.remainder();
        let scaled = registers.map(|values| simd.multiply(simd.load_floats(values), factors));
        let narrow = |scaled| {
            let values = simd.max(simd.add(scaled, zeros), simd.splat_float(0.0));
            simd.round_hidden(simd.min(values, simd.splat_float(NARROW_MAX)))
        };
        let left_over_units = if format == Format::Quads {
            let mut targets = groups.as_chunks_mut::<2>().0.chunks_exact_mut(S::GROUPS);
            for (scaled, target) in scaled.zip(&mut targets) {
                simd.store_bytes(narrow(scaled), target);
            }
            targets.into_remainder().as_flattened_mut()
        } else {
            let mut targets = groups.as_chunks_mut::<4>().0.chunks_exact_mut(S::GROUPS);
            for (scaled, target) in scaled.zip(&mut targets) {
                let integers = if format.is_narrow() { narrow(scaled) } else { simd.round(scaled) };
                simd.store_saturated(integers, target);
            }
            targets.into_remainder().as_flattened_mut()
        };
        let quantised = |value: &f32| match format {
            Format::Pairs => i32::from(quantise(*value, factor) as i16),
            _ => (value * factor + zero as f32).clamp(0.0, NARROW_MAX).round_ties_even() as i32,
        };
        for (values, units) in [(left_over.as_flattened(), left_over_units), (rest, rest_units)] {
            for (values, unit) in values.chunks(format.values()).zip(units) {
                let mut integers = [0; 4];
                let targets = integers.iter_mut().zip(values);
                targets.for_each(|(integer, value)| *integer = quantised(value));
                *unit = format.unit(&integers);
            }
        }
    }
}

/// Applies ReLU6 to accumulators and returns hidden values. `scales` undo the factors of the weights and the inputs, and
/// `six` is the hidden value of 6.
#[inline(always)]
pub(super) fn relu6<S: Simd>(
    simd: S,
    sums: S::Integers,
    scales: S::Floats,
    six: f32,
) -> S::Integers {
    let values = simd.multiply(simd.to_floats(sums), scales);
    let values = simd.max(values, simd.splat_float(0.0));
    simd.round_hidden(simd.min(values, simd.splat_float(six)))
}
