//! Rounds the weight of a 1x1 convolution to few different integers, so that its outputs change little on posters.
//!
//! All weights of an output are multiples of one step, however large they are: their file is compressed, and rare integers
//! cost more bits there than frequent ones. For a given number of bits, that rounds more finely than integers of equal
//! length (Gish and Pierce 1968, "Asymptotically Efficient Quantizing").
//!
//! GPTQ (Frantar et al. 2022, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers"): the
//! weights of one input channel after the other are rounded, and those of the remaining channels make up for the error
//! as well as the correlations between the channels allow. The mean change of each output is subtracted from its bias
//! (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction"). Rounding therefore
//! minimises only the variance of the change, which depends on the covariances of the inputs.

use rayon::prelude::*;

use super::QuantisedWeight;
use crate::error::{Error, Result};

/// Added to the diagonal of the covariances, as a fraction of its mean: channels that never vary would otherwise have no
/// inverse.
const DAMPING: f64 = 0.01;

/// Added to it too, as a fraction of the mean squared channel mean: covariances that were computed in single precision are
/// off by less.
const PRECISION: f64 = 1e-5;

/// Statistics of the input channels of a 1x1 convolution, over the places of many posters.
#[derive(Debug, Clone, PartialEq)]
pub struct InputStatistics {
    /// Mean of each channel.
    pub means: Vec<f64>,
    /// Covariances of two channels, `[channels, channels]`.
    pub covariances: Vec<f64>,
}

/// A 1x1 convolution after rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundedLayer {
    /// The rounded weight, `[outputs, inputs]`.
    pub weight: QuantisedWeight,
    /// What to add to each output's bias, so that the output is the same as before on average.
    pub bias_changes: Vec<f32>,
}

impl RoundedLayer {
    /// Rounds the weight of a 1x1 convolution, `[outputs, inputs]`, so that its outputs change little for inputs with these
    /// statistics. `step` is that of [`QuantisedWeight::scale_of_step`].
    ///
    /// # Errors
    /// [`Error::Compute`] if the covariances are not positive definite, because they hold NaN or infinite values.
    pub fn new(weight: &[f32], inputs: &InputStatistics, step: f32) -> Result<Self> {
        let InputStatistics { means, covariances } = inputs;
        let channels = means.len();
        let variance = |channel: usize| covariances[channel * channels + channel];
        // The channels that vary most are rounded first: all others are left to make up for them.
        let mut order: Vec<usize> = (0..channels).collect();
        order.sort_by(|&a, &b| variance(b).total_cmp(&variance(a)));
        let mean_variance = (0..channels).map(variance).sum::<f64>() / channels as f64;
        let mean_square = means.iter().map(|mean| mean * mean).sum::<f64>() / channels as f64;
        let damping = DAMPING * mean_variance.max(0.0) + PRECISION * mean_square;
        let mut sorted = Vec::with_capacity(covariances.len());
        for &row in &order {
            sorted.extend(order.iter().map(|&column| covariances[row * channels + column]));
        }
        for channel in 0..channels {
            sorted[channel * channels + channel] += damping.max(f64::MIN_POSITIVE);
        }
        let root = inverse_root(sorted, channels)?;

        let rounded: Vec<(f32, Vec<i8>)> = weight
            .par_chunks(channels)
            .map(|output| {
                let scale = QuantisedWeight::scale_of_step(output, step);
                (scale, round_output(output, scale, &order, &root))
            })
            .collect();
        let bias_changes =
            weight.chunks(channels).zip(&rounded).map(|(weights, (scale, integers))| {
                let lost = weights.iter().zip(integers).map(|(weight, integer)| {
                    f64::from(*weight) - f64::from(*scale) * f64::from(*integer)
                });
                lost.zip(means).map(|(lost, mean)| lost * mean).sum::<f64>() as f32
            });
        Ok(Self {
            bias_changes: bias_changes.collect(),
            weight: QuantisedWeight {
                scales: rounded.iter().map(|(scale, _)| *scale).collect(),
                integers: rounded.into_iter().flat_map(|(_, integers)| integers).collect(),
            },
        })
    }
}

