//! Training targets: labels, smoothed, and blended with the teachers' soft labels.

use std::collections::HashMap;

use marquee::metrics::LabelRow;

/// Turns labels into the targets of the loss. The default leaves labels as 0 and 1.
#[derive(Clone, Default)]
pub(crate) struct Targets {
    /// Label smoothing: the weight of each genre's frequency in its target, 0..1.
    pub(crate) smoothing: f32,
    /// Each genre's frequency among the training posters, 0..=1.
    pub(crate) frequencies: Vec<f32>,
    /// The teachers' mean probabilities, by poster id.
    pub(crate) soft_labels: HashMap<String, Vec<f32>>,
    /// The weight of the soft labels in the targets, 0..=1.
    pub(crate) soft_label_weight: f32,
}

impl Targets {
    /// Returns the target of each genre, 0..=1.
    pub(super) fn of(&self, row: &LabelRow) -> Vec<f32> {
        let mut targets: Vec<f32> = row.labels.iter().map(|&label| label.into()).collect();
        for (target, frequency) in targets.iter_mut().zip(&self.frequencies) {
            *target += (frequency - *target) * self.smoothing;
        }
        let soft_labels = self.soft_labels.get(&row.id).into_iter().flatten();
        for (target, soft_label) in targets.iter_mut().zip(soft_labels) {
            *target += (soft_label - *target) * self.soft_label_weight;
        }
        targets
    }
}
