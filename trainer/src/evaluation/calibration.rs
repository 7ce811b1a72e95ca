//! What turns a network's answers into probabilities that mean what they say, and into decisions. Fitted on
//! the validation posters alone.

use std::ops::RangeInclusive;

use marquee::metrics::sigmoid;
use rayon::prelude::*;

/// Temperatures that are tried.
const TEMPERATURES: RangeInclusive<f64> = 0.25..=4.0;

/// Thresholds that are tried. A lower one would name a genre that is nine times out of ten not there.
const THRESHOLDS: RangeInclusive<f64> = 0.1..=0.9;
const STEPS: usize = 160;

/// Shifts that are tried, as logits.
const SHIFTS: RangeInclusive<f64> = -8.0..=8.0;

/// How far a genre's temperature is expected to lie from the common one: the standard deviation of its logarithm. A
/// genre with few positives stays near.
const SPREAD: f64 = 0.3;

/// Probabilities are the sigmoid of `(logit + shift) * scale / temperature`.
pub(crate) struct Calibration {
    /// Of all genres.
    pub(crate) temperature: f32,
    pub(crate) genres: Vec<Affine>,
}

/// What is done to a genre's logits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) shift: f32,
    pub(crate) scale: f32,
}

impl Calibration {
    /// The temperatures at which the cross-entropy of `logits` is lowest: a common one (Guo et al. 2017, "On
    /// Calibration of Modern Neural Networks", section 4.2), and for each genre one near it. Each genre's shift lets
    /// its mean probability be its frequency, 0..=1: among the posters to train on, as given, since those are many
    /// where the posters here hold a few of most genres; or among the posters here, as far as the network tells them
    /// apart, since these very posters then decide how many it names. An asymmetric loss, balanced sampling and
    /// enlarged posters leave a network with genres that it names too often, and some surer than others. Outer
    /// index the poster, inner the genre.
    pub(crate) fn fit(logits: &[Vec<f32>], labels: &[Vec<bool>], frequencies: &[f32]) -> Self {
        let genres: Vec<Answers> = frequencies
            .iter()
            .enumerate()
            .map(|(genre, &frequency)| {
                let logits = logits.iter().map(|row| f64::from(row[genre]));
                let labels = labels.iter().map(|row| row[genre]);
                Answers::new(logits.collect(), labels.collect(), frequency.into())
            })
            .collect();
        let temperature =
            lowest(|temperature| genres.par_iter().map(|genre| genre.loss(temperature)).sum());
        let affine = |genre: &Answers| {
            let own =
                lowest(|own| genre.loss(own) + ((own / temperature).ln() / SPREAD).powi(2) / 2.0);
            Affine { shift: genre.shift(own) as f32, scale: (temperature / own) as f32 }
        };
        Self { temperature: temperature as f32, genres: genres.par_iter().map(affine).collect() }
    }

    /// The probability of a genre by its index.
    pub(crate) fn probability(&self, genre: usize, logit: f32) -> f32 {
        let Affine { shift, scale } = self.genres[genre];
        sigmoid((logit + shift) * scale / self.temperature)
    }
}

/// The temperature at which `loss` is lowest. Losses have one minimum in its inverse, so thirds close in on it.
fn lowest(loss: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (1.0 / TEMPERATURES.end(), 1.0 / TEMPERATURES.start());
    for _ in 0..30 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if loss(1.0 / a) < loss(1.0 / b) { high = b } else { low = a }
    }
    2.0 / (low + high)
}

/// What a network answers to one genre.
struct Answers {
    logits: Vec<f64>,
    labels: Vec<bool>,
    /// What the mean probability shall be.
    frequency: f64,
}

impl Answers {
    /// With the genre's frequency among the posters to train on.
    fn new(logits: Vec<f64>, labels: Vec<bool>, frequency: f64) -> Self {
        let count = logits.len() as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
        let probabilities: Vec<f64> = logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        let truths: Vec<f64> = labels.iter().map(|&label| label.into()).collect();
        let (named, true_share) = (mean(&probabilities), mean(&truths));
        let pairs = probabilities.iter().zip(&truths);
        let covariance = pairs.map(|(p, y)| (p - named) * (y - true_share)).sum::<f64>() / count;
        let spread = |values: &[f64], mean: f64| {
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
        };
        let spreads = spread(&probabilities, named) * spread(&truths, true_share);
        // The share of the labels' variance that the network explains. It weighs two estimates of what the mean
        // shall be by the inverse of their errors: how these posters differ from others, and labels from answers.
        let explained = if spreads > 0.0 { covariance.powi(2) / spreads } else { 0.0 };
        let frequency = frequency + explained * (true_share - frequency);
        Self { logits, labels, frequency }
    }

