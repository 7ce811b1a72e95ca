//! The metrics over all genres, and how each of them is to be read.

use serde::Serialize;

/// All metrics but those of single genres. Each lies in 0..=1, except for the cross-entropy. Higher is better,
/// except for the cross-entropy and the calibration error. Unknown labels do not count: a fraction of posters ranks
/// and compares their known genres, and leaves out the posters without a known absent genre.
#[derive(Debug, Clone, Serialize)]
pub struct Metrics {
    /// Mean over the known labels of all posters and genres, in nats.
    pub binary_cross_entropy: f64,
    /// Fraction of posters whose most probable genre is their first true one: the accuracy of the Kaggle notebook
    /// that this project started from.
    pub argmax_accuracy: f64,
    /// Fraction of posters for which every genre's decision is right.
    pub exact_match: f64,
    /// F1 over all posters and genres pooled.
    pub micro_f1: f64,
    /// Mean of the genres' F1.
    pub macro_f1: f64,
    /// The same over the genres with at least [`MIN_POSITIVES`](super::MIN_POSITIVES) positives.
    pub macro_f1_ranked: f64,
    /// Mean of the genres' F1, weighted by their positives.
    pub weighted_f1: f64,
    /// Mean over the genres with at least [`MIN_POSITIVES`](super::MIN_POSITIVES) positives.
    pub mean_average_precision: f64,
    /// Mean over all genres that occur among the posters, however rare.
    pub mean_average_precision_all: f64,
    /// Mean over the genres with at least [`MIN_POSITIVES`](super::MIN_POSITIVES) positives.
    pub auroc: f64,
    /// Mean over all genres that occur among the posters.
    pub auroc_all: f64,
    /// Fraction of posters whose most probable genre is true.
    pub top_1_hit: f64,
    /// Fraction of posters with a true genre among the three most probable.
    pub top_3_hit: f64,
    /// Expected calibration error of all genres pooled.
    pub calibration_error: f64,
    /// The same over the probabilities from [`PROBABLE`](super::PROBABLE) on.
    pub calibration_error_above: f64,
}

/// The genres over which a metric is a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenreSet {
    /// All genres of the model, or the metric is not a mean over genres.
    All,
    /// Those with at least [`MIN_POSITIVES`](super::MIN_POSITIVES) positives.
    Ranked,
    /// Those with a positive.
    Occurring,
}

/// The name of a metric, and how to read it.
#[derive(Debug, Clone, Copy)]
pub struct MetricKind {
    /// Name as shown to people.
    pub name: &'static str,
    /// The genres over which it is a mean.
    pub genres: GenreSet,
    /// Whether higher is better.
    pub higher_is_better: bool,
    /// Whether a comparison with the baselines is meaningful.
    pub has_baseline: bool,
    /// Returns this metric's value.
    pub value: fn(&Metrics) -> f64,
}

impl MetricKind {
    const fn higher(name: &'static str, value: fn(&Metrics) -> f64) -> Self {
        Self { name, genres: GenreSet::All, higher_is_better: true, has_baseline: true, value }
    }

    const fn lower(name: &'static str, value: fn(&Metrics) -> f64) -> Self {
        Self { higher_is_better: false, ..Self::higher(name, value) }
    }

    const fn over(self, genres: GenreSet) -> Self {
        Self { genres, ..self }
    }

    /// Predicting each genre's frequency is perfectly calibrated and useless.
    const fn without_baseline(self) -> Self {
        Self { has_baseline: false, ..self }
    }
}

/// All metrics, in the order in which they are shown.
pub const METRICS: [MetricKind; 15] = [
    MetricKind::lower("binary cross-entropy", |metrics| metrics.binary_cross_entropy),
    MetricKind::higher("argmax accuracy", |metrics| metrics.argmax_accuracy),
    MetricKind::higher("exact match", |metrics| metrics.exact_match),
    MetricKind::higher("micro F1", |metrics| metrics.micro_f1),
    MetricKind::higher("macro F1", |metrics| metrics.macro_f1),
    MetricKind::higher("macro F1", |metrics| metrics.macro_f1_ranked).over(GenreSet::Ranked),
    MetricKind::higher("weighted F1", |metrics| metrics.weighted_f1),
    MetricKind::higher("mean average precision", |metrics| metrics.mean_average_precision)
        .over(GenreSet::Ranked),
    MetricKind::higher("mean average precision", |metrics| metrics.mean_average_precision_all)
        .over(GenreSet::Occurring),
    MetricKind::higher("AUROC", |metrics| metrics.auroc).over(GenreSet::Ranked),
    MetricKind::higher("AUROC", |metrics| metrics.auroc_all).over(GenreSet::Occurring),
    MetricKind::higher("top-1 hit", |metrics| metrics.top_1_hit),
    MetricKind::higher("top-3 hit", |metrics| metrics.top_3_hit),
    MetricKind::lower("expected calibration error", |metrics| metrics.calibration_error)
        .without_baseline(),
    MetricKind::lower("expected calibration error above 0.1", |metrics| {
        metrics.calibration_error_above
    })
    .without_baseline(),
];
