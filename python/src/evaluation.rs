//! Metrics of predictions beside baselines.

use marquee::Evaluation;
use marquee::metrics::{GenreMetrics, LabelledPredictions};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::model::NativeModel;

/// Evaluates `probabilities` with `labels`, both `[posters][genres]`. Returns the keyword arguments of the Python
/// class `Evaluation`, with the fields of a metric or a genre as tuples.
pub(crate) fn evaluate<'py>(
    py: Python<'py>,
    model: &NativeModel,
    labels: &[Vec<bool>],
    probabilities: &[Vec<f32>],
) -> PyResult<Bound<'py, PyDict>> {
    let evaluation = py.detach(|| {
        let decisions = model.manifest.decide(probabilities);
        let predictions = LabelledPredictions { probabilities, decisions: &decisions, labels };
        Evaluation::new(&model.manifest, predictions)
    });
    let metrics = evaluation.rows().into_iter().map(|row| {
        let values = (row.model, row.priors, row.most_frequent);
        (row.name, values, row.kind.higher_is_better, row.kind.has_baseline)
    });
    let genres = evaluation.genres.iter().map(|genre| {
        let GenreMetrics { positives, predicted, average_precision, auroc, .. } = *genre;
        let GenreMetrics { precision, recall, f1, threshold, .. } = *genre;
        let ranking = (average_precision, auroc);
        let name = genre.genre.clone();
        (name, (positives, predicted), ranking, (precision, recall, f1, threshold))
    });
    let result = PyDict::new(py);
    result.set_item("posters", evaluation.posters)?;
    result.set_item("metrics", metrics.collect::<Vec<_>>())?;
    result.set_item("genres", genres.collect::<Vec<_>>())?;
    result.set_item("text", evaluation.to_text())?;
    Ok(result)
}
