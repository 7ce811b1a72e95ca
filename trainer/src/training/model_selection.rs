//! Which checkpoints are kept, and when training stops early, by the metric that selects the best epoch.

use burn::train::EarlyStoppingStrategy;
use burn::train::checkpoint::{CheckpointingAction, CheckpointingStrategy};
use burn::train::metric::store::{Aggregate, Direction, EventStoreClient, Split};
use marquee::metrics::MIN_POSITIVES;

use crate::data::posters::Poster;
use crate::training::config::SelectionMetric;
use crate::training::map_metric;
use crate::training::metric_means::LOSS;

/// Returns the metric that can select the best epoch on these posters: `configured`, or the loss if no genre has the
/// positives that mean average precision needs.
pub(crate) fn usable_metric(configured: SelectionMetric, valid: &[Poster]) -> SelectionMetric {
    let genres = valid.first().map_or(0, |poster| poster.row.labels.len());
    let positives = |genre: usize| valid.iter().filter(|poster| poster.row.has(genre)).count();
    match (0..genres).any(|genre| positives(genre) >= MIN_POSITIVES) {
        true => configured,
        false => SelectionMetric::Loss,
    }
}

/// Returns the epoch with the best value on the validation split, the earliest of equal ones. A resumed run includes
/// the epochs before it, which [`super::epoch_log::LogWriter`] returns.
fn best_epoch(metric: SelectionMetric, store: &EventStoreClient) -> Option<usize> {
    let (name, direction) = match metric {
        SelectionMetric::Loss => (LOSS, Direction::Lowest),
        SelectionMetric::MeanAveragePrecision => (map_metric::NAME, Direction::Highest),
    };
    store.find_epoch(name, Aggregate::Mean, direction, &Split::Valid)
}

/// Stops training after `patience` epochs without improvement. Burn's own strategy forgets the best epoch when a run
/// is resumed.
#[derive(Clone)]
pub(crate) struct EarlyStopping {
    pub(crate) metric: SelectionMetric,
    pub(crate) patience: usize,
}

impl EarlyStoppingStrategy for EarlyStopping {
    fn should_stop(&mut self, epoch: usize, store: &EventStoreClient) -> bool {
        best_epoch(self.metric, store).is_some_and(|best| epoch >= best + self.patience)
    }
}

/// Keeps the checkpoints of the last two epochs and of the best one. The last one alone is not enough: it may be
/// incomplete after a power failure.
pub(crate) struct KeepLastTwoAndBest {
    pub(crate) metric: SelectionMetric,
}

impl CheckpointingStrategy for KeepLastTwoAndBest {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        let best = best_epoch(self.metric, store);
        let outdated = (1..epoch.saturating_sub(1)).filter(|&old| Some(old) != best);
        let mut actions = vec![CheckpointingAction::Save];
        actions.extend(outdated.map(CheckpointingAction::Delete));
        actions
    }
}
