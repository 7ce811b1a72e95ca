//! Confidence intervals: how much a metric depends on which posters were drawn.

use marquee::metrics::{LabelledPredictions, METRICS, MetricKind, Metrics};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Number of bootstrap samples.
const SAMPLES: u64 = 400;

/// Returns the 95% confidence interval of each of [`METRICS`], as (low, high), by the percentile bootstrap (Efron
/// 1979): each sample draws as many posters as there are, with replacement.
pub(super) fn bootstrap(predictions: LabelledPredictions<'_>, seed: u64) -> Vec<(f64, f64)> {
    let samples: Vec<Metrics> = (0..SAMPLES)
        .into_par_iter()
        .map(|sample| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(sample);
            sample_metrics(predictions, &mut rng)
        })
        .collect();
    let interval = |metric: MetricKind| {
        let mut values: Vec<f64> = samples.iter().map(metric.value).collect();
        values.sort_by(f64::total_cmp);
        let quantile = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        (quantile(0.025), quantile(0.975))
    };
    METRICS.into_iter().map(interval).collect()
}

fn sample_metrics(predictions: LabelledPredictions<'_>, rng: &mut ChaCha8Rng) -> Metrics {
    let posters = predictions.labels.len();
    let chosen: Vec<usize> = (0..posters).map(|_| rng.random_range(0..posters)).collect();
    LabelledPredictions {
        probabilities: &pick(predictions.probabilities, &chosen),
        decisions: &pick(predictions.decisions, &chosen),
        labels: &pick(predictions.labels, &chosen),
    }
    .metrics()
}

fn pick<T: Clone>(rows: &[Vec<T>], chosen: &[usize]) -> Vec<Vec<T>> {
    chosen.iter().map(|&poster| rows[poster].clone()).collect()
}
