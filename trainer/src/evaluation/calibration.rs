//! Calibration: fits a shift and a scale for each genre's logits, on the validation posters only, so that
//! probabilities match observed frequencies.
//!
//! An asymmetric loss, balanced sampling and enlarged posters leave a model that predicts some genres too often, and
//! some with too much confidence. Shifts correct the first, temperatures the second.

use std::ops::RangeInclusive;

use marquee::metrics::{Label, sigmoid};
use rayon::prelude::*;

/// Search range of temperatures.
const TEMPERATURES: RangeInclusive<f64> = 0.25..=4.0;

/// Search range of shifts, in logits.
const SHIFTS: RangeInclusive<f64> = -8.0..=8.0;

/// Standard deviation of the prior on `ln(genre temperature / common temperature)`. It keeps the temperature of a
/// genre with few positives near the common one.
const SPREAD: f64 = 0.3;

/// Iterations of each one-dimensional search.
const ITERATIONS: usize = 30;

/// A fitted calibration: `probability = sigmoid((logit + shift) * scale / temperature)`.
pub(crate) struct Calibration {
    /// Common to all genres.
    pub(crate) temperature: f32,
    /// One per genre.
    pub(crate) genres: Vec<Affine>,
}

/// The shift and scale of one genre's logits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) shift: f32,
    pub(crate) scale: f32,
}

impl Calibration {
    /// Fits a calibration to `logits` and `labels` (`[posters][genres]`). Unknown labels are left out.
    ///
    /// The common temperature minimises the cross-entropy (Guo et al. 2017, "On Calibration of Modern Neural
    /// Networks", section 4.2). Each genre's own temperature does so too, under a prior that keeps it near the common
    /// one; `scale` is their ratio. Each shift sets the genre's mean probability to the target described at
    /// [`GenrePredictions::new`], for which `frequencies` holds each genre's frequency among the training posters,
    /// 0..=1.
    pub(crate) fn fit(logits: &[Vec<f32>], labels: &[Vec<Label>], frequencies: &[f32]) -> Self {
        let genres: Vec<GenrePredictions> = frequencies
            .iter()
            .enumerate()
            .map(|(genre, &frequency)| {
                let pairs = logits.iter().zip(labels);
                let known =
                    pairs.filter_map(|(row, labels)| Some((f64::from(row[genre]), labels[genre]?)));
                let (logits, labels) = known.unzip();
                GenrePredictions::new(logits, labels, frequency.into())
            })
            .collect();
        let temperature =
            best_temperature(|common| genres.par_iter().map(|genre| genre.loss(common)).sum());
        let affine = |genre: &GenrePredictions| {
            let own = best_temperature(|own| {
                genre.loss(own) + ((own / temperature).ln() / SPREAD).powi(2) / 2.0
            });
            Affine { shift: genre.shift(own) as f32, scale: (temperature / own) as f32 }
        };
        Self { temperature: temperature as f32, genres: genres.par_iter().map(affine).collect() }
    }

    /// Returns the calibrated probability of the genre with this index.
    pub(crate) fn probability(&self, genre: usize, logit: f32) -> f32 {
        let Affine { shift, scale } = self.genres[genre];
        sigmoid((logit + shift) * scale / self.temperature)
    }

    /// Returns the calibrated probabilities of one poster's logits.
    pub(crate) fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        let logits = logits.iter().enumerate();
        logits.map(|(genre, &logit)| self.probability(genre, logit)).collect()
    }
}

/// Returns the temperature that minimises `loss`, by ternary search over its inverse, in which losses have one
/// minimum.
fn best_temperature(loss: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (1.0 / TEMPERATURES.end(), 1.0 / TEMPERATURES.start());
    for _ in 0..ITERATIONS {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if loss(1.0 / a) < loss(1.0 / b) { high = b } else { low = a }
    }
    2.0 / (low + high)
}

/// The logits and labels of one genre.
struct GenrePredictions {
    logits: Vec<f64>,
    labels: Vec<bool>,
    /// The mean probability that calibration aims for.
    target_mean: f64,
}

impl GenrePredictions {
    /// Computes the target of the genre's mean probability from two estimates: `frequency`, its frequency among the
    /// training posters, and its frequency among these posters.
    ///
    /// The training posters are many, but these posters may differ from them. The better the model separates these
    /// posters, the better it can tell how they differ. So the second estimate has as weight the share of the labels'
    /// variance that the probabilities explain (the squared correlation).
    fn new(logits: Vec<f64>, labels: Vec<bool>, frequency: f64) -> Self {
        let probabilities: Vec<f64> = logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        let truths: Vec<f64> = labels.iter().map(|&label| label.into()).collect();
        let explained = squared_correlation(&probabilities, &truths);
        // Without labels, the mean is not a number.
        let difference = if truths.is_empty() { 0.0 } else { mean(&truths) - frequency };
        let target_mean = frequency + explained * difference;
        Self { logits, labels, target_mean }
    }

