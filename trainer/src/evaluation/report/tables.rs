//! The report's tables: metrics next to the baselines, and the metrics of each genre.

use marquee::metrics::{MIN_POSITIVES, MetricRow};
use maud::{Markup, html};

use super::bars;
use crate::evaluation::bootstrap::Interval;
use crate::evaluation::result::EvaluationResult;

/// Returns the table of metrics over all genres, with confidence intervals.
pub(super) fn metrics(result: &EvaluationResult) -> Markup {
    let evaluation = &result.evaluation;
    html! {
        p {
            "The four baselines never look at a poster. One predicts each genre's frequency in the training \
             data. The others always name the two most frequent genres (" (evaluation.most_frequent_genres.join(", "))
            "), the genres that promise the highest F1 over all predictions ("
            (evaluation.expected_f1_genres.join(", ")) "), or every genre. "
            "Brackets contain the 95% confidence interval of " (result.resamples)
            " bootstrap resamples, in which the genres stay the same. The tick is the best baseline. Metrics \
             that are worse than it are highlighted."
        }
        table {
            thead {
                tr {
                    th { "" } th { "model" } th { "95% interval" } th.wide { "0 to 1" }
                    th { "frequencies" } th { "top two" } th { "best F1" } th { "every genre" }
                }
            }
            tbody {
                @for (row, interval) in result.rows() { (metric(&row, interval)) }
            }
        }
    }
}

fn metric(row: &MetricRow, interval: Interval) -> Markup {
    let baseline = row.kind.has_baseline.then(|| row.baseline());
    html! {
        tr class=[row.is_worse().then_some("worse")] {
            th { (row.name) @if !row.kind.higher_is_better { small { " lower is better" } } }
            td { b { (decimals(row.model)) } }
            td { small { (range(interval)) } }
            td { (bars::value(row.model, Some(interval), baseline)) }
            @for value in [row.priors, row.most_frequent, row.expected_f1, row.every_genre] {
                td class=[(baseline == Some(value)).then_some("best")] { (decimals(value)) }
            }
        }
    }
}

/// Returns the table of genres, the most frequent first.
pub(super) fn genres(result: &EvaluationResult) -> Markup {
    let genres = result.evaluation.genres.iter().zip(&result.average_precision_intervals);
    let mut genres: Vec<_> = genres.collect();
    genres.sort_by_key(|(genre, _)| std::cmp::Reverse(genre.positives));
    html! {
        p {
            "Genres with fewer than " (MIN_POSITIVES) " posters are pale: their metrics are mostly chance. \
             The bar is the average precision with its 95% interval, the tick the baseline, the genre's \
             frequency. ECE is the expected calibration error of the genre's probabilities."
        }
        table {
            thead {
                tr {
                    th { "genre" } th { "posters" } th { "average precision" } th { "95% interval" }
                    th.wide { "0 to 1" } th { "AUROC" } th { "threshold" } th { "predicted" }
                    th { "precision" } th { "recall" } th { "F1" } th { "ECE" }
                }
            }
            tbody {
                @for (genre, interval) in genres {
                    tr class=[(genre.positives < MIN_POSITIVES).then_some("few")] {
                        th { (genre.genre) }
                        td { (genre.positives) }
                        td { b { (decimals(genre.average_precision)) } }
                        td { @if let Some(interval) = interval { small { (range(*interval)) } } }
                        td {
                            (bars::value(
                                genre.average_precision,
                                *interval,
                                Some(genre.positives as f64 / genre.labels.max(1) as f64),
                            ))
                        }
                        td { (decimals(genre.auroc)) }
                        td { (format!("{:.2}", genre.threshold)) }
                        td { (genre.predicted) }
                        td { (decimals(genre.precision)) }
                        td { (decimals(genre.recall)) }
                        td { (decimals(genre.f1)) }
                        td { (decimals(genre.calibration_error)) }
                    }
                }
            }
        }
    }
}

pub(super) fn decimals(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "\u{2013}".into() }
}

pub(super) fn range(Interval { low, high }: Interval) -> String {
    format!("{} to {}", decimals(low), decimals(high))
}
