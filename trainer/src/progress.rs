//! Progress of long work as plain lines, for pipes and logs. On a terminal, training shows Burn's dashboard
//! instead.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

use crate::training::metric_means::RunningMeans;

/// Lines come at most this often.
const INTERVAL: Duration = Duration::from_secs(5);

/// Says how far work on `total` posters (or files, or megabytes) is, from any thread.
pub(crate) struct Ticker {
    what: &'static str,
    /// Done by an earlier run.
    begun: usize,
    total: usize,
    started: Instant,
    last: Mutex<Instant>,
}

impl Ticker {
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        Self::from(what, 0, total)
    }

    /// For work that goes on behind the first `begun`.
    pub(crate) fn from(what: &'static str, begun: usize, total: usize) -> Self {
        let now = Instant::now();
        Self { what, begun, total, started: now, last: Mutex::new(now) }
    }

    pub(crate) fn tick(&self, done: usize) {
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.elapsed() >= INTERVAL {
            *last = Instant::now();
            let pace = pace(done, self.begun, self.total, self.started.elapsed());
            eprintln!("{}: {pace}", self.what);
        }
    }

    pub(crate) fn finish(&self) {
        let elapsed = self.started.elapsed();
        let rate = (self.total - self.begun.min(self.total)) as f64 / elapsed.as_secs_f64();
        eprintln!("{}: {} in {:.1?}, {rate:.0} a second", self.what, self.total, elapsed);
    }
}

/// "320/900, 115 a second, 0:05 left"
fn pace(done: usize, begun: usize, total: usize, elapsed: Duration) -> String {
    let rate = done.saturating_sub(begun) as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = (total.saturating_sub(done)) as f64 / rate.max(1e-9);
    format!("{done}/{total}, {rate:.0} a second, {} left", clock(left))
}

/// Minutes and seconds, "12:05".
fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Burn's dashboard, where there is a terminal to draw it on.
pub(crate) fn terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Shows training as plain lines.
pub(crate) struct PlainLines {
    train: RunningMeans,
    valid: RunningMeans,
    epoch: usize,
    epochs: usize,
    split: &'static str,
    split_total: usize,
    split_started: Instant,
    epoch_started: Instant,
    run_started: Instant,
    epochs_done: usize,
    last_line: Instant,
}

impl PlainLines {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            train: RunningMeans::default(),
            valid: RunningMeans::default(),
            epoch: 1,
            epochs: 1,
            split: TRAIN,
            split_total: 0,
            split_started: now,
            epoch_started: now,
            run_started: now,
            epochs_done: 0,
            last_line: now,
        }
    }

    fn figures(means: &RunningMeans) -> String {
        format!("loss {:.4} accuracy {:.1} %", means.mean("Loss"), means.mean("Accuracy"))
    }
}

fn keep(means: &mut RunningMeans, state: &MetricState) {
    if let MetricState::Numeric(entry, Some(value)) = state {
        means.add(entry, value);
    }
}

const TRAIN: &str = "train";
const VALID: &str = "valid";

impl MetricsRendererTraining for PlainLines {
    fn update_train(&mut self, state: MetricState) {
        keep(&mut self.train, &state);
    }

    fn update_valid(&mut self, state: MetricState) {
        keep(&mut self.valid, &state);
    }
}

impl TrainingProgressLogger for PlainLines {
    fn start(&mut self, epochs: usize, first: usize, _items: Option<usize>, _label: Option<&str>) {
        self.epochs = epochs;
        self.epoch = first.max(1);
        self.run_started = Instant::now();
    }

    fn start_split(&mut self, split: &str, total: usize) {
        let now = Instant::now();
        self.split = if split.to_lowercase().starts_with("valid") { VALID } else { TRAIN };
        self.split_total = total;
        self.split_started = now;
        if self.split == TRAIN {
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
        println!("epoch {epoch}/{epochs}  {split}  {pace}  {}", Self::figures(means));
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.epochs_done += 1;
        let left = (self.epochs - epoch.min(self.epochs)) as f64
            * self.run_started.elapsed().as_secs_f64()
            / self.epochs_done as f64;
        println!(
            "epoch {epoch}/{}  train {}  valid {}  in {:.1?}, {} left",
            self.epochs,
            Self::figures(&self.train),
            Self::figures(&self.valid),
            self.epoch_started.elapsed(),
            clock(left)
        );
        self.epoch = epoch + 1;
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    /// Burn calls this with "Iteration" for every batch.
    fn log_event_training(&mut self, _event: String) {}
}

/// The trainer judges by itself (`evaluate.rs`), so Burn never calls these.
impl EvaluationProgressLogger for PlainLines {
    fn start_global_progress(&mut self, _tests: usize) {}
    fn start_test(&mut self, _name: &str, _items: usize) {}
    fn update_test_progress(&mut self, _done: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRendererEvaluation for PlainLines {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl MetricsRenderer for PlainLines {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.train.register(definition.clone());
        self.valid.register(definition);
    }
}