    /// The cross-entropy at a temperature, with the shift that belongs to it, summed over the posters.
    fn loss(&self, temperature: f64) -> f64 {
        let shift = self.shift(temperature);
        let answers = self.logits.iter().zip(&self.labels);
        // log(1 + exp(x)) - y x, which does not overflow.
        answers
            .map(|(&logit, &label)| {
                let x = (logit + shift) / temperature;
                x.max(0.0) + (-x.abs()).exp().ln_1p() - if label { x } else { 0.0 }
            })
            .sum()
    }

    /// What is added to the logits so that their mean probability is the genre's frequency.
    fn shift(&self, temperature: f64) -> f64 {
        let mean = |shift: f64| -> f64 {
            let probability = |logit: &f64| 1.0 / (1.0 + (-(logit + shift) / temperature).exp());
            self.logits.iter().map(probability).sum::<f64>() / self.logits.len() as f64
        };
        // The mean grows with the shift.
        let (mut low, mut high) = (*SHIFTS.start(), *SHIFTS.end());
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            if mean(middle) < self.frequency { low = middle } else { high = middle }
        }
        (low + high) / 2.0
    }
}

/// For each genre the threshold at which its F1 is expected to be highest, if the probabilities mean what they
/// say (Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure"). That takes no label,
/// so it is not misled by the few positives that most genres have; it did as well here as thresholds fitted to
/// the labels, and better on other posters.
pub(crate) fn fit_thresholds(probabilities: &[Vec<f32>]) -> Vec<f32> {
    let genres = probabilities.first().map_or(0, Vec::len);
    (0..genres).map(|genre| best_threshold(probabilities.iter().map(|row| row[genre]))).collect()
}

fn best_threshold(probabilities: impl Iterator<Item = f32> + Clone) -> f32 {
    let (low, high) = (THRESHOLDS.start(), THRESHOLDS.end());
    let at = |step: usize| (low + (high - low) * step as f64 / STEPS as f64) as f32;
    let positives: f32 = probabilities.clone().sum();
    let expected_f1 = |step: usize| {
        let named = probabilities.clone().filter(|&probability| probability >= at(step));
        let (hits, count) = named.fold((0.0, 0.0), |(hits, count), p| (hits + p, count + 1.0));
        2.0 * hits / (count + positives)
    };
    // The lower one where two are alike.
    let best = (0..=STEPS).rev().max_by(|&a, &b| expected_f1(a).total_cmp(&expected_f1(b)));
    at(best.unwrap_or(STEPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of 2 and -1, each true as often as `temperature` of them says once 0.5 is taken away.
    fn genre(temperature: f32) -> impl Iterator<Item = (f32, bool)> {
        [2.0, -1.0].into_iter().flat_map(move |logit| {
            let probability = sigmoid((logit - 0.5) / temperature);
            (0..1000).map(move |index| (logit, (index as f32) < 1000.0 * probability))
        })
    }

    #[test]
    fn logits_that_are_too_large_and_shifted_are_put_right_genre_by_genre() {
        let rows = genre(2.0).zip(genre(1.0));
        let (logits, labels): (Vec<_>, Vec<_>) =
            rows.map(|((a, x), (b, y))| (vec![a, b], vec![x, y])).unzip();
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
    fn a_genre_that_nobody_was_trained_on_is_never_likely() {
        let fitted = Calibration::fit(&vec![vec![0.0]; 9], &vec![vec![false]; 9], &[0.0]);
        assert!(fitted.probability(0, 0.0) < 0.2, "{:?}", fitted.genres);
    }

    #[test]
    fn frequencies_count_where_posters_are_not_told_apart_and_labels_where_they_are() {
        let labels: Vec<_> = (0..40_usize).map(|index| vec![index.is_multiple_of(4)]).collect();
        let named = |sure: f32| {
            let logit = |index: usize| vec![if index.is_multiple_of(4) { sure } else { -sure }];
            let logits: Vec<_> = (0..40).map(logit).collect();
            let fitted = Calibration::fit(&logits, &labels, &[0.5]);
            logits.iter().map(|row| fitted.probability(0, row[0])).sum::<f32>() / 40.0
        };
        assert!((named(0.0) - 0.5).abs() < 0.01, "{}", named(0.0));
        assert!((named(4.0) - 0.25).abs() < 0.01, "{}", named(4.0));
    }

    #[test]
    fn a_threshold_lies_between_the_likely_and_the_unlikely() {
        let probabilities: Vec<_> =
            (0..40).map(|i| vec![if i < 20 { 0.8 } else { 0.15 }]).collect();
        let threshold = fit_thresholds(&probabilities)[0];
        assert!(threshold > 0.15 && threshold <= 0.8, "{threshold}");
    }

    #[test]
    fn a_genre_that_is_never_likely_keeps_the_lowest_threshold() {
        assert_eq!(fit_thresholds(&vec![vec![0.02]; 9]), [0.1]);
    }
}
