//! The report's tables: metrics next to the baselines, and the metrics of each genre.

use marquee::Evaluation;
use marquee::metrics::MIN_POSITIVES;
use maud::{Markup, html};

use super::confidence_intervals;
use crate::evaluation::classified_posters::ClassifiedPosters;

/// Random seed of the bootstrap samples.
const SEED: u64 = 1;

/// Returns the table of metrics over all genres, with confidence intervals.
pub(super) fn metrics(classified: &ClassifiedPosters, evaluation: &Evaluation) -> Markup {
    let intervals = confidence_intervals::bootstrap(classified.predictions(), SEED);
    let frequent = evaluation.most_frequent_genres.join(", ");
    html! {
        p {
            "The two baselines ignore the posters: one predicts each genre's frequency in the training \
             data, the other always predicts the two most frequent genres. Brackets contain the \
             bootstrap 95% confidence interval. Metrics that are worse than a baseline are highlighted."
        }
        table {
            thead {
                tr { th { "" } th { "model" } th { "frequencies" } th { "always " (frequent) } }
            }
            tbody {
                @for (row, (low, high)) in evaluation.rows().iter().zip(intervals) {
                    tr class=(if row.is_worse() { "worse" } else { "" }) {
                        th { (row.name) @if !row.kind.higher_is_better { small { " lower is better" } } }
                        td {
                            b { (decimals(row.model)) }
                            small { " [" (decimals(low)) ", " (decimals(high)) "]" }
                        }
                        td { (decimals(row.priors)) }
                        td { (decimals(row.most_frequent)) }
                    }
                }
            }
        }
    }
}

/// Returns the table of genres, the most frequent first.
pub(super) fn genres(evaluation: &Evaluation) -> Markup {
    let mut genres: Vec<_> = evaluation.genres.iter().collect();
    genres.sort_by_key(|genre| std::cmp::Reverse(genre.positives));
    html! {
        p {
            "Genres with fewer than " (MIN_POSITIVES) " posters are pale: their metrics are mostly chance. \
             The tick on each bar is the baseline, the genre's frequency."
        }
        table {
            thead {
                tr {
                    th { "genre" } th { "posters" } th.wide { "average precision" } th { "AUROC" }
                    th { "threshold" } th { "predicted" } th { "precision" } th { "recall" } th { "F1" }
                }
            }
            tbody {
                @for genre in genres {
                    tr class=(if genre.positives < MIN_POSITIVES { "few" } else { "" }) {
                        th { (genre.genre) }
                        td { (genre.positives) }
                        td {
                            (decimals(genre.average_precision)) " "
                            span.bar {
                                span.value style=(format!("width:{:.1}%", genre.average_precision * 100.0)) {}
                                span.tick style=(format!(
                                    "left:{:.1}%",
                                    genre.positives as f64 / evaluation.posters as f64 * 100.0
                                )) {}
                            }
                        }
                        td { (decimals(genre.auroc)) }
                        td { (format!("{:.2}", genre.threshold)) }
                        td { (genre.predicted) }
                        td { (decimals(genre.precision)) }
                        td { (decimals(genre.recall)) }
                        td { (decimals(genre.f1)) }
                    }
                }
            }
        }
    }
}

fn decimals(value: f64) -> String {
    format!("{value:.3}")
}
