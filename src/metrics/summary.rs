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
    /// Mean of the genres' F1, weighted by their positives.
    pub weighted_f1: f64,
    /// Mean over the genres with at least [`MIN_POSITIVES`](super::MIN_POSITIVES) positives.
    pub mean_average_precision: f64,
    /// Mean over the same genres.
    pub auroc: f64,
    /// Fraction of posters whose most probable genre is true.
    pub top_1_hit: f64,
    /// Fraction of posters with a true genre among the three most probable.
    pub top_3_hit: f64,
    /// Expected calibration error of all genres pooled.
    pub calibration_error: f64,
}

/// The name of a metric, and how to read it.
#[derive(Debug, Clone, Copy)]
pub struct MetricKind {
    /// Name as shown to people.
    pub name: &'static str,
    /// Whether higher is better.
    pub higher_is_better: bool,
    /// Whether a comparison with the baselines is meaningful.
    pub has_baseline: bool,
    /// Returns this metric's value.
    pub value: fn(&Metrics) -> f64,
}

impl MetricKind {
    const fn higher(name: &'static str, value: fn(&Metrics) -> f64) -> Self {
        Self { name, higher_is_better: true, has_baseline: true, value }
    }

    const fn lower(name: &'static str, value: fn(&Metrics) -> f64) -> Self {
        Self { higher_is_better: false, ..Self::higher(name, value) }
    }
}

/// All metrics, in the order in which they are shown.
pub const METRICS: [MetricKind; 11] = [
    MetricKind::lower("binary cross-entropy", |metrics| metrics.binary_cross_entropy),
    MetricKind::higher("argmax accuracy", |metrics| metrics.argmax_accuracy),
    MetricKind::higher("exact match", |metrics| metrics.exact_match),
    MetricKind::higher("micro F1", |metrics| metrics.micro_f1),
    MetricKind::higher("macro F1", |metrics| metrics.macro_f1),
    MetricKind::higher("weighted F1", |metrics| metrics.weighted_f1),
    MetricKind::higher("mean average precision", |metrics| metrics.mean_average_precision),
    MetricKind::higher("AUROC", |metrics| metrics.auroc),
    MetricKind::higher("top-1 hit", |metrics| metrics.top_1_hit),
    MetricKind::higher("top-3 hit", |metrics| metrics.top_3_hit),
    // Predicting each genre's frequency is perfectly calibrated and useless.
    MetricKind {
        has_baseline: false,
        ..MetricKind::lower("expected calibration error", |metrics| metrics.calibration_error)
    },
];
