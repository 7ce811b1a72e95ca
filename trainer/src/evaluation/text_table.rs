//! An evaluation as text for the terminal: one table of metrics, one of genres, and one of a comparison.

use std::fmt::Write;

use marquee::metrics::{GenreMetrics, MIN_POSITIVES, MetricRow};

use super::bootstrap::Interval;
use super::result::{Comparison, ComparisonRow, EvaluationResult};

/// Formats the metrics of all genres, then those of each genre, then the comparison.
pub(crate) fn format(result: &EvaluationResult) -> String {
    let mut text = String::new();
    write_metrics(&mut text, result);
    write_genres(&mut text, result);
    if let Some(comparison) = &result.against {
        write_comparison(&mut text, comparison);
    }
    text
}

fn write_metrics(text: &mut String, result: &EvaluationResult) {
    let EvaluationResult { evaluation, split, resamples, .. } = result;
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(text, "\n{} {}", evaluation.posters, split.describe());
    let _ = writeln!(
        text,
        "{:36} {:>8} {:18} {:>11} {:>8} {:>8} {:>8}",
        "", "model", "  95% interval", "frequencies", "top two", "best F1", "every"
    );
    for (row, interval) in result.rows() {
        let MetricRow { name, model, priors, most_frequent, expected_f1, every_genre, .. } = row;
        let interval = brackets(interval);
        let _ = writeln!(
            text,
            "{name:36} {model:8.4} {interval:18} {priors:11.4} {most_frequent:8.4} \
             {expected_f1:8.4} {every_genre:8.4}"
        );
    }
    let _ = writeln!(
        text,
        "\nBaselines, which never look at a poster: each genre's frequency in the training data; always \
         the two most\n\
         frequent genres ({}); always the genres that promise the highest F1 over all predictions\n\
         ({}); always every genre.\n\
         Lower is better for binary cross-entropy and calibration error, higher for all other metrics.\n\
         Predicting each genre's frequency is perfectly calibrated and useless.\n\
         Intervals: {resamples} bootstrap resamples of the posters, with the same genres in each.\n\
         Genres with at least {MIN_POSITIVES} positives:\n\
         {}\n",
        evaluation.most_frequent_genres.join(", "),
        evaluation.expected_f1_genres.join(", "),
        evaluation.ranked_genres.join(", ")
    );
    let worse: Vec<String> =
        evaluation.rows().into_iter().filter(MetricRow::is_worse).map(|row| row.name).collect();
    if !worse.is_empty() {
        let _ = writeln!(text, "worse than a baseline: {}\n", worse.join("; "));
    }
}

fn write_genres(text: &mut String, result: &EvaluationResult) {
    let _ = writeln!(
        text,
        "{:14} {:>9} {:>9} {:>9} {:18} {:>7} {:>9} {:>7} {:>7} {:>7} {:>9}",
        "genre",
        "positives",
        "predicted",
        "avg prec",
        "  95% interval",
        "AUROC",
        "precision",
        "recall",
        "F1",
        "ECE",
        "threshold"
    );
    let intervals = &result.average_precision_intervals;
    for (genre, interval) in result.evaluation.genres.iter().zip(intervals) {
        let GenreMetrics { genre: name, positives, predicted, threshold, .. } = genre;
        let GenreMetrics { average_precision, auroc, precision, recall, f1, .. } = genre;
        let error = genre.calibration_error;
        let interval = interval.map_or(String::new(), brackets);
        let _ = writeln!(
            text,
            "{name:14} {positives:9} {predicted:9} {average_precision:9.4} {interval:18} \
             {auroc:7.4} {precision:9.4} {recall:7.4} {f1:7.4} {error:7.4} {threshold:9.2}"
        );
    }
}

fn write_comparison(text: &mut String, comparison: &Comparison) {
    let Comparison { name, other, left_out, metrics, genres } = comparison;
    let _ = writeln!(text, "\nA: {name}\nB: {other}\nboth on the same posters and resamples");
    if !left_out.is_empty() {
        let _ = writeln!(
            text,
            "left out, because only one of them predicts it: {}",
            left_out.join(", ")
        );
    }
    let head = |text: &mut String, title: &str| {
        let _ = writeln!(
            text,
            "\n{title:36} {:>8} {:>8} {:>8}   95% interval of A - B",
            "A", "B", "A - B"
        );
    };
    head(text, "");
    metrics.iter().for_each(|row| write_row(text, row));
    head(text, "average precision");
    genres.iter().for_each(|row| write_row(text, row));
    let rows = metrics.iter().chain(genres);
    let better = rows.clone().filter(|row| row.better).count();
    let worse = rows.clone().filter(|row| row.worse).count();
    let _ = writeln!(
        text,
        "\nOf {} differences, A is better in {better} and worse in {worse} beyond chance: their intervals \
         exclude 0.\nOne in twenty would do so by chance if A and B were equally good.",
        rows.count()
    );
}

fn write_row(text: &mut String, row: &ComparisonRow) {
    let ComparisonRow { name, value, other, difference, .. } = row;
    let Interval { low, high } = difference.interval;
    let verdict = match (row.better, row.worse) {
        (true, _) => "  better",
        (_, true) => "  worse",
        _ => "",
    };
    let difference = difference.value;
    let _ = writeln!(
        text,
        "{name:36} {value:8.4} {other:8.4} {difference:+8.4}   {low:+.4} to {high:+.4}{verdict}"
    );
}

fn brackets(Interval { low, high }: Interval) -> String {
    format!("[{low:.4}, {high:.4}]")
}
