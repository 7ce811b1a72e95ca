//! Rounds the weight of a 1x1 convolution to integers of few bits, so that its outputs change little on posters.
//!
//! GPTQ (Frantar et al. 2022, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers"): the
//! weights of one input channel after the other are rounded, and those of the remaining channels make up for the error
//! as well as the correlations between the channels allow.

use half::f16;
use rayon::prelude::*;

use super::QuantisedWeight;
use crate::error::{Error, Result};

/// Added to the diagonal of the second moments, as a fraction of its mean: channels that are always 0 would otherwise
/// have no inverse.
const DAMPING: f64 = 0.01;

/// Factors of the scale that are tried besides 1. With a smaller scale, the largest weights are clipped, and the others
/// are rounded more finely.
const CLIPPED: [f32; 8] = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6];

/// Smallest scale: smaller half-precision numbers are not precise.
const MIN_SCALE: f32 = f16::MIN_POSITIVE.to_f32_const();

/// How the values of a 1x1 convolution's input channels occur together.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondMoments {
    /// Mean products of two channels over many places, `[channels, channels]`.
    pub values: Vec<f64>,
    /// Number of input channels.
    pub channels: usize,
}

impl QuantisedWeight {
    /// Rounds the weight of a 1x1 convolution, `[outputs, inputs]`, to integers of `bits` bits, 2 to 8, so that its outputs
    /// change little for inputs with these second moments.
    ///
    /// # Errors
    /// [`Error::Compute`] if the second moments hold NaN or infinite values.
    pub fn rounded(weight: &[f32], moments: &SecondMoments, bits: u32) -> Result<Self> {
        let SecondMoments { values, channels } = moments;
        let channels = *channels;
        let largest = ((1_i16 << (bits - 1)) - 1) as i8;
        let diagonal = |channel: usize| values[channel * channels + channel];
        // The channels that count most are rounded first: all others are left to make up for them.
        let mut order: Vec<usize> = (0..channels).collect();
        order.sort_by(|&a, &b| diagonal(b).total_cmp(&diagonal(a)));
        let damping = DAMPING * (0..channels).map(diagonal).sum::<f64>() / channels as f64;
        let mut sorted = Vec::with_capacity(values.len());
        for &row in &order {
            sorted.extend(order.iter().map(|&column| values[row * channels + column]));
        }
        for channel in 0..channels {
            sorted[channel * channels + channel] += damping.max(f64::MIN_POSITIVE);
        }
        let root = inverse_root(sorted, channels)?;

        let rounded: Vec<RoundedOutput> = weight
            .par_chunks(channels)
            .map(|output| {
                let scale = QuantisedWeight::scale(output, largest);
                let round = |scale| round_output(output, scale, largest, &order, &root);
                let smaller = CLIPPED.map(|factor| f16::from_f32(scale * factor).to_f32());
                let smaller = smaller.into_iter().filter(|scale| *scale >= MIN_SCALE).map(round);
                smaller.fold(
                    round(scale),
                    |best, other| if other.error < best.error { other } else { best },
                )
            })
            .collect();
        Ok(Self {
            scales: rounded.iter().map(|output| output.scale).collect(),
            integers: rounded.into_iter().flat_map(|output| output.integers).collect(),
        })
    }
}

/// The weights of one output after rounding.
struct RoundedOutput {
    scale: f32,
    integers: Vec<i8>,
    /// Mean square of the change of the output.
    error: f64,
}

/// Rounds the weights of one output in the `order` of their channels. `root` is the [`inverse_root`] in that order.
fn round_output(
    weights: &[f32],
    scale: f32,
    largest: i8,
    order: &[usize],
    root: &[f64],
) -> RoundedOutput {
    let (step, largest) = (f64::from(scale), f64::from(largest));
    let mut squares = 0.0;
    let mut left: Vec<f64> = order.iter().map(|&channel| f64::from(weights[channel])).collect();
    let mut integers = vec![0; weights.len()];
    for (index, &channel) in order.iter().enumerate() {
        let row = &root[index * order.len()..][index..order.len()];
        let integer = (left[index] / step).round().clamp(-largest, largest);
        integers[channel] = integer as i8;
        let error = (left[index] - integer * step) / row[0];
        squares += error * error;
        left[index..].iter_mut().zip(row).for_each(|(left, factor)| *left -= error * factor);
    }
    RoundedOutput { scale, integers, error: squares }
}

