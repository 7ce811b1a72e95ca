//! Predictions beside labels, and every metric of them.

use serde::Serialize;

use super::calibration::{ReliabilityBin, expected_calibration_error, reliability_bins};
use super::confusion::ConfusionCounts;
use super::ranking::{MIN_POSITIVES, Ranking, auroc, average_precision, mean_over_genres};
use super::{Metrics, cross_entropy};

/// Predictions about some posters, and their labels. The outer index is the poster, the inner one the genre.
#[derive(Clone, Copy)]
pub struct LabelledPredictions<'a> {
    /// Probabilities, 0..=1.
    pub probabilities: &'a [Vec<f32>],
    /// Whether each genre is predicted: its probability reaches its threshold.
    pub decisions: &'a [Vec<bool>],
    /// Whether each poster has each genre.
    pub labels: &'a [Vec<bool>],
}

/// The metrics of one genre.
#[derive(Debug, Clone, Serialize)]
pub struct GenreMetrics {
    /// The genre's name.
    pub genre: String,
    /// Posters that have it.
    pub positives: usize,
    /// Posters for which it is predicted.
    pub predicted: usize,
    /// Area under the precision-recall curve; 0 without positives.
    pub average_precision: f64,
    /// Area under the ROC curve; 0.5 without positives or without negatives.
    pub auroc: f64,
    /// Fraction of the predicted that have it.
    pub precision: f64,
    /// Fraction of the positives that are predicted.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Probability from which on it is predicted.
    pub threshold: f32,
}

