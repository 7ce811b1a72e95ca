//! Precision, recall and F1 from the counts of a confusion matrix.

use super::ratio;

/// The decisions about a genre, counted by whether they are right. True negatives are not needed.
#[derive(Default)]
pub(super) struct ConfusionCounts {
    pub(super) true_positives: usize,
    pub(super) false_positives: usize,
    pub(super) false_negatives: usize,
}

impl ConfusionCounts {
    /// Counts one decision.
    pub(super) fn add(&mut self, decision: bool, label: bool) {
        match (decision, label) {
            (true, true) => self.true_positives += 1,
            (true, false) => self.false_positives += 1,
            (false, true) => self.false_negatives += 1,
            (false, false) => {}
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            false_positives: self.false_positives + other.false_positives,
            false_negatives: self.false_negatives + other.false_negatives,
        }
    }

    /// Returns the number of posters that have the genre.
    pub(super) fn positives(&self) -> usize {
        self.true_positives + self.false_negatives
    }

    /// Returns the number of posters that are predicted to have the genre.
    pub(super) fn predicted(&self) -> usize {
        self.true_positives + self.false_positives
    }

    pub(super) fn precision(&self) -> f64 {
        ratio(self.true_positives, self.predicted())
    }

    pub(super) fn recall(&self) -> f64 {
        ratio(self.true_positives, self.positives())
    }

    pub(super) fn f1(&self) -> f64 {
        ratio(2 * self.true_positives, self.predicted() + self.positives())
    }
}
