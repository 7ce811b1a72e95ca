//! How far a figure depends on which posters it was measured on.

use marquee::metrics::{LabelledPredictions, METRICS, MetricKind, Metrics};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// The range, low to high, in which each of [`METRICS`] lies for 95 % of the sets of as many posters that
/// are drawn from these, each as often as it comes (Efron 1979, the bootstrap).
pub(super) fn of(answers: LabelledPredictions<'_>, seed: u64) -> Vec<(f64, f64)> {
    const DRAWS: u64 = 400;
    let posters = answers.labels.len();
    let drawn: Vec<Metrics> = (0..DRAWS)
        .into_par_iter()
        .map(|draw| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(draw);
            let chosen: Vec<usize> = (0..posters).map(|_| rng.random_range(0..posters)).collect();
            let pick = |rows: &[Vec<bool>]| -> Vec<Vec<bool>> {
                chosen.iter().map(|&poster| rows[poster].clone()).collect()
            };
            let probabilities: Vec<Vec<f32>> =
                chosen.iter().map(|&poster| answers.probabilities[poster].clone()).collect();
            let (decisions, labels) = (pick(answers.decisions), pick(answers.labels));
            let probabilities = &probabilities;
            LabelledPredictions { probabilities, decisions: &decisions, labels: &labels }.metrics()
        })
        .collect();
    let interval = |figure: MetricKind| {
        let mut values: Vec<f64> = drawn.iter().map(figure.value).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        (at(0.025), at(0.975))
    };
    METRICS.into_iter().map(interval).collect()
}
