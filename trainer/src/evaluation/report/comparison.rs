//! The differences between two predictors on the same posters.

use maud::{Markup, html};

use super::bars;
use super::tables::decimals;
use crate::evaluation::result::{Comparison, ComparisonRow};

/// Returns the section with both tables.
pub(super) fn section(comparison: &Comparison) -> Markup {
    let Comparison { name, other, left_out, metrics, genres } = comparison;
    let count = |wanted: fn(&ComparisonRow) -> bool| {
        metrics.iter().chain(genres).filter(|row| wanted(row)).count()
    };
    let (better, worse) = (count(|row| row.better), count(|row| row.worse));
    html! {
        h3 { "Compared with " code { (other) } }
        p {
            "A is " code { (name) } ", B is " code { (other) } ". Both were measured on the same posters and the \
             same resamples, so what is hard about a poster for both cancels. A difference is beyond chance if its \
             95% interval excludes 0: "
            b.better { "A is better in " (better) } ", " b.worse { "worse in " (worse) }
            " of " (metrics.len() + genres.len()) ". One in twenty would be so by chance if both were equally good."
            @if !left_out.is_empty() {
                " Only one of them predicts " (left_out.join(", ")) ": left out."
            }
        }
        (table("metric", metrics))
        h4 { "Average precision by genre" }
        (table("genre", genres))
    }
}

fn table(title: &str, rows: &[ComparisonRow]) -> Markup {
    let ends = rows.iter().flat_map(|row| {
        let interval = row.difference.interval;
        [interval.low.abs(), interval.high.abs()]
    });
    let reach = ends.filter(|end| end.is_finite()).fold(1e-9, f64::max);
    html! {
        table {
            thead {
                tr {
                    th { (title) } th { "A" } th { "B" } th { "A \u{2212} B" } th { "95% interval" }
                    th.wide { "worse \u{2190} A \u{2192} better" }
                }
            }
            tbody {
                @for row in rows {
                    @let class = if row.better { "better" } else if row.worse { "worse" } else { "same" };
                    @let interval = row.difference.interval;
                    tr class=(class) {
                        th { (row.name) @if row.lower_is_better { small { " lower is better" } } }
                        td { (decimals(row.value)) }
                        td { (decimals(row.other)) }
                        td { b { (signed(row.difference.value)) } }
                        td { (signed(interval.low)) " to " (signed(interval.high)) }
                        td { (gain_bar(row, reach, class)) }
                    }
                }
            }
        }
    }
}

/// Draws the difference with improvements to the right.
fn gain_bar(row: &ComparisonRow, reach: f64, class: &str) -> Markup {
    let difference = if row.lower_is_better { row.difference.negated() } else { row.difference };
    bars::difference(difference.value, difference.interval, reach, class)
}

/// Formats a difference with its sign; the minus sign is as wide as the plus sign.
fn signed(value: f64) -> String {
    format!("{value:+.3}").replace('-', "\u{2212}")
}
