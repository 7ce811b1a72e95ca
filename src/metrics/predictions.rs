//! Predictions beside labels, and every metric of them.

use serde::Serialize;

use super::calibration::{PROBABLE, ReliabilityBin, expected_calibration_error, reliability_bins};
use super::confusion::ConfusionCounts;
use super::ranking::{MIN_POSITIVES, Ranking, auroc, average_precision, mean_over_genres};
use super::{Label, Metrics, cross_entropy};

/// Predictions about some posters, and their labels. The outer index is the poster, the inner one the genre.
#[derive(Clone, Copy)]
pub struct LabelledPredictions<'a> {
    /// Probabilities, 0..=1.
    pub probabilities: &'a [Vec<f32>],
    /// Whether each genre is predicted: its probability reaches its threshold.
    pub decisions: &'a [Vec<bool>],
    /// Whether each poster has each genre. Unknown labels count in no metric.
    pub labels: &'a [Vec<Label>],
}

/// The metrics of one genre.
#[derive(Debug, Clone, Serialize)]
pub struct GenreMetrics {
    /// The genre's name.
    pub genre: String,
    /// Posters whose label is known; all counts below are among them.
    pub labels: usize,
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
    /// Expected calibration error of its probabilities; NaN without labels.
    pub calibration_error: f64,
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
        let rankings: Vec<Ranking> = (0..genres).map(|genre| self.ranking(genre)).collect();
        let mean = |least, metric| mean_over_genres(rankings.clone(), least, metric);
        let macro_f1 = |least: usize| {
            let counted = counts.iter().filter(|genre| genre.positives() >= least);
            let f1: Vec<f64> = counted.map(ConfusionCounts::f1).collect();
            f1.iter().sum::<f64>() / f1.len() as f64
        };
        Metrics {
            binary_cross_entropy: self.binary_cross_entropy(),
            argmax_accuracy: self.fraction(|poster| {
                let mut labels = self.labels[poster].iter();
                let first = labels.position(|&label| label == Some(true)).unwrap_or(0);
                self.top(poster, 1).contains(&first)
            }),
            exact_match: self.fraction(|poster| {
                let mut pairs = self.decisions[poster].iter().zip(&self.labels[poster]);
                pairs.all(|(decision, label)| label.is_none_or(|label| label == *decision))
            }),
            micro_f1: total.f1(),
            macro_f1: macro_f1(0),
            macro_f1_ranked: macro_f1(MIN_POSITIVES),
            weighted_f1: if positives > 0.0 { weighted.sum::<f64>() / positives } else { 0.0 },
            mean_average_precision: mean(MIN_POSITIVES, average_precision),
            mean_average_precision_all: mean(1, average_precision),
            auroc: mean(MIN_POSITIVES, auroc),
            auroc_all: mean(1, auroc),
            top_1_hit: self.top_hit(1),
            top_3_hit: self.top_hit(3),
            calibration_error: expected_calibration_error(&self.reliability()),
            calibration_error_above: expected_calibration_error(&reliability_bins(
                self.pooled().filter(|(probability, _)| *probability >= PROBABLE),
            )),
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
                    labels: ranking.len(),
                    positives: counts.positives(),
                    predicted: counts.predicted(),
                    average_precision: average_precision(&ranking),
                    auroc: auroc(&ranking),
                    precision: counts.precision(),
                    recall: counts.recall(),
                    f1: counts.f1(),
                    calibration_error: expected_calibration_error(&reliability_bins(
                        ranking.iter().copied(),
                    )),
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

    /// Returns the probability and the label of a genre for each poster whose label is known, the most probable
    /// poster first.
    pub fn ranking(&self, genre: usize) -> Ranking {
        let pairs = self.probabilities.iter().zip(self.labels);
        let known = pairs.filter_map(|(row, labels)| Some((row[genre], labels[genre]?)));
        let mut ranking: Ranking = known.collect();
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

    /// Iterates over the probabilities and labels of all posters and genres, except for unknown labels.
    fn pooled(&self) -> impl Iterator<Item = (f32, bool)> {
        let probabilities = self.probabilities.iter().flatten().copied();
        let pairs = probabilities.zip(self.labels.iter().flatten().copied());
        pairs.filter_map(|(probability, label)| Some((probability, label?)))
    }

    /// Returns the fraction for which `holds` among the posters that have no unknown label or a known absent genre.
    /// About the others there is nothing that a prediction could get wrong.
    fn fraction(&self, holds: impl Fn(usize) -> bool) -> f64 {
        let counts = |labels: &[Label]| labels.contains(&Some(false)) || !labels.contains(&None);
        let posters = (0..self.labels.len()).filter(|&poster| counts(&self.labels[poster]));
        let (hits, total) = posters
            .fold((0, 0), |(hits, total), poster| (hits + usize::from(holds(poster)), total + 1));
        hits as f64 / total as f64
    }

    /// Returns the fraction of posters with a true genre among the `k` most probable.
    fn top_hit(&self, k: usize) -> f64 {
        let is_true = |poster: usize, genre: &usize| self.labels[poster][*genre] == Some(true);
        self.fraction(|poster| self.top(poster, k).iter().any(|genre| is_true(poster, genre)))
    }

    /// Returns the `k` most probable genres of a poster among those whose label is known. Of equal ones, the one
    /// listed first wins.
    fn top(&self, poster: usize, k: usize) -> Vec<usize> {
        let probabilities = &self.probabilities[poster];
        let labels = &self.labels[poster];
        let mut order: Vec<usize> =
            (0..probabilities.len()).filter(|&genre| labels[genre].is_some()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        order.truncate(k);
        order
    }

    fn counts(&self, genre: usize) -> ConfusionCounts {
        let mut counts = ConfusionCounts::default();
        for (decisions, labels) in self.decisions.iter().zip(self.labels) {
            if let Some(label) = labels[genre] {
                counts.add(decisions[genre], label);
            }
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
            labels: &[
                vec![Some(true), Some(false), Some(true)],
                vec![Some(true), Some(true), Some(false)],
            ],
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

    #[test]
    fn rare_genres_and_improbable_predictions_are_told_apart() {
        // Genre 0 has five positives, genre 1 one, genre 2 none.
        let labels: Vec<Vec<_>> =
            (0..10).map(|i| [i < 5, i == 0, false].map(Some).into()).collect();
        let probabilities: Vec<Vec<f32>> =
            (0..10).map(|i| vec![if i < 5 { 0.8 } else { 0.05 }, i as f32 / 100.0, 0.02]).collect();
        let decisions: Vec<Vec<bool>> = (0..10).map(|i| vec![i < 4, false, false]).collect();
        let predictions = LabelledPredictions {
            probabilities: &probabilities,
            decisions: &decisions,
            labels: &labels,
        };
        let metrics = predictions.metrics();
        let f1 = 2.0 * 4.0 / (4.0 + 5.0);
        assert!((metrics.macro_f1 - f1 / 3.0).abs() < 1e-9);
        assert!((metrics.macro_f1_ranked - f1).abs() < 1e-9);
        assert_eq!(metrics.mean_average_precision, 1.0);
        // Genre 1's only positive is the least probable of ten.
        assert!((metrics.mean_average_precision_all - (1.0 + 0.1) / 2.0).abs() < 1e-9);
        assert_eq!((metrics.auroc, metrics.auroc_all), (1.0, 0.5));
        // Above 0.1 are only genre 0's five positives.
        assert!((metrics.calibration_error_above - 0.2).abs() < 1e-6);
        let names = ["a", "b", "c"].map(String::from);
        let genres = predictions.by_genre(&names, &[0.5; 3]);
        assert!((genres[0].calibration_error - (0.2 + 0.05) / 2.0).abs() < 1e-6);
        assert!((genres[2].calibration_error - 0.02).abs() < 1e-6);
    }

    #[test]
    fn unknown_labels_count_in_no_metric() {
        let predictions = LabelledPredictions {
            probabilities: &[vec![0.8, 0.9, 0.1], vec![0.3, 0.6, 0.2], vec![0.7, 0.2, 0.1]],
            decisions: &[vec![true, true, false], vec![false, true, false], vec![true; 3]],
            labels: &[
                vec![Some(true), None, Some(false)],
                vec![None; 3],
                // Nothing is known to be absent, so that any ranking would be right.
                vec![None, Some(true), None],
            ],
        };
        let metrics = predictions.metrics();
        let loss = -(0.8f64.ln() + 0.9f64.ln() + 0.2f64.ln()) / 3.0;
        assert!((metrics.binary_cross_entropy - loss).abs() < 1e-6);
        // Only the first poster counts. Its most probable genre is unknown, its second most probable one is true.
        assert_eq!((metrics.top_1_hit, metrics.argmax_accuracy), (1.0, 1.0));
        assert_eq!(metrics.exact_match, 1.0);
        assert_eq!(metrics.micro_f1, 1.0);
        assert!((metrics.calibration_error - (0.2 + 0.8 + 0.1) / 3.0).abs() < 1e-6);
        let names = ["a", "b", "c"].map(String::from);
        let genres = predictions.by_genre(&names, &[0.5; 3]);
        let counts = genres.iter().map(|genre| (genre.labels, genre.positives, genre.predicted));
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 1, 1), (1, 1, 1), (1, 0, 0)]);
    }
}
