//! The mean of a metric over the batches that have come so far.

use std::collections::HashMap;

use burn::train::metric::{MetricDefinition, MetricEntry, MetricId, NumericEntry};

/// Means by a metric's name, within one epoch on one side of the split.
#[derive(Default)]
pub(crate) struct RunningMeans {
    names: HashMap<MetricId, String>,
    /// Sum and weight.
    sums: HashMap<String, (f64, f64)>,
}

impl RunningMeans {
    pub(crate) fn register(&mut self, definition: MetricDefinition) {
        self.names.insert(definition.metric_id, definition.name.to_string());
    }

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
            // Burn's own mean over the epoch, at its end.
            NumericEntry::Final(value) => (*sum, *weight) = (*value, 1.0),
        }
    }

    /// Whether something came that is not a number.
    pub(crate) fn is_nan(&self, name: &str) -> bool {
        self.sums.get(name).is_some_and(|(sum, _)| sum.is_nan())
    }

    /// NaN where nothing has come.
    pub(crate) fn mean(&self, name: &str) -> f64 {
        self.sums.get(name).map_or(f64::NAN, |(sum, weight)| sum / weight)
    }

    pub(crate) fn clear(&mut self) {
        self.sums.clear();
    }
}
