//! A model's metrics beside those of two baselines, which do not look at the posters.

use serde::Serialize;

use super::{GenreMetrics, LabelledPredictions, METRICS, MetricKind, Metrics};
use crate::bundle::{Manifest, Metric};

/// The metrics of a model and of two baselines on the same posters.
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
    /// those of the first.
    pub most_frequent: Metrics,
    /// Names of the two most frequent genres.
    pub most_frequent_genres: Vec<String>,
    /// Names of the genres that count in the mean average precision and the mean AUROC.
    #[serde(rename = "judged_genres")]
    pub ranked_genres: Vec<String>,
    /// Metrics of each genre, in the manifest's order.
    pub genres: Vec<GenreMetrics>,
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
    /// How to read it.
    pub kind: MetricKind,
}

impl Evaluation {
    /// Evaluates `predictions`, whose genres are those of `manifest`.
    pub fn new(manifest: &Manifest, predictions: LabelledPredictions<'_>) -> Self {
        let names: Vec<String> = manifest.genres.iter().map(|genre| genre.name.clone()).collect();
        let thresholds: Vec<f32> = manifest.genres.iter().map(|genre| genre.threshold).collect();
        let labels = predictions.labels;

        let priors = manifest.frequencies();
        let mut order: Vec<usize> = (0..priors.len()).collect();
        order.sort_by(|&a, &b| priors[b].total_cmp(&priors[a]));
        let frequent: Vec<usize> = order.into_iter().take(2).collect();
        let priors_for_all = vec![priors.clone(); labels.len()];
        let baseline = |decisions: Vec<bool>| {
            let decisions = vec![decisions; labels.len()];
            let predictions = LabelledPredictions {
                probabilities: &priors_for_all,
                decisions: &decisions,
                labels,
            };
            predictions.metrics()
        };

        Self {
            posters: labels.len(),
            model: predictions.metrics(),
            priors: baseline(priors.iter().map(|&prior| prior >= 0.5).collect()),
            most_frequent: baseline(
                (0..priors.len()).map(|genre| frequent.contains(&genre)).collect(),
            ),
            most_frequent_genres: frequent.iter().map(|&genre| names[genre].clone()).collect(),
            ranked_genres: predictions.ranked_genres(&names),
            genres: predictions.by_genre(&names, &thresholds),
        }
    }

    /// Returns the metrics as the manifest stores them, rounded to four decimals, beside the better baseline.
    pub fn to_metrics(&self) -> Vec<Metric> {
        let round = |value: f64| (value * 1e4).round() / 1e4;
        let rows = self.rows().into_iter();
        rows.map(|row| Metric {
            value: round(row.model),
            baseline: row.kind.has_baseline.then(|| round(row.baseline())),
            higher_is_better: row.kind.higher_is_better,
            name: row.name,
        })
        .collect()
    }

    /// Returns one row per metric, in the order of [`METRICS`].
    pub fn rows(&self) -> Vec<MetricRow> {
        let genres = self.ranked_genres.len();
        let row = |kind: MetricKind| MetricRow {
            name: match kind.name {
                name @ ("mean average precision" | "AUROC") => format!("{name}, {genres} genres"),
                name => name.to_owned(),
            },
            model: (kind.value)(&self.model),
            priors: (kind.value)(&self.priors),
            most_frequent: (kind.value)(&self.most_frequent),
            kind,
        };
        METRICS.into_iter().map(row).collect()
    }
}

impl MetricRow {
    /// Returns the value of the better baseline.
    pub fn baseline(&self) -> f64 {
        let better = if self.kind.higher_is_better { f64::max } else { f64::min };
        better(self.priors, self.most_frequent)
    }

    /// Returns whether the model is worse than the better baseline; false if the comparison is not meaningful.
    pub fn is_worse(&self) -> bool {
        let gain = self.model - self.baseline();
        let worse = if self.kind.higher_is_better { gain < 0.0 } else { gain > 0.0 };
        self.kind.has_baseline && worse
    }
}
