//! Metrics of predictions beside baselines.

use marquee::Evaluation;
use marquee::metrics::{GenreMetrics, Label, LabelledPredictions};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::model::NativeModel;

/// Evaluates `probabilities` with `labels`, both `[posters][genres]`. Returns the keyword arguments of the Python
/// class `Evaluation`, with the fields of each metric and genre as a tuple.
pub(crate) fn evaluate<'py>(
    py: Python<'py>,
    model: &NativeModel,
    labels: &[Vec<Label>],
    probabilities: &[Vec<f32>],
) -> PyResult<Bound<'py, PyDict>> {
    let evaluation = py.detach(|| {
        let decisions = model.manifest.decide(probabilities);
        let predictions = LabelledPredictions { probabilities, decisions: &decisions, labels };
        Evaluation::new(&model.manifest, predictions)
    });
    let metrics = evaluation.rows().into_iter().map(|row| {
        let baselines = [
            ("frequencies", row.priors),
            ("top two", row.most_frequent),
            ("best F1", row.expected_f1),
            ("every", row.every_genre),
        ];
        (row.name, row.model, baselines, row.kind.higher_is_better, row.kind.has_baseline)
    });
    let genres = evaluation.genres.iter().map(|genre| {
        let GenreMetrics { labels, positives, predicted, average_precision, auroc, .. } = *genre;
        let GenreMetrics { precision, recall, f1, calibration_error, threshold, .. } = *genre;
        let counts = (labels, positives, predicted);
        (
            genre.genre.clone(),
            counts,
            (average_precision, auroc, precision, recall, f1, calibration_error, threshold),
        )
    });
    let result = PyDict::new(py);
    result.set_item("posters", evaluation.posters)?;
    result.set_item("metrics", metrics.collect::<Vec<_>>())?;
    result.set_item("genres", genres.collect::<Vec<_>>())?;
    result.set_item("top_two", evaluation.most_frequent_genres)?;
    result.set_item("best_f1", evaluation.expected_f1_genres)?;
    result.set_item("ranked_genres", evaluation.ranked_genres)?;
    Ok(result)
}
