//! Running means of metrics over the batches of an epoch.

use std::collections::HashMap;

use burn::train::metric::{MetricDefinition, MetricEntry, MetricId, NumericEntry};

/// Burn's names of its metrics.
pub(crate) const LOSS: &str = "Loss";
pub(crate) const ACCURACY: &str = "Accuracy";
pub(crate) const LEARNING_RATE: &str = "Learning Rate";

/// The running mean of each metric within one epoch and split.
#[derive(Default)]
pub(crate) struct RunningMeans {
    names: HashMap<MetricId, String>,
    /// Weighted sum and total weight, by metric name.
    sums: HashMap<String, (f64, f64)>,
}

impl RunningMeans {
    /// Learns the name of a metric. Values of unregistered metrics are ignored.
    pub(crate) fn register(&mut self, definition: MetricDefinition) {
        self.names.insert(definition.metric_id, definition.name.to_string());
    }

    /// Returns the name of a registered metric.
    pub(crate) fn name(&self, metric: &MetricEntry) -> Option<&str> {
        self.names.get(&metric.metric_id).map(String::as_str)
    }

    /// Adds the value of one batch.
    pub(crate) fn add(&mut self, metric: &MetricEntry, value: &NumericEntry) {
        let Some(name) = self.names.get(&metric.metric_id) else { return };
        let (sum, weight) = self.sums.entry(name.clone()).or_default();
        match value {
            NumericEntry::Value(value) => {
                *sum += value;
                *weight += 1.0;
            }
            NumericEntry::Aggregated { aggregated_value, count } => {
                *sum += aggregated_value * *count as f64;
                *weight += *count as f64;
            }
            // Burn's own value for the whole epoch, at its end.
            NumericEntry::Final(value) => (*sum, *weight) = (*value, 1.0),
        }
    }

    /// Returns whether any value of a metric was NaN.
    pub(crate) fn is_nan(&self, name: &str) -> bool {
        self.sums.get(name).is_some_and(|(sum, _)| sum.is_nan())
    }

    /// Returns the mean of a metric, or NaN if there was no value.
    pub(crate) fn mean(&self, name: &str) -> f64 {
        self.sums.get(name).map_or(f64::NAN, |(sum, weight)| sum / weight)
    }

    /// Starts a new epoch.
    pub(crate) fn clear(&mut self) {
        self.sums.clear();
    }
}
