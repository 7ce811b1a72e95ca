//! Intervals of bootstrapped values.

use serde::Serialize;

/// Share of the resamples outside the interval, on each side.
const TAIL: f64 = 0.025;

/// A 95% confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Returns the percentile interval of `resamples`, shifted so that their mean equals `value`.
    pub(super) fn centred(value: f64, mut resamples: Vec<f64>) -> Self {
        let shift = value - resamples.iter().sum::<f64>() / resamples.len() as f64;
        resamples.sort_by(f64::total_cmp);
        // Skewed values may leave their mean outside the interval, which must hold the metric itself.
        Self {
            low: (quantile(&resamples, TAIL) + shift).min(value),
            high: (quantile(&resamples, 1.0 - TAIL) + shift).max(value),
        }
    }

    pub(crate) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Returns a quantile of sorted values, interpolated between the two nearest (the default of R and NumPy).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_middle_95_percent_around_the_value() {
        let resamples: Vec<f64> = (0..=1000).rev().map(f64::from).collect();
        let interval = Interval::centred(500.0, resamples.clone());
        assert_eq!(interval, Interval { low: 25.0, high: 975.0 });
        // A bias of all resamples does not move it.
        let biased = resamples.iter().map(|value| value + 70.0).collect();
        assert_eq!(Interval::centred(500.0, biased), interval);
    }
}
