//! An evaluation as text for the terminal: one table of metrics, one of genres.

use std::fmt::Write;

use marquee::Evaluation;
use marquee::metrics::{GenreMetrics, MIN_POSITIVES, MetricRow};

/// Formats the metrics of all genres, then those of each genre.
pub(crate) fn format(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    write_metrics(&mut text, evaluation);
    write_genres(&mut text, evaluation);
    text
}

fn write_metrics(text: &mut String, evaluation: &Evaluation) {
    let frequent = evaluation.most_frequent_genres.join(", ");
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(text, "\n{} posters", evaluation.posters);
    let _ = writeln!(text, "{:36} {:>8} {:>11}   always {frequent}", "", "model", "frequencies");
    for MetricRow { name, model, priors, most_frequent, .. } in evaluation.rows() {
        let _ = writeln!(text, "{name:36} {model:8.4} {priors:11.4} {most_frequent:8.4}");
    }
    let _ = writeln!(
        text,
        "\nBaselines: each genre's frequency in the training data; always the two most frequent genres.\n\
         Lower is better for binary cross-entropy and calibration error, higher for all other metrics.\n\
         Predicting each genre's frequency is perfectly calibrated and useless.\n\
         Mean average precision and AUROC average the genres with at least {MIN_POSITIVES} positives:\n\
         {}\n",
        evaluation.ranked_genres.join(", ")
    );
    let worse: Vec<String> =
        evaluation.rows().into_iter().filter(MetricRow::is_worse).map(|row| row.name).collect();
    if !worse.is_empty() {
        let _ = writeln!(text, "worse than a baseline: {}\n", worse.join("; "));
    }
}

fn write_genres(text: &mut String, evaluation: &Evaluation) {
    let _ = writeln!(
        text,
        "{:14} {:>9} {:>9} {:>9} {:>7} {:>9} {:>7} {:>7} {:>9}",
        "genre",
        "positives",
        "predicted",
        "avg prec",
        "AUROC",
        "precision",
        "recall",
        "F1",
        "threshold"
    );
    for genre in &evaluation.genres {
        let GenreMetrics { genre: name, positives, predicted, threshold, .. } = genre;
        let GenreMetrics { average_precision, auroc, precision, recall, f1, .. } = genre;
        let _ = writeln!(
            text,
            "{name:14} {positives:9} {predicted:9} {average_precision:9.4} {auroc:7.4} \
             {precision:9.4} {recall:7.4} {f1:7.4} {threshold:9.2}"
        );
    }
}