/// Rounds the weights of one output to multiples of `scale`, in the `order` of their channels. `root` is the
/// [`inverse_root`] in that order.
fn round_output(weights: &[f32], scale: f32, order: &[usize], root: &[f64]) -> Vec<i8> {
    let step = f64::from(scale);
    let mut left: Vec<f64> = order.iter().map(|&channel| f64::from(weights[channel])).collect();
    let mut integers = vec![0; weights.len()];
    for (index, &channel) in order.iter().enumerate() {
        let row = &root[index * order.len()..][index..order.len()];
        let integer = (left[index] / step).round().clamp(-127.0, 127.0);
        integers[channel] = integer as i8;
        let error = (left[index] - integer * step) / row[0];
        left[index..].iter_mut().zip(row).for_each(|(left, factor)| *left -= error * factor);
    }
    integers
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
            let reason = "the covariances of a 1x1 convolution's inputs are not positive definite: they may hold NaN or \
                          infinite values"
                .into();
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

    /// Returns correlated inputs, `[places][CHANNELS]`, and their statistics.
    fn inputs(places: usize) -> (Vec<[f64; CHANNELS]>, InputStatistics) {
        let mut random = numbers();
        let inputs: Vec<[f64; CHANNELS]> = (0..places)
            .map(|_| {
                let common = random();
                std::array::from_fn(|channel| common + random() * channel as f64 / 24.0)
            })
            .collect();
        let mean = |value: &dyn Fn(&[f64; CHANNELS]) -> f64| {
            inputs.iter().map(value).sum::<f64>() / places as f64
        };
        let means: Vec<f64> = (0..CHANNELS).map(|channel| mean(&|input| input[channel])).collect();
        let covariance = |index: usize| {
            let (a, b) = (index / CHANNELS, index % CHANNELS);
            mean(&|input| (input[a] - means[a]) * (input[b] - means[b]))
        };
        let covariances = (0..CHANNELS * CHANNELS).map(covariance).collect();
        (inputs, InputStatistics { means, covariances })
    }

    /// Returns the changes of an output, one per place.
    fn changes(
        inputs: &[[f64; CHANNELS]],
        weight: &[f32],
        rounded: &RoundedLayer,
        output: usize,
    ) -> Vec<f64> {
        let RoundedLayer { weight: QuantisedWeight { integers, scales }, bias_changes } = rounded;
        let rows =
            weight[output * CHANNELS..][..CHANNELS].iter().zip(&integers[output * CHANNELS..]);
        let differences: Vec<f64> = rows
            .map(|(weight, integer)| f64::from(f32::from(*integer) * scales[output] - weight))
            .collect();
        let change = |input: &[f64; CHANNELS]| {
            let products =
                input.iter().zip(&differences).map(|(input, difference)| input * difference);
            products.sum::<f64>() + f64::from(bias_changes[output])
        };
        inputs.iter().map(change).collect()
    }

    #[test]
    fn outputs_change_less_than_by_rounding_to_the_nearest_integer_and_not_on_average() {
        let (inputs, statistics) = inputs(500);
        let mut random = numbers();
        let weight: Vec<f32> = (0..8 * CHANNELS).map(|_| random() as f32 * 2.0 - 1.0).collect();
        let rounded = RoundedLayer::new(&weight, &statistics, 0.2).unwrap();
        for (output, scale) in weight.chunks(CHANNELS).zip(&rounded.weight.scales) {
            assert_eq!(*scale, QuantisedWeight::scale_of_step(output, 0.2));
        }
        let nearest = weight.iter().enumerate().map(|(index, value)| {
            let scale = rounded.weight.scales[index / CHANNELS];
            (value / scale).round() as i8
        });
        let scales = rounded.weight.scales.clone();
        let nearest = RoundedLayer {
            weight: QuantisedWeight { integers: nearest.collect(), scales },
            bias_changes: vec![0.0; 8],
        };
        let squares = |layer: &RoundedLayer| -> f64 {
            let outputs = (0..8).flat_map(|output| changes(&inputs, &weight, layer, output));
            outputs.map(|change| change * change).sum()
        };
        let [ours, theirs] = [&rounded, &nearest].map(squares);
        assert!(ours < theirs / 2.0, "{ours} {theirs}");
        for output in 0..8 {
            let sum: f64 = changes(&inputs, &weight, &rounded, output).iter().sum();
            assert!(sum.abs() / 500.0 < 1e-6, "{sum}");
        }
    }

    #[test]
    fn the_root_squared_is_the_inverse() {
        let (_, InputStatistics { covariances, .. }) = inputs(500);
        let root = inverse_root(covariances.clone(), CHANNELS).unwrap();
        let at = |row: usize, column: usize| -> f64 {
            // Row of the matrix, times the column of Uᵀ U.
            let inverse = |other: usize| -> f64 {
                (0..CHANNELS)
                    .map(|k| root[k * CHANNELS + other] * root[k * CHANNELS + column])
                    .sum()
            };
            (0..CHANNELS).map(|other| covariances[row * CHANNELS + other] * inverse(other)).sum()
        };
        for row in 0..CHANNELS {
            for column in 0..CHANNELS {
                assert!((at(row, column) - f64::from(row == column)).abs() < 1e-6);
                assert!(row <= column || root[row * CHANNELS + column] == 0.0);
            }
        }
    }

    #[test]
    fn channels_that_never_vary_keep_their_weights() {
        let inputs = InputStatistics { means: vec![1.0; 2], covariances: vec![0.0; 4] };
        let RoundedLayer { weight, bias_changes } =
            RoundedLayer::new(&[1.0, -0.5], &inputs, 0.1).unwrap();
        // The root mean square is 0.79.
        assert_eq!(weight.integers, [13, -6]);
        assert!((bias_changes[0] - (0.5 - 7.0 * weight.scales[0])).abs() < 1e-6);
    }

    #[test]
    fn inputs_that_are_not_finite_are_an_error() {
        let inputs = InputStatistics { means: vec![0.0; 2], covariances: vec![f64::NAN; 4] };
        assert!(RoundedLayer::new(&[1.0, 2.0], &inputs, 0.1).is_err());
    }
}