impl LabelledPredictions<'_> {
    /// Returns the metrics over all genres.
    pub fn metrics(&self) -> Metrics {
        let genres = self.labels.first().map_or(0, Vec::len);
        let counts: Vec<ConfusionCounts> = (0..genres).map(|genre| self.counts(genre)).collect();
        let total = counts.iter().fold(ConfusionCounts::default(), |sum, genre| sum.plus(genre));
        let positives = total.positives() as f64;
        let weighted = counts.iter().map(|genre| genre.f1() * genre.positives() as f64);
        let mean = |metric| {
            let rankings = (0..genres).map(|genre| self.ranking(genre)).collect();
            mean_over_genres(rankings, metric)
        };
        Metrics {
            binary_cross_entropy: self.binary_cross_entropy(),
            argmax_accuracy: self.fraction(|poster| {
                let first = self.labels[poster].iter().position(|&label| label).unwrap_or(0);
                self.top(poster, 1).contains(&first)
            }),
            exact_match: self.fraction(|poster| self.decisions[poster] == self.labels[poster]),
            micro_f1: total.f1(),
            macro_f1: counts.iter().map(ConfusionCounts::f1).sum::<f64>() / genres as f64,
            weighted_f1: if positives > 0.0 { weighted.sum::<f64>() / positives } else { 0.0 },
            mean_average_precision: mean(average_precision),
            auroc: mean(auroc),
            top_1_hit: self.top_hit(1),
            top_3_hit: self.top_hit(3),
            calibration_error: expected_calibration_error(&self.reliability()),
        }
    }

    /// Returns the metrics of each genre, given the genres' names and thresholds.
    pub fn by_genre(&self, names: &[String], thresholds: &[f32]) -> Vec<GenreMetrics> {
        let genres = names.iter().zip(thresholds).enumerate();
        genres
            .map(|(index, (name, &threshold))| {
                let counts = self.counts(index);
                let ranking = self.ranking(index);
                GenreMetrics {
                    genre: name.clone(),
                    positives: counts.positives(),
                    predicted: counts.predicted(),
                    average_precision: average_precision(&ranking),
                    auroc: auroc(&ranking),
                    precision: counts.precision(),
                    recall: counts.recall(),
                    f1: counts.f1(),
                    threshold,
                }
            })
            .collect()
    }

    /// Returns the names of the genres that count in the mean average precision and the mean AUROC: those with at
    /// least [`MIN_POSITIVES`] positives.
    pub fn ranked_genres(&self, names: &[String]) -> Vec<String> {
        let enough = |index: &usize| self.counts(*index).positives() >= MIN_POSITIVES;
        (0..names.len()).filter(enough).map(|index| names[index].clone()).collect()
    }

    /// Returns the bins of the reliability diagram, all genres pooled. Empty bins are left out.
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        reliability_bins(self.pooled())
    }

    /// Returns each poster's probability of a genre and its label, the most probable poster first.
    pub fn ranking(&self, genre: usize) -> Ranking {
        let pairs = self.probabilities.iter().zip(self.labels);
        let mut ranking: Ranking =
            pairs.map(|(probabilities, labels)| (probabilities[genre], labels[genre])).collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranking
    }

    fn binary_cross_entropy(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (probability, label) in self.pooled() {
            sum += cross_entropy(probability.into(), label);
            count += 1;
        }
        sum / f64::from(count)
    }

    /// Iterates over the probabilities and labels of all posters and genres.
    fn pooled(&self) -> impl Iterator<Item = (f32, bool)> {
        let probabilities = self.probabilities.iter().flatten().copied();
        probabilities.zip(self.labels.iter().flatten().copied())
    }

    fn fraction(&self, holds: impl Fn(usize) -> bool) -> f64 {
        let posters = self.labels.len();
        (0..posters).filter(|&poster| holds(poster)).count() as f64 / posters as f64
    }

    /// Returns the fraction of posters with a true genre among the `k` most probable.
    fn top_hit(&self, k: usize) -> f64 {
        let is_true = |poster: usize, genre: &usize| self.labels[poster][*genre];
        self.fraction(|poster| self.top(poster, k).iter().any(|genre| is_true(poster, genre)))
    }

    /// Returns the `k` most probable genres of a poster. Of equal ones, the one listed first wins.
    fn top(&self, poster: usize, k: usize) -> Vec<usize> {
        let probabilities = &self.probabilities[poster];
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        order.truncate(k);
        order
    }

    fn counts(&self, genre: usize) -> ConfusionCounts {
        let mut counts = ConfusionCounts::default();
        for (decisions, labels) in self.decisions.iter().zip(self.labels) {
            counts.add(decisions[genre], labels[genre]);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_two_posters_equal_those_computed_by_hand() {
        let predictions = LabelledPredictions {
            probabilities: &[vec![0.8, 0.3, 0.1], vec![0.4, 0.7, 0.2]],
            decisions: &[vec![true, false, false], vec![false, true, false]],
            labels: &[vec![true, false, true], vec![true, true, false]],
        };
        let metrics = predictions.metrics();
        let loss =
            -(0.8f64.ln() + 0.7f64.ln() + 0.1f64.ln() + 0.4f64.ln() + 0.7f64.ln() + 0.8f64.ln());
        assert!((metrics.binary_cross_entropy - loss / 6.0).abs() < 1e-6);
        assert_eq!(metrics.argmax_accuracy, 0.5); // poster 2's first true genre is 0, its argmax 1
        assert_eq!(metrics.exact_match, 0.0);
        assert!((metrics.micro_f1 - 4.0 / 6.0).abs() < 1e-9); // 2 true positives, 2 false negatives
        assert!((metrics.macro_f1 - (2.0 / 3.0 + 1.0 + 0.0) / 3.0).abs() < 1e-9);
        assert!((metrics.weighted_f1 - (2.0 * 2.0 / 3.0 + 1.0 + 0.0) / 4.0).abs() < 1e-9);
        assert_eq!((metrics.top_1_hit, metrics.top_3_hit), (1.0, 1.0));
        // Six predictions in six bins: each is off by its distance to 0 or 1.
        let errors = 0.2 + 0.3 + 0.9 + 0.6 + 0.3 + 0.2;
        assert!((metrics.calibration_error - errors / 6.0).abs() < 1e-6);
    }
}
