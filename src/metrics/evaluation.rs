//! A model's metrics beside those of four baselines, which do not look at the posters.

use serde::Serialize;

use super::baselines::{best_expected_f1, most_frequent};
use super::{GenreMetrics, GenreSet, LabelledPredictions, METRICS, MetricKind, Metrics};
use crate::bundle::{Manifest, Metric};

/// The metrics of a model and of four baselines on the same posters.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Number of evaluated posters.
    pub posters: usize,
    /// Metrics of the model.
    #[serde(rename = "network")]
    pub model: Metrics,
    /// Metrics of the first baseline, which predicts each genre's frequency among the training posters.
    pub priors: Metrics,
    /// Metrics of the second baseline, which always decides for the two most frequent genres. Its probabilities are
    /// those of the first, as are those of the next two.
    pub most_frequent: Metrics,
    /// Metrics of the third baseline, which always decides for the genres that promise the highest F1 over all
    /// posters and genres pooled.
    pub expected_f1: Metrics,
    /// Metrics of the fourth baseline, which always decides for every genre: the constant decisions with the highest
    /// macro and weighted F1.
    pub every_genre: Metrics,
    /// Names of the two most frequent genres.
    pub most_frequent_genres: Vec<String>,
    /// Names of the genres that the third baseline decides for.
    pub expected_f1_genres: Vec<String>,
    /// Names of the genres with at least [`MIN_POSITIVES`](super::MIN_POSITIVES) positives, over which some metrics
    /// are means.
    #[serde(rename = "judged_genres")]
    pub ranked_genres: Vec<String>,
    /// Metrics of each genre, in the model's order.
    pub genres: Vec<GenreMetrics>,
}

/// A genre of the model that is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedGenre {
    /// Name, as the data set spells it.
    pub name: String,
    /// Probability, 0..=1, from which on it is predicted.
    pub threshold: f32,
    /// Share of the training posters that have it, 0..=1; the baselines know nothing else.
    pub frequency: f32,
}

/// One metric of the model and of the baselines.
#[derive(Debug, Clone)]
pub struct MetricRow {
    /// Name, with the number of genres if it is a mean over some of them.
    pub name: String,
    /// Value of the model.
    pub model: f64,
    /// Value of predicting each genre's frequency.
    pub priors: f64,
    /// Value of always deciding for the two most frequent genres.
    pub most_frequent: f64,
    /// Value of always deciding for the genres that promise the highest F1.
    pub expected_f1: f64,
    /// Value of always deciding for every genre.
    pub every_genre: f64,
    /// How to read it.
    pub kind: MetricKind,
}

impl Evaluation {
    /// Evaluates `predictions`, whose genres are those of `manifest`.
    pub fn new(manifest: &Manifest, predictions: LabelledPredictions<'_>) -> Self {
        let genres = manifest.genres.iter().zip(manifest.frequencies());
        let genres = genres.map(|(genre, frequency)| EvaluatedGenre {
            name: genre.name.clone(),
            threshold: genre.threshold,
            frequency,
        });
        Self::of_genres(&genres.collect::<Vec<_>>(), predictions)
    }

    /// Evaluates predictions that anyone made about these genres.
    pub fn of_genres(genres: &[EvaluatedGenre], predictions: LabelledPredictions<'_>) -> Self {
        let names: Vec<String> = genres.iter().map(|genre| genre.name.clone()).collect();
        let thresholds: Vec<f32> = genres.iter().map(|genre| genre.threshold).collect();
        let frequencies: Vec<f32> = genres.iter().map(|genre| genre.frequency).collect();
        let labels = predictions.labels;

        let frequencies_for_all = vec![frequencies.clone(); labels.len()];
        let baseline = |decide: &dyn Fn(usize) -> bool| {
            let decisions: Vec<bool> = (0..genres.len()).map(decide).collect();
            let predictions = LabelledPredictions {
                probabilities: &frequencies_for_all,
                decisions: &vec![decisions; labels.len()],
                labels,
            };
            predictions.metrics()
        };
        let frequent = most_frequent(&frequencies, 2);
        let promising = best_expected_f1(&frequencies);
        let names_of =
            |chosen: &[usize]| chosen.iter().map(|&genre| names[genre].clone()).collect();

        Self {
            posters: labels.len(),
            model: predictions.metrics(),
            priors: baseline(&|genre| frequencies[genre] >= 0.5),
            most_frequent: baseline(&|genre| frequent.contains(&genre)),
            expected_f1: baseline(&|genre| promising.contains(&genre)),
            every_genre: baseline(&|_| true),
            most_frequent_genres: names_of(&frequent),
            expected_f1_genres: names_of(&promising),
            ranked_genres: predictions.ranked_genres(&names),
            genres: predictions.by_genre(&names, &thresholds),
        }
    }

