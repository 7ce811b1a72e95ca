//! The table of results, as text and as JSON.

use serde::Serialize;

use super::experiments::Change;

/// The trials of one setting, summarised for one metric. The JSON keys are those of earlier versions.
#[derive(Serialize)]
pub(crate) struct Row {
    #[serde(rename = "what")]
    experiment: &'static str,
    /// Training posters (positives only, for a new genre).
    posters: usize,
    metric: &'static str,
    trials: usize,
    /// Mean of the baseline.
    #[serde(rename = "guessing")]
    baseline: f64,
    /// Mean before fine-tuning.
    before: f64,
    /// Mean after fine-tuning.
    after: f64,
    /// 10th percentile of the trials' changes.
    low: f64,
    /// 90th percentile of the trials' changes.
    high: f64,
}

impl Row {
    /// Summarises `trials`, of which there is at least one.
    pub(crate) fn new(
        experiment: &'static str,
        posters: usize,
        metric: &'static str,
        trials: &[Change],
    ) -> Self {
        let mean =
            |part: fn(&Change) -> f64| trials.iter().map(part).sum::<f64>() / trials.len() as f64;
        let mut changes: Vec<f64> = trials.iter().map(|trial| trial.after - trial.before).collect();
        changes.sort_by(f64::total_cmp);
        let quantile = |share: f64| changes[((changes.len() - 1) as f64 * share).round() as usize];
        Self {
            experiment,
            posters,
            metric,
            trials: trials.len(),
            baseline: mean(|trial| trial.baseline),
            before: mean(|trial| trial.before),
            after: mean(|trial| trial.after),
            low: quantile(0.1),
            high: quantile(0.9),
        }
    }
}

/// Prints the rows.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "{:10} {:>7} {:32} {:>6} {:>9} {:>7} {:>7}   80% interval of the change",
        "experiment", "posters", "metric", "trials", "baseline", "before", "after"
    );
    for row in rows {
        let Row { experiment, posters, metric, trials, baseline, before, after, low, high } = row;
        println!(
            "{experiment:10} {posters:7} {metric:32} {trials:6} {baseline:9.3} {before:7.3} \
             {after:7.3}   {low:+.3} to {high:+.3}"
        );
    }
    println!("\"before\" of a new genre is the original head, which learned it in training");
}
