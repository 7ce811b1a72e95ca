//! What turns a network's answers into probabilities that mean what they say, and into decisions. Fitted on
//! the validation posters alone.

use std::ops::RangeInclusive;

use crate::metrics::MIN_POSITIVES;

/// Temperatures that are tried.
const TEMPERATURES: RangeInclusive<f64> = 0.25..=4.0;

/// Thresholds that are tried, evenly on the logarithm's scale.
const THRESHOLDS: RangeInclusive<f64> = 0.02..=0.9;
const STEPS: usize = 120;

/// Neighbours on either side over which a threshold's quality is averaged: among few posters, a single
/// threshold's is mostly chance.
const NEIGHBOURS: usize = 6;

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

/// For each genre the threshold at which its F1 is highest; genres with too few positives share one, at which
/// their F1 together is highest.
pub(crate) fn fit_thresholds(probabilities: &[Vec<f32>], labels: &[Vec<bool>]) -> Vec<f32> {
    let genres = labels.first().map_or(0, Vec::len);
    let positives = |genre: usize| labels.iter().filter(|labels| labels[genre]).count();
    let (common, rare): (Vec<usize>, Vec<usize>) =
        (0..genres).partition(|&genre| positives(genre) >= 2 * MIN_POSITIVES);
    let mut thresholds = vec![0.5; genres];
    for genre in common {
        thresholds[genre] = best_threshold(probabilities, labels, &[genre]);
    }
    let shared = best_threshold(probabilities, labels, &rare);
    rare.into_iter().for_each(|genre| thresholds[genre] = shared);
    thresholds
}

fn best_threshold(probabilities: &[Vec<f32>], labels: &[Vec<bool>], genres: &[usize]) -> f32 {
    let (low, high) = (THRESHOLDS.start().ln(), THRESHOLDS.end().ln());
    let at = |step: usize| (low + (high - low) * step as f64 / STEPS as f64).exp() as f32;
    let f1: Vec<f64> = (0..=STEPS)
        .map(|step| {
            let threshold = at(step);
            let (mut hits, mut errors) = (0, 0);
            for (probabilities, labels) in probabilities.iter().zip(labels) {
                for &genre in genres {
                    match (probabilities[genre] >= threshold, labels[genre]) {
                        (true, true) => hits += 1,
                        (false, false) => {}
                        _ => errors += 1,
                    }
                }
            }
            f64::from(2 * hits) / f64::from((2 * hits + errors).max(1))
        })
        .collect();
    let smooth = |step: usize| {
        let near = &f1[step.saturating_sub(NEIGHBOURS)..(step + NEIGHBOURS + 1).min(f1.len())];
        near.iter().sum::<f64>() / near.len() as f64
    };
    let best = (0..=STEPS).max_by(|&a, &b| smooth(a).total_cmp(&smooth(b))).unwrap_or(STEPS);
    if f1[best] == 0.0 { 0.5 } else { at(best) }
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
    fn a_threshold_lies_between_what_is_and_what_is_not() {
        let labels: Vec<_> = (0..40).map(|index| vec![index < 20]).collect();
        let probabilities: Vec<_> = (0..40).map(|i| vec![if i < 20 { 0.6 } else { 0.1 }]).collect();
        let threshold = fit_thresholds(&probabilities, &labels)[0];
        assert!((0.1..=0.6).contains(&threshold) && threshold > 0.1, "{threshold}");
    }

    #[test]
    fn a_genre_that_never_comes_keeps_an_even_threshold() {
        assert_eq!(fit_thresholds(&vec![vec![0.2]; 9], &vec![vec![false]; 9]), [0.5]);
    }
}
