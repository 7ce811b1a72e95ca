//! The folds of the cross-validation, and which head learns from which fold.

use super::PartialLabels;
use super::options::{Depth, FineTuneOptions};

/// Returns the fold of each poster. Posters with the same labels are spread evenly over the folds.
pub(super) fn assign(labels: &[&PartialLabels], folds: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&a, &b| labels[b].cmp(labels[a]));
    let mut assigned = vec![0; order.len()];
    for (position, index) in order.into_iter().enumerate() {
        // Begin in the middle, so that fold 0 does not take the first poster of every group of equal labels.
        assigned[index] = (position + folds / 2) % folds.max(1);
    }
    assigned
}

/// Returns whether `head` must not learn from `fold`. Head 0 is the one that is kept.
pub(super) fn is_held_out(fold: usize, head: usize, options: &FineTuneOptions) -> bool {
    match options.depth {
        Depth::Head => head == fold + 1,
        Depth::LastStage => options.folds >= 2 && fold == 0,
    }
}

/// Returns the head that did not learn from `fold`, if there is one. There must be at least 2 folds.
pub(super) fn head_without(fold: usize, options: &FineTuneOptions) -> Option<usize> {
    match options.depth {
        Depth::Head => Some(fold + 1),
        Depth::LastStage => (fold == 0).then_some(0),
    }
}
