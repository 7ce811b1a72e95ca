//! The most important metrics, large.

use maud::{Markup, html};

use super::bars;
use super::tables::{decimals, range};
use crate::evaluation::result::EvaluationResult;

/// Beginnings of the names of the metrics shown.
const SHOWN: [&str; 6] = [
    "mean average precision, ",
    "weighted F1",
    "top-1 hit",
    "top-3 hit",
    "binary cross-entropy",
    "expected calibration error above",
];

/// Returns a card for each metric of [`SHOWN`].
pub(super) fn cards(result: &EvaluationResult) -> Markup {
    let rows: Vec<_> = result.rows().collect();
    let shown = SHOWN.iter().filter_map(|name| {
        // Of several, the first: the mean over the genres with enough posters.
        rows.iter().find(|(row, _)| row.name.starts_with(name) && row.model.is_finite())
    });
    html! {
        ul.cards {
            @for (row, interval) in shown {
                @let baseline = row.kind.has_baseline.then(|| row.baseline());
                li class=[row.is_worse().then_some("worse")] {
                    span.name {
                        (row.name) @if !row.kind.higher_is_better { small { " lower is better" } }
                    }
                    b { (decimals(row.model)) }
                    (bars::value(row.model, Some(*interval), baseline))
                    small {
                        (range(*interval))
                        @if let Some(baseline) = baseline { ", best baseline " (decimals(baseline)) }
                    }
                }
            }
        }
    }
}
