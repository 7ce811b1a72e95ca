//! What each poster adds to the sums behind the metrics that are not about single genres.

use marquee::metrics::{CALIBRATION_BINS, LabelledPredictions, PROBABLE, cross_entropy};

/// Sums over posters.
#[derive(Default)]
pub(super) struct PosterSums {
    pub(super) cross_entropy: f64,
    /// Known labels.
    pub(super) labels: f64,
    /// Posters that count in the four fractions of posters below.
    pub(super) ranked: f64,
    pub(super) argmax: f64,
    pub(super) exact: f64,
    pub(super) top_1: f64,
    pub(super) top_3: f64,
    /// Calibration of all predictions.
    pub(super) all: CalibrationSums,
    /// Calibration of probabilities from [`PROBABLE`] on.
    pub(super) above: CalibrationSums,
}

impl PosterSums {
    /// Returns the sums of a single poster.
    pub(super) fn new(predictions: &LabelledPredictions<'_>, poster: usize) -> Self {
        let mut sums = Self::default();
        let pairs = predictions.probabilities[poster].iter().zip(&predictions.labels[poster]);
        for (&probability, &label) in pairs {
            let Some(label) = label else { continue };
            sums.labels += 1.0;
            sums.cross_entropy += cross_entropy(probability.into(), label);
            sums.all.predict(probability, label);
            if probability >= PROBABLE {
                sums.above.predict(probability, label);
            }
        }
        // The fractions of a sample of one poster: 0 or 1, or no number if the poster does not count.
        let metrics = LabelledPredictions {
            probabilities: &predictions.probabilities[poster..=poster],
            decisions: &predictions.decisions[poster..=poster],
            labels: &predictions.labels[poster..=poster],
        }
        .metrics();
        if !metrics.exact_match.is_nan() {
            sums.ranked = 1.0;
            sums.argmax = metrics.argmax_accuracy;
            sums.exact = metrics.exact_match;
            sums.top_1 = metrics.top_1_hit;
            sums.top_3 = metrics.top_3_hit;
        }
        sums
    }

    /// Adds `count` copies of a poster.
    pub(super) fn add(&mut self, poster: &Self, count: f64) {
        self.cross_entropy += count * poster.cross_entropy;
        self.labels += count * poster.labels;
        self.ranked += count * poster.ranked;
        self.argmax += count * poster.argmax;
        self.exact += count * poster.exact;
        self.top_1 += count * poster.top_1;
        self.top_3 += count * poster.top_3;
        self.all.add(&poster.all, count);
        self.above.add(&poster.above, count);
    }
}

/// The sums behind an expected calibration error. A bin's distance between mean probability and frequency, times its
/// count, is the absolute sum of `probability - label`.
#[derive(Default)]
pub(super) struct CalibrationSums {
    predictions: f64,
    /// Sum of `probability - label` in each bin.
    excess: [f64; CALIBRATION_BINS],
}

impl CalibrationSums {
    fn predict(&mut self, probability: f32, label: bool) {
        let bin = marquee::metrics::calibration_bin(probability);
        self.predictions += 1.0;
        self.excess[bin] += f64::from(probability) - f64::from(u8::from(label));
    }

    fn add(&mut self, other: &Self, count: f64) {
        self.predictions += count * other.predictions;
        for (sum, excess) in self.excess.iter_mut().zip(other.excess) {
            *sum += count * excess;
        }
    }

    /// Returns the expected calibration error; NaN without predictions.
    pub(super) fn error(&self) -> f64 {
        self.excess.iter().map(|excess| excess.abs()).sum::<f64>() / self.predictions
    }
}
