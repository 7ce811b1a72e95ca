//! Which checkpoints are kept, and when training stops early, by the metric that selects the best epoch.

use burn::train::checkpoint::{CheckpointingAction, CheckpointingStrategy};
use burn::train::metric::LossMetric;
use burn::train::metric::store::{Aggregate, Direction, EventStoreClient, Split};
use burn::train::{MetricEarlyStoppingStrategy, StoppingCondition};

use crate::training::config::SelectionMetric;
use crate::training::map_metric::{self, MapMetric};
use crate::training::metric_means::LOSS;

/// Stops training after `patience` epochs without improvement on the validation split.
pub(crate) fn early_stopping(
    metric: SelectionMetric,
    patience: usize,
) -> MetricEarlyStoppingStrategy {
    let condition = StoppingCondition::NoImprovementSince { n_epochs: patience };
    let (mean, valid) = (Aggregate::Mean, Split::Valid);
    match metric {
        SelectionMetric::Loss => {
            let metric = LossMetric::new();
            MetricEarlyStoppingStrategy::new(&metric, mean, Direction::Lowest, valid, condition)
        }
        SelectionMetric::MeanAveragePrecision => {
            let metric = MapMetric::default();
            MetricEarlyStoppingStrategy::new(&metric, mean, Direction::Highest, valid, condition)
        }
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
        let (name, direction) = match self.metric {
            SelectionMetric::Loss => (LOSS, Direction::Lowest),
            SelectionMetric::MeanAveragePrecision => (map_metric::NAME, Direction::Highest),
        };
        let best = store.find_epoch(name, Aggregate::Mean, direction, &Split::Valid);
        let outdated = (1..epoch.saturating_sub(1)).filter(|&old| Some(old) != best);
        let mut actions = vec![CheckpointingAction::Save];
        actions.extend(outdated.map(CheckpointingAction::Delete));
        actions
    }
}
