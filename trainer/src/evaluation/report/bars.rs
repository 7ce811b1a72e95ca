//! Values on a line, drawn with positioned boxes: a bar, its interval, and ticks of baselines.

use maud::{Markup, html};

use crate::evaluation::bootstrap::Interval;

/// Draws a value of 0..=1 as a bar, its interval as a line and a baseline as a tick.
pub(super) fn value(value: f64, interval: Option<Interval>, baseline: Option<f64>) -> Markup {
    html! {
        span.bar {
            span.value style=(format!("width:{}", percent(value))) {}
            @if let Some(interval) = interval { (line(interval.low, interval.high)) }
            @if let Some(baseline) = baseline {
                span.tick style=(format!("left:{}", percent(baseline))) {}
            }
        }
    }
}

/// Draws an interval around 0 on a scale from `-reach` to `reach`, with a dot at the difference.
pub(super) fn difference(value: f64, interval: Interval, reach: f64, class: &str) -> Markup {
    let place = |value: f64| 0.5 + value / reach / 2.0;
    html! {
        span class=(format!("bar diverging {class}")) {
            span.zero {}
            (line(place(interval.low), place(interval.high)))
            span.dot style=(format!("left:{}", percent(place(value)))) {}
        }
    }
}

/// Draws an interval; both ends are shares of the width.
fn line(low: f64, high: f64) -> Markup {
    let (low, high) = (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
    let style = format!("left:{};width:{}", percent(low), percent(high - low));
    html! { span.interval style=(style) {} }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", if share.is_finite() { share.clamp(0.0, 1.0) * 100.0 } else { 0.0 })
}
