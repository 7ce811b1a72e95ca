//! Confidence intervals by the bootstrap (Efron 1979): how much metrics depend on which posters were drawn.
//!
//! A resample draws as many posters as there are, with replacement. Three rules make its metrics comparable with those
//! of the full sample:
//!
//! 1. **The genres are fixed.** A mean over genres takes the genres of the full sample in every resample. A genre of
//!    which a resample has no positive takes its value on the full sample there.
//! 2. **Intervals are centred.** Copies of a poster bias some metrics: a positive that is drawn twice raises its own
//!    average precision, and noise raises the calibration error. The percentile interval is shifted by the difference
//!    between the metric and the mean of its resamples, so that the bias cancels.
//! 3. **Comparisons are paired.** Two models are measured on the same resamples, so that what is hard about a poster
//!    for both of them cancels in their difference.
//!
//! | file | contents |
//! |---|---|
//! | `prepared` | predictions, sorted and summed so that a resample takes one pass |
//! | `ranked_genre` | the part of one genre |
//! | `poster_sums` | the part of one poster |
//! | `resample` | draws resamples |
//! | `interval` | intervals of values and of differences |

mod interval;
mod poster_sums;
mod prepared;
mod ranked_genre;
mod resample;
#[cfg(test)]
#[allow(clippy::unwrap_used)] // a failing test should say where
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};

use marquee::metrics::{LabelledPredictions, METRICS};
use rayon::prelude::*;

pub(crate) use interval::Interval;
use prepared::Prepared;
use resample::draw;

use crate::progress::Ticker;

/// Random seed of the resamples.
const SEED: u64 = 1;

/// The metrics of one model's predictions, in the full sample and in each resample.
pub(crate) struct Bootstrap {
    full: Values,
    resamples: Vec<Values>,
}

/// The values of [`METRICS`], and each genre's average precision; NaN without positives.
pub(crate) struct Values {
    metrics: Vec<f64>,
    average_precisions: Vec<f64>,
}

impl Bootstrap {
    /// Computes all metrics in `count` resamples. Predictions about the same posters get the same resamples.
    pub(crate) fn new(predictions: LabelledPredictions<'_>, count: usize) -> Self {
        let ticker = Ticker::new("resamples", count);
        let done = AtomicUsize::new(0);
        let tick = || ticker.tick(done.fetch_add(1, Ordering::Relaxed) + 1);
        Self::with_progress(predictions, count, tick)
    }

    /// Calls `advance` after each resample.
    fn with_progress(
        predictions: LabelledPredictions<'_>,
        count: usize,
        advance: impl Fn() + Sync,
    ) -> Self {
        let prepared = Prepared::new(predictions);
        let posters = predictions.labels.len();
        let resamples = (0..count as u64).into_par_iter().map(|index| {
            let values = prepared.values(&draw(posters, SEED, index));
            advance();
            values
        });
        let resamples = resamples.collect();
        Self { full: prepared.values(&vec![1; posters]), resamples }
    }

    /// Returns the 95% interval of each of [`METRICS`].
    pub(crate) fn metrics(&self) -> Vec<Interval> {
        (0..METRICS.len()).map(|metric| self.interval(|values| values.metrics[metric])).collect()
    }

    /// Returns the 95% interval of each genre's average precision; `None` for genres without positives.
    pub(crate) fn average_precisions(&self) -> Vec<Option<Interval>> {
        let intervals = (0..self.full.average_precisions.len()).map(|genre| {
            let is_known = !self.full.average_precisions[genre].is_nan();
            is_known.then(|| self.interval(|values| values.average_precisions[genre]))
        });
        intervals.collect()
    }

    fn interval(&self, value: impl Fn(&Values) -> f64) -> Interval {
        Interval::centred(value(&self.full), self.resamples.iter().map(value).collect())
    }
}

/// The differences between two models on the same posters, the first minus the second.
pub(crate) struct PairedDifferences {
    /// One for each of [`METRICS`].
    pub(crate) metrics: Vec<Difference>,
    /// One for each genre's average precision; `None` for genres without positives.
    pub(crate) average_precisions: Vec<Option<Difference>>,
}

/// A difference and its 95% interval.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Difference {
    #[serde(rename = "difference")]
    pub(crate) value: f64,
    pub(crate) interval: Interval,
}

impl Difference {
    /// Returns whether the interval excludes 0.
    pub(crate) fn is_significant(&self) -> bool {
        !self.interval.contains(0.0)
    }

    /// Returns the difference the other way round.
    pub(crate) fn negated(self) -> Self {
        let Interval { low, high } = self.interval;
        Self { value: -self.value, interval: Interval { low: -high, high: -low } }
    }
}

impl PairedDifferences {
    /// Compares two models, whose resamples are of the same posters and equally many.
    pub(crate) fn new(first: &Bootstrap, second: &Bootstrap) -> Self {
        let difference = |value: &dyn Fn(&Values) -> f64| {
            let full = value(&first.full) - value(&second.full);
            let pairs = first.resamples.iter().zip(&second.resamples);
            let resamples = pairs.map(|(first, second)| value(first) - value(second)).collect();
            Difference { value: full, interval: Interval::centred(full, resamples) }
        };
        let metrics = (0..METRICS.len()).map(|metric| difference(&|values| values.metrics[metric]));
        let genres = (0..first.full.average_precisions.len()).map(|genre| {
            let difference = difference(&|values| values.average_precisions[genre]);
            (!difference.value.is_nan()).then_some(difference)
        });
        Self { metrics: metrics.collect(), average_precisions: genres.collect() }
    }
}
