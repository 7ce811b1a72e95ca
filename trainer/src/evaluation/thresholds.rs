//! Decision thresholds: the probability from which a genre counts as predicted.

use std::ops::RangeInclusive;

/// Search range of thresholds. A lower threshold would predict a genre that is absent nine times out of ten.
const THRESHOLDS: RangeInclusive<f64> = 0.1..=0.9;

/// Thresholds tried: one more than this, evenly spaced.
const STEPS: usize = 160;

/// Returns each genre's threshold with the highest expected F1, given calibrated `probabilities`
/// (`[posters][genres]`), after Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure".
///
/// The expected F1 needs no labels, so the few positives that most genres have cannot mislead it. On the validation
/// posters it did as well as thresholds fitted to the labels, and better on other posters.
pub(crate) fn fit(probabilities: &[Vec<f32>]) -> Vec<f32> {
    let genres = probabilities.first().map_or(0, Vec::len);
    (0..genres).map(|genre| best_threshold(probabilities.iter().map(|row| row[genre]))).collect()
}

/// Returns the threshold with the highest expected F1; of equal ones the lowest.
fn best_threshold(probabilities: impl Iterator<Item = f32> + Clone) -> f32 {
    let (low, high) = (THRESHOLDS.start(), THRESHOLDS.end());
    let threshold = |step: usize| (low + (high - low) * step as f64 / STEPS as f64) as f32;
    // A calibrated probability is the expected number of positives that a poster contributes.
    let positives: f32 = probabilities.clone().sum();
    let expected_f1 = |step: usize| {
        let predicted = probabilities.clone().filter(|&p| p >= threshold(step));
        let (hits, count) = predicted.fold((0.0, 0.0), |(hits, count), p| (hits + p, count + 1.0));
        2.0 * hits / (count + positives)
    };
    // `max_by` returns the last of equal elements, hence `rev`.
    let best = (0..=STEPS).rev().max_by(|&a, &b| expected_f1(a).total_cmp(&expected_f1(b)));
    threshold(best.unwrap_or(STEPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_probable_posters_from_improbable_ones() {
        let probabilities: Vec<_> =
            (0..40).map(|i| vec![if i < 20 { 0.8 } else { 0.15 }]).collect();
        let threshold = fit(&probabilities)[0];
        assert!(threshold > 0.15 && threshold <= 0.8, "{threshold}");
    }

    #[test]
    fn returns_the_lowest_threshold_for_a_genre_that_is_never_probable() {
        assert_eq!(fit(&vec![vec![0.02]; 9]), [0.1]);
    }
}
