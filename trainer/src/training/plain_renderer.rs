//! Shows training as plain lines, for pipes and log files. On a terminal, Burn's dashboard takes its place.

use std::io::IsTerminal;
use std::ops::RangeInclusive;
use std::time::Instant;

use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

use crate::data::loader::Mixture;
use crate::progress::{INTERVAL, minutes, pace};
use crate::training::map_metric;
use crate::training::metric_means::{ACCURACY, LOSS, RunningMeans};

/// Returns whether standard output is a terminal, on which Burn can draw its dashboard.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Prints the progress and the metrics of training as lines.
pub(crate) struct PlainRenderer {
    /// What each epoch draws. Burn counts the posters of the first epoch only.
    mixture: Mixture,
    train: RunningMeans,
    valid: RunningMeans,
    epoch: usize,
    epochs: usize,
    split: &'static str,
    split_total: usize,
    split_started: Instant,
    epoch_started: Instant,
    run_started: Instant,
    first_epoch: usize,
    last_line: Instant,
}

impl PlainRenderer {
    pub(crate) fn new(mixture: Mixture) -> Self {
        let now = Instant::now();
        Self {
            mixture,
            train: RunningMeans::default(),
            valid: RunningMeans::default(),
            epoch: 1,
            epochs: 1,
            split: TRAIN,
            split_total: 0,
            split_started: now,
            epoch_started: now,
            run_started: now,
            first_epoch: 1,
            last_line: now,
        }
    }

    /// Returns how long the epochs after `epoch` take, if each poster takes as long as those so far did in `elapsed`
    /// seconds.
    fn seconds_left(&self, epoch: usize, elapsed: f64) -> f64 {
        let posters = |epochs: RangeInclusive<usize>| -> usize {
            epochs.map(|epoch| self.mixture.posters_in(epoch)).sum()
        };
        let done = posters(self.first_epoch..=epoch).max(1);
        elapsed * posters(epoch + 1..=self.epochs) as f64 / done as f64
    }

    /// Formats the running means. Mean average precision is known once an epoch has ended, and only if a genre has
    /// enough positives.
    fn metrics(means: &RunningMeans) -> String {
        let mut text =
            format!("loss {:.4} accuracy {:.1} %", means.mean(LOSS), means.mean(ACCURACY));
        let mean_average_precision = means.mean(map_metric::NAME);
        if mean_average_precision.is_finite() {
            text += &format!(" mAP {mean_average_precision:.4}");
        }
        text
    }
}

/// Adds a metric's value, if it has one.
fn add(means: &mut RunningMeans, state: &MetricState) {
    if let MetricState::Numeric(entry, Some(value)) = state {
        means.add(entry, value);
    }
}

const TRAIN: &str = "train";
const VALID: &str = "valid";

impl MetricsRendererTraining for PlainRenderer {
    fn update_train(&mut self, state: MetricState) {
        add(&mut self.train, &state);
    }

    fn update_valid(&mut self, state: MetricState) {
        add(&mut self.valid, &state);
    }
}

impl TrainingProgressLogger for PlainRenderer {
    fn start(&mut self, epochs: usize, first: usize, _items: Option<usize>, _label: Option<&str>) {
        self.epochs = epochs;
        self.epoch = first.max(1);
        self.first_epoch = self.epoch;
        self.run_started = Instant::now();
    }

    fn start_split(&mut self, split: &str, total: usize) {
        let now = Instant::now();
        self.split = if split.to_lowercase().starts_with("valid") { VALID } else { TRAIN };
        self.split_total = total;
        self.split_started = now;
        if self.split == TRAIN {
            self.split_total = self.mixture.posters_in(self.epoch);
            self.epoch_started = now;
            self.train.clear();
            self.valid.clear();
        }
    }

    fn update_split(&mut self, done: usize) {
        if self.last_line.elapsed() < INTERVAL || done >= self.split_total {
            return;
        }
        self.last_line = Instant::now();
        let (epoch, epochs, split) = (self.epoch, self.epochs, self.split);
        let means = if split == TRAIN { &self.train } else { &self.valid };
        let pace = pace(done, 0, self.split_total, self.split_started.elapsed());
        println!("epoch {epoch}/{epochs}  {split}  {pace}  {}", Self::metrics(means));
    }

    fn update_epoch(&mut self, epoch: usize) {
        let left = self.seconds_left(epoch, self.run_started.elapsed().as_secs_f64());
        println!(
            "epoch {epoch}/{}  train {}  valid {}  in {:.1?}, {} left",
            self.epochs,
            Self::metrics(&self.train),
            Self::metrics(&self.valid),
            self.epoch_started.elapsed(),
            minutes(left)
        );
        self.epoch = epoch + 1;
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    /// Does nothing: Burn calls this for every batch.
    fn log_event_training(&mut self, _event: String) {}
}

/// Does nothing: the trainer evaluates without Burn's learner.
impl EvaluationProgressLogger for PlainRenderer {
    fn start_global_progress(&mut self, _tests: usize) {}
    fn start_test(&mut self, _name: &str, _items: usize) {}
    fn update_test_progress(&mut self, _done: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRendererEvaluation for PlainRenderer {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl MetricsRenderer for PlainRenderer {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.train.register(definition.clone());
        self.valid.register(definition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_with_fewer_posters_count_as_shorter() {
        let mixture = Mixture { main: 100, additional: 300, main_repeat: 2.0, main_only_from: 3 };
        let mut renderer = PlainRenderer::new(mixture);
        renderer.start(4, 1, None, None);
        // 500 posters each in two epochs, then 100 each.
        assert!((renderer.seconds_left(1, 50.0) - 70.0).abs() < 1e-9);
        assert!((renderer.seconds_left(3, 110.0) - 10.0).abs() < 1e-9);
        assert_eq!(renderer.seconds_left(4, 120.0), 0.0);
        // A resumed run knows only its own pace.
        renderer.start(4, 3, None, None);
        assert!((renderer.seconds_left(3, 10.0) - 10.0).abs() < 1e-9);
        for (epoch, posters) in [(2, 500), (3, 100)] {
            renderer.epoch = epoch;
            renderer.start_split("train", 500);
            assert_eq!(renderer.split_total, posters, "epoch {epoch}");
        }
    }
}