    /// Returns the metrics as the manifest stores them, rounded to four decimals, beside the best baseline.
    /// Leaves out those that these posters do not define, such as a mean over no genres.
    pub fn to_metrics(&self) -> Vec<Metric> {
        let round = |value: f64| (value * 1e4).round() / 1e4;
        let rows = self.rows().into_iter().filter(|row| row.model.is_finite());
        rows.map(|row| Metric {
            value: round(row.model),
            baseline: Some(row.baseline())
                .filter(|value| row.kind.has_baseline && value.is_finite())
                .map(round),
            higher_is_better: row.kind.higher_is_better,
            name: row.name,
        })
        .collect()
    }

    /// Returns one row per metric, in the order of [`METRICS`].
    pub fn rows(&self) -> Vec<MetricRow> {
        let ranked = self.ranked_genres.len();
        let occurring = self.genres.iter().filter(|genre| genre.positives > 0).count();
        let row = |kind: MetricKind| MetricRow {
            name: match kind.genres {
                GenreSet::All => kind.name.to_owned(),
                GenreSet::Ranked => format!("{}, {ranked} genres", kind.name),
                GenreSet::Occurring => format!("{}, all {occurring} genres", kind.name),
            },
            model: (kind.value)(&self.model),
            priors: (kind.value)(&self.priors),
            most_frequent: (kind.value)(&self.most_frequent),
            expected_f1: (kind.value)(&self.expected_f1),
            every_genre: (kind.value)(&self.every_genre),
            kind,
        };
        METRICS.into_iter().map(row).collect()
    }
}

impl MetricRow {
    /// Returns the value of the best baseline.
    pub fn baseline(&self) -> f64 {
        let better = if self.kind.higher_is_better { f64::max } else { f64::min };
        let others = [self.most_frequent, self.expected_f1, self.every_genre];
        others.into_iter().fold(self.priors, better)
    }

    /// Returns whether the model is worse than the best baseline; false if the comparison is not meaningful.
    pub fn is_worse(&self) -> bool {
        let gain = self.model - self.baseline();
        let worse = if self.kind.higher_is_better { gain < 0.0 } else { gain > 0.0 };
        self.kind.has_baseline && worse
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use super::*;

    #[test]
    fn the_baselines_are_the_constant_decisions_with_the_best_f1() {
        // Frequencies 0.5, 0.3, 0.2 and 0.05, as in the training data.
        let labels: Vec<Vec<_>> =
            (0..20).map(|i| [i % 2 == 0, i < 6, i % 5 == 0, i == 7].map(Some).into()).collect();
        let genres = [("a", 0.5), ("b", 0.3), ("c", 0.2), ("d", 0.05)];
        let genres = genres.map(|(name, frequency)| EvaluatedGenre {
            name: name.into(),
            threshold: 0.5,
            frequency,
        });
        let evaluation = Evaluation::of_genres(
            &genres,
            LabelledPredictions {
                probabilities: &vec![vec![0.0; 4]; 20],
                decisions: &vec![vec![false; 4]; 20],
                labels: &labels,
            },
        );
        let f1 = |frequency: f64| 2.0 * frequency / (1.0 + frequency);
        let all = (f1(0.5) + f1(0.3) + f1(0.2) + f1(0.05)) / 4.0;
        assert!((evaluation.every_genre.macro_f1 - all).abs() < 1e-6);
        assert!((evaluation.most_frequent.macro_f1 - (f1(0.5) + f1(0.3)) / 4.0).abs() < 1e-6);
        assert_eq!(evaluation.expected_f1_genres, ["a", "b"]);
        assert!((evaluation.expected_f1.micro_f1 - 2.0 * 0.8 / (2.0 + 1.05)).abs() < 1e-6);
        let row = evaluation.rows().into_iter().find(|row| row.name == "macro F1").unwrap();
        assert_eq!(row.baseline(), evaluation.every_genre.macro_f1);
        assert!(row.is_worse());
        // All probabilities are below 0.1, so one metric is not defined, and JSON has no NaN.
        let metrics = evaluation.to_metrics();
        assert_eq!(metrics.len(), METRICS.len() - 1);
        assert!(metrics.iter().all(|metric| metric.value.is_finite()));
    }
}
