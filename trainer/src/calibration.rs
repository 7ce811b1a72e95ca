//! What turns a network's answers into probabilities that mean what they say, and into decisions. Fitted on
//! the validation posters alone.

use std::ops::RangeInclusive;

/// Temperatures that are tried.
const TEMPERATURES: RangeInclusive<f64> = 0.25..=4.0;

/// Thresholds that are tried. A lower one would name a genre that is nine times out of ten not there.
const THRESHOLDS: RangeInclusive<f64> = 0.1..=0.9;
const STEPS: usize = 160;

/// The temperature at which the cross-entropy of `logits / temperature` is lowest (Guo et al. 2017, "On
/// Calibration of Modern Neural Networks", section 4.2). Outer index the poster, inner the genre.
pub(crate) fn fit_temperature(logits: &[Vec<f32>], labels: &[Vec<bool>]) -> f32 {
    let loss = |temperature: f64| -> f64 {
        let pairs = logits.iter().flatten().zip(labels.iter().flatten());
        // log(1 + exp(x)) - y x, which does not overflow.
        pairs
            .map(|(&logit, &label)| {
                let x = f64::from(logit) / temperature;
                x.max(0.0) + (-x.abs()).exp().ln_1p() - if label { x } else { 0.0 }
            })
            .sum()
    };
    // The loss is convex in the temperature's inverse, so thirds close in on its one minimum.
    let (mut low, mut high) = (1.0 / TEMPERATURES.end(), 1.0 / TEMPERATURES.start());
    for _ in 0..60 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if loss(1.0 / a) < loss(1.0 / b) { high = b } else { low = a }
    }
    (2.0 / (low + high)) as f32
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

    #[test]
    fn logits_that_are_twice_too_large_are_halved() {
        // One logit of each sign, true as often as half of it says: s(1) = 0.731.
        let row = |label: bool| vec![label];
        let labels: Vec<_> = (0..1000).map(|index| row(index < 731)).collect();
        let temperature = fit_temperature(&vec![vec![2.0]; 1000], &labels);
        assert!((temperature - 2.0).abs() < 0.01, "{temperature}");
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
