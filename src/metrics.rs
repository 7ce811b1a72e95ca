//! How good predictions are, compared with baselines on the same posters.
//!
//! | file | contents |
//! |---|---|
//! | `labels` | [`Labels`]: the true genres, from a CSV |
//! | `predictions` | [`LabelledPredictions`]: predictions beside labels, and their metrics |
//! | `summary` | [`Metrics`] over all genres, and how to read each of them ([`METRICS`]) |
//! | `ranking` | average precision and AUROC |
//! | `confusion` | precision, recall and F1 |
//! | `calibration` | reliability bins and the expected calibration error |
//! | `baselines` | constant predictions, which never look at a poster |
//! | `evaluation` | [`Evaluation`]: a model's metrics beside those of the baselines |
//!
//! A label may be unknown ([`Label`]); it then counts in no metric. Definitions follow scikit-learn's. The trainer uses them, and so does the page when a visitor adds labels.

mod baselines;
mod calibration;
mod confusion;
mod evaluation;
#[deny(clippy::indexing_slicing)]
mod labels;
mod predictions;
mod ranking;
mod summary;

pub use calibration::{CALIBRATION_BINS, PROBABLE, ReliabilityBin, calibration_bin};
pub use evaluation::{EvaluatedGenre, Evaluation, MetricRow};
pub use labels::{Label, LabelRow, Labels};
pub use predictions::{GenreMetrics, LabelledPredictions};
pub use ranking::{MIN_POSITIVES, Ranking, average_precision, mean_average_precision};
pub use summary::{GenreSet, METRICS, MetricKind, Metrics};

/// Distance of probabilities from 0 and 1 that keeps logarithms finite, as in Keras.
const EPSILON: f64 = 1e-7;

/// Returns the probability of a logit, `1 / (1 + exp(-logit))`.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Returns the cross-entropy of one label in nats: `-ln(probability)` if it is true, `-ln(1 - probability)` if not.
pub fn cross_entropy(probability: f64, label: bool) -> f64 {
    let probability = probability.clamp(EPSILON, 1.0 - EPSILON);
    -(if label { probability } else { 1.0 - probability }).ln()
}

/// Returns `part / whole`, or 0 if `whole` is 0, as scikit-learn's `zero_division=0`.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