/// Returns the upper triangular matrix `U` for which `Uᵀ U` is the inverse of `matrix`, which is symmetric, row-major,
/// of `size` rows.
///
/// # Errors
/// The matrix is not positive definite.
fn inverse_root(mut matrix: Vec<f64>, size: usize) -> Result<Vec<f64>> {
    // `matrix = R Rᵀ` with an upper triangular `R`: the Cholesky decomposition from the last row on. Then `U` is the
    // inverse of `R`.
    for column in (0..size).rev() {
        let (above, below) = matrix.split_at_mut(column * size);
        let last = &mut below[..size];
        let square = last[column] - last[column + 1..].iter().map(|v| v * v).sum::<f64>();
        if square.is_nan() || square <= 0.0 {
            let reason = "the inputs of a 1x1 convolution hold NaN or infinite values".into();
            return Err(Error::Compute { reason });
        }
        last[column] = square.sqrt();
        for row in above.chunks_exact_mut(size) {
            let products = row[column + 1..].iter().zip(&last[column + 1..]);
            let sum: f64 = products.map(|(a, b)| a * b).sum();
            row[column] = (row[column] - sum) / last[column];
        }
    }
    let mut inverse = vec![0.0; size * size];
    for row in (0..size).rev() {
        let (above, below) = inverse.split_at_mut((row + 1) * size);
        let result = &mut above[row * size..];
        let factors = &matrix[row * size..][..size];
        result[row] = 1.0;
        for (factor, other) in factors[row + 1..].iter().zip(below.chunks_exact(size)) {
            result.iter_mut().zip(other).for_each(|(value, other)| *value -= factor * other);
        }
        result.iter_mut().for_each(|value| *value /= factors[row]);
    }
    Ok(inverse)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use super::*;

    const CHANNELS: usize = 24;

    /// Returns numbers that look random, 0..1.
    fn numbers() -> impl FnMut() -> f64 {
        let mut state = 1_u64;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64
        }
    }

    /// Returns correlated inputs, `[places][CHANNELS]`, and their second moments.
    fn inputs(places: usize) -> (Vec<[f64; CHANNELS]>, SecondMoments) {
        let mut random = numbers();
        let inputs: Vec<[f64; CHANNELS]> = (0..places)
            .map(|_| {
                let common = random();
                std::array::from_fn(|channel| common + random() * channel as f64 / 24.0)
            })
            .collect();
        let mut values = vec![0.0; CHANNELS * CHANNELS];
        for input in &inputs {
            for (value, index) in values.iter_mut().zip(0..) {
                *value += input[index / CHANNELS] * input[index % CHANNELS] / places as f64;
            }
        }
        (inputs, SecondMoments { values, channels: CHANNELS })
    }

    /// Returns the mean square of the change of the outputs.
    fn error(inputs: &[[f64; CHANNELS]], weight: &[f32], rounded: &QuantisedWeight) -> f64 {
        let mut sum = 0.0;
        for (output, row) in weight.chunks(CHANNELS).enumerate() {
            for input in inputs {
                let terms = input.iter().zip(row).zip(&rounded.integers[output * CHANNELS..]);
                let change: f64 = terms
                    .map(|((input, weight), integer)| {
                        let rounded = f32::from(*integer) * rounded.scales[output];
                        input * f64::from(rounded - weight)
                    })
                    .sum();
                sum += change * change;
            }
        }
        sum
    }

    #[test]
    fn outputs_change_less_than_by_rounding_to_the_nearest_integer() {
        let (inputs, moments) = inputs(500);
        let mut random = numbers();
        let weight: Vec<f32> = (0..8 * CHANNELS).map(|_| random() as f32 * 2.0 - 1.0).collect();
        let rounded = QuantisedWeight::rounded(&weight, &moments, 5).unwrap();
        assert!(rounded.integers.iter().all(|integer| (-15..=15).contains(integer)));
        let nearest = weight.iter().enumerate().map(|(index, value)| {
            (value / rounded.scales[index / CHANNELS]).round().clamp(-15.0, 15.0) as i8
        });
        let nearest =
            QuantisedWeight { integers: nearest.collect(), scales: rounded.scales.clone() };
        let [ours, theirs] = [&rounded, &nearest].map(|weight_| error(&inputs, &weight, weight_));
        assert!(ours < theirs / 2.0, "{ours} {theirs}");
    }

    #[test]
    fn the_root_squared_is_the_inverse() {
        let (_, moments) = inputs(500);
        let root = inverse_root(moments.values.clone(), CHANNELS).unwrap();
        let at = |row: usize, column: usize| -> f64 {
            // Row of the matrix, times the column of Uᵀ U.
            let inverse = |other: usize| -> f64 {
                (0..CHANNELS)
                    .map(|k| root[k * CHANNELS + other] * root[k * CHANNELS + column])
                    .sum()
            };
            (0..CHANNELS).map(|other| moments.values[row * CHANNELS + other] * inverse(other)).sum()
        };
        for row in 0..CHANNELS {
            for column in 0..CHANNELS {
                assert!((at(row, column) - f64::from(row == column)).abs() < 1e-6);
                assert!(row <= column || root[row * CHANNELS + column] == 0.0);
            }
        }
    }

    #[test]
    fn channels_that_are_always_zero_keep_their_weights() {
        let moments = SecondMoments { values: vec![0.0; 4], channels: 2 };
        let rounded = QuantisedWeight::rounded(&[1.0, -0.5], &moments, 6).unwrap();
        assert_eq!(rounded.integers, [31, -16]);
    }

    #[test]
    fn inputs_that_are_not_finite_are_an_error() {
        let moments = SecondMoments { values: vec![f64::NAN; 4], channels: 2 };
        assert!(QuantisedWeight::rounded(&[1.0, 2.0], &moments, 6).is_err());
    }
}
