//! A run's log: one JSON line for each epoch and split, in `log.jsonl`. It feeds the curves, it tells which
//! epoch was best, and a resumed run goes on writing where the last finished epoch ended.

use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::train::Interrupter;
use burn::train::logger::MetricLogger;
use burn::train::metric::store::{EpochSummary, MetricsUpdate, Split};
use burn::train::metric::{MetricDefinition, NumericEntry};
use serde::{Deserialize, Serialize};

use crate::training::config::{Config, Goal};
use crate::training::map_metric;
use crate::training::metric_means::RunningMeans;

/// What happened in an epoch on one side of the split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) epoch: usize,
    pub(crate) split: Side,
    /// Binary cross-entropy, mean over posters and genres.
    pub(crate) loss: f64,
    /// Share of the posters whose most probable genre is their first true one, 0..=1.
    pub(crate) accuracy: f64,
    /// Over the genres that have enough positives on this side, 0..=1.
    #[serde(default)]
    pub(crate) mean_average_precision: f64,
    pub(crate) seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Train,
    Valid,
}

/// Reads a log; a last line that was cut short by a kill is left out.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| path.display().to_string())?,
    };
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}

/// The best epoch on the validation posters.
pub(crate) fn best(lines: &[Line], goal: Goal) -> Option<&Line> {
    let valid = lines.iter().filter(|line| line.split == Side::Valid && line.loss.is_finite());
    // The earlier one where two are alike.
    valid.min_by(|a, b| best_first(goal, a, b))
}

/// The order of epochs, the best one first.
pub(crate) fn best_first(goal: Goal, a: &Line, b: &Line) -> Ordering {
    match goal {
        Goal::Loss => a.loss.total_cmp(&b.loss),
        Goal::Ranking => b.mean_average_precision.total_cmp(&a.mean_average_precision),
    }
}

/// Whether early stopping ended the run: no better epoch came in as many as it waits for.
pub(crate) fn ran_out_of_patience(lines: &[Line], config: &Config) -> bool {
    let last = lines.iter().filter(|line| line.split == Side::Valid).map(|line| line.epoch).max();
    match (config.patience, best(lines, config.goal), last) {
        (Some(patience), Some(best), Some(last)) => last >= best.epoch + patience,
        _ => false,
    }
}

/// How the reason begins for which training stops by itself.
pub(crate) const NOT_A_NUMBER: &str = "the loss is not a number";

/// Writes the log while Burn's learner trains, and answers its questions about earlier epochs.
pub(crate) struct LogWriter {
    file: File,
    means: RunningMeans,
    started: Instant,
    finished: Vec<Line>,
    /// Steps of the current epoch so far.
    steps: usize,
    interrupter: Interrupter,
}

impl LogWriter {
    /// Goes on with the log at `path` behind `finished`, its lines that count.
    /// It stops the training by `interrupter` at a loss that is not a number.
    pub(crate) fn new(path: &Path, finished: Vec<Line>, interrupter: Interrupter) -> Result<Self> {
        let mut text = String::new();
        for line in &finished {
            text += &(serde_json::to_string(line)? + "\n");
        }
        marquee::bundle::write_atomically(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path)?;
        let (means, started) = (RunningMeans::default(), Instant::now());
        Ok(Self { file, means, started, finished, steps: 0, interrupter })
    }
}

impl MetricLogger for LogWriter {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, _split: &Split) {
        self.steps += 1;
        for metric in update.entries_numeric {
            if let Some(value) = &metric.numeric_entry {
                self.means.add(&metric.entry, value);
            }
        }
        if self.means.is_nan("Loss") {
            let reason = format!("{NOT_A_NUMBER} at epoch {epoch}, step {}", self.steps);
            self.interrupter.stop(Some(&reason));
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let side = side(split);
        let line =
            self.finished.iter().find(|line| line.epoch == epoch && Some(line.split) == side);
        let value = line.map(|line| match name {
            "Loss" => line.loss,
            map_metric::NAME => line.mean_average_precision,
            _ => line.accuracy * 100.0,
        });
        Ok(value.map(NumericEntry::Value).into_iter().collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.means.register(definition);
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        let Some(split) = side(&summary.split) else { return };
        let line = Line {
            epoch: summary.epoch_number,
            split,
            loss: self.means.mean("Loss"),
            accuracy: self.means.mean("Accuracy") / 100.0,
            mean_average_precision: self.means.mean(map_metric::NAME),
            seconds: (self.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        };
        self.means.clear();
        self.steps = 0;
        self.started = Instant::now();
        let json = serde_json::to_string(&line).unwrap_or_default();
        if let Err(error) = writeln!(self.file, "{json}") {
            eprintln!("warning: log.jsonl cannot be written: {error}");
        }
        self.finished.push(line);
    }
}

fn side(split: &Split) -> Option<Side> {
    match split {
        Split::Train => Some(Side::Train),
        Split::Valid => Some(Side::Valid),
        Split::Test(_) => None,
    }
}