    /// Returns the cross-entropy at `temperature` with the shift that belongs to it, summed over the posters.
    fn loss(&self, temperature: f64) -> f64 {
        let shift = self.shift(temperature);
        let predictions = self.logits.iter().zip(&self.labels);
        predictions
            .map(|(&logit, &label)| {
                let x = (logit + shift) / temperature;
                // ln(1 + exp(x)) - label * x, in a form that does not overflow.
                x.max(0.0) + (-x.abs()).exp().ln_1p() - if label { x } else { 0.0 }
            })
            .sum()
    }

    /// Returns the shift at which the mean probability equals the target, by bisection: the mean grows with the
    /// shift.
    fn shift(&self, temperature: f64) -> f64 {
        if self.logits.is_empty() {
            return 0.0; // no label is known
        }
        let mean_probability = |shift: f64| -> f64 {
            let probability = |logit: &f64| 1.0 / (1.0 + (-(logit + shift) / temperature).exp());
            self.logits.iter().map(probability).sum::<f64>() / self.logits.len() as f64
        };
        let (mut low, mut high) = (*SHIFTS.start(), *SHIFTS.end());
        for _ in 0..ITERATIONS {
            let middle = (low + high) / 2.0;
            if mean_probability(middle) < self.target_mean { low = middle } else { high = middle }
        }
        (low + high) / 2.0
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the squared Pearson correlation, 0..=1; 0 if one of the two is constant.
fn squared_correlation(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let variance = |values: &[f64], mean: f64| {
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
    };
    let products = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b));
    let covariance = products.sum::<f64>() / a.len() as f64;
    let variances = variance(a, mean_a) * variance(b, mean_b);
    if variances > 0.0 { covariance.powi(2) / variances } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns logits of 2 and -1 with labels that are true as often as `sigmoid((logit - 0.5) / temperature)`.
    fn labelled_logits(temperature: f32) -> impl Iterator<Item = (f32, bool)> {
        [2.0, -1.0].into_iter().flat_map(move |logit| {
            let probability = sigmoid((logit - 0.5) / temperature);
            (0..1000).map(move |index| (logit, (index as f32) < 1000.0 * probability))
        })
    }

    #[test]
    fn fits_the_shift_and_the_temperature_of_each_genre() {
        let rows = labelled_logits(2.0).zip(labelled_logits(1.0));
        let (logits, labels): (Vec<_>, Vec<_>) =
            rows.map(|((a, x), (b, y))| (vec![a, b], vec![Some(x), Some(y)])).unzip();
        let fitted = Calibration::fit(&logits, &labels, &[0.5, 0.5]);
        for (genre, temperature) in [(0, 2.0), (1, 1.0)] {
            let Affine { shift, scale } = fitted.genres[genre];
            assert!((shift + 0.5).abs() < 0.05, "{shift}");
            assert!((fitted.temperature / scale - temperature).abs() < 0.1, "{scale}");
            let probability = fitted.probability(genre, 2.0);
            assert!((probability - sigmoid(1.5 / temperature)).abs() < 0.02, "{probability}");
        }
    }

    #[test]
    fn keeps_a_genre_without_training_posters_improbable() {
        let fitted = Calibration::fit(&vec![vec![0.0]; 9], &vec![vec![Some(false)]; 9], &[0.0]);
        assert!(fitted.probability(0, 0.0) < 0.2, "{:?}", fitted.genres);
    }

    #[test]
    fn aims_for_the_training_frequency_or_the_label_frequency_by_how_well_posters_are_separated() {
        let labels: Vec<_> =
            (0..40_usize).map(|index| vec![Some(index.is_multiple_of(4))]).collect();
        let mean_probability = |confidence: f32| {
            let logit =
                |index: usize| vec![if index.is_multiple_of(4) { confidence } else { -confidence }];
            let logits: Vec<_> = (0..40).map(logit).collect();
            let fitted = Calibration::fit(&logits, &labels, &[0.5]);
            logits.iter().map(|row| fitted.probability(0, row[0])).sum::<f32>() / 40.0
        };
        assert!((mean_probability(0.0) - 0.5).abs() < 0.01, "{}", mean_probability(0.0));
        assert!((mean_probability(4.0) - 0.25).abs() < 0.01, "{}", mean_probability(4.0));
    }
}
