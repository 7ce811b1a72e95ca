//! The log of a run, `log.jsonl`: one JSON line per epoch and split. It supplies the curves and the best epoch, and a
//! resumed run continues it after the last finished epoch.

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
use serde::{Deserialize, Deserializer, Serialize};

use crate::data::split::SplitName;
use crate::training::config::{Config, SelectionMetric};
use crate::training::map_metric;
use crate::training::metric_means::{ACCURACY, LOSS, RunningMeans};
use crate::training::step_log::StepLog;

/// The metrics of one epoch on one split: a line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EpochRecord {
    /// From 1.
    pub(crate) epoch: usize,
    pub(crate) split: SplitName,
    /// Training: the loss. Validation: the binary cross-entropy. Mean over posters and genres.
    pub(crate) loss: f64,
    /// Fraction of the posters whose most probable genre is their first true one, 0..=1.
    pub(crate) accuracy: f64,
    /// Over the genres that have enough positives in this split, 0..=1; NaN, which the log writes as `null`, if there
    /// is no such genre.
    #[serde(default, deserialize_with = "number_or_nan")]
    pub(crate) mean_average_precision: f64,
    /// Duration of the epoch on this split.
    pub(crate) seconds: f64,
}

fn number_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Reads a log, up to a last line that may have been cut off when the trainer was killed. A missing log is empty.
pub(crate) fn read(path: &Path) -> Result<Vec<EpochRecord>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| path.display().to_string())?,
    };
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}

/// Returns the validation record of the best epoch; the earliest of equal ones.
pub(crate) fn best(records: &[EpochRecord], metric: SelectionMetric) -> Option<&EpochRecord> {
    let valid = || records.iter().filter(|r| r.split == SplitName::Valid && r.loss.is_finite());
    let metric = comparable(metric, valid());
    valid().min_by(|a, b| best_first(metric, a, b))
}

/// Returns the metric by which epochs can be compared: the loss if an epoch has no mean average precision.
pub(crate) fn comparable<'a>(
    metric: SelectionMetric,
    mut records: impl Iterator<Item = &'a EpochRecord>,
) -> SelectionMetric {
    match records.any(|record| record.mean_average_precision.is_nan()) {
        true => SelectionMetric::Loss,
        false => metric,
    }
}

/// Orders epochs from the best to the worst.
pub(crate) fn best_first(metric: SelectionMetric, a: &EpochRecord, b: &EpochRecord) -> Ordering {
    match metric {
        SelectionMetric::Loss => a.loss.total_cmp(&b.loss),
        SelectionMetric::MeanAveragePrecision => {
            b.mean_average_precision.total_cmp(&a.mean_average_precision)
        }
    }
}

/// Returns whether early stopping has ended the run: `patience` epochs brought no improvement.
pub(crate) fn stopped_early(records: &[EpochRecord], config: &Config) -> bool {
    let valid = records.iter().filter(|record| record.split == SplitName::Valid);
    let last = valid.map(|record| record.epoch).max();
    match (config.patience, best(records, config.selection_metric), last) {
        (Some(patience), Some(best), Some(last)) => last >= best.epoch + patience,
        _ => false,
    }
}

/// The beginning of the interruption's reason when the loss became NaN.
pub(crate) const NAN_LOSS: &str = "the loss is not a number";

/// Writes the log while Burn's learner trains, and returns the metrics of earlier epochs to it.
pub(crate) struct LogWriter {
    file: File,
    step_log: Option<StepLog>,
    means: RunningMeans,
    started: Instant,
    finished: Vec<EpochRecord>,
    /// Steps of the current epoch so far.
    steps: usize,
    interrupter: Interrupter,
}

impl LogWriter {
    /// Rewrites the log at `path` with the `finished` records and appends to it. Interrupts training when the loss
    /// becomes NaN.
    pub(crate) fn new(
        path: &Path,
        step_log: Option<StepLog>,
        finished: Vec<EpochRecord>,
        interrupter: Interrupter,
    ) -> Result<Self> {
        let mut text = String::new();
        for record in &finished {
            text += &(serde_json::to_string(record)? + "\n");
        }
        marquee::bundle::write_atomically(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path)?;
        let (means, started) = (RunningMeans::default(), Instant::now());
        Ok(Self { file, step_log, means, started, finished, steps: 0, interrupter })
    }
}

impl MetricLogger for LogWriter {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        self.steps += 1;
        if let (Some(step_log), Split::Train) = (&mut self.step_log, split) {
            step_log.add(epoch, &update, &self.means);
        }
        for metric in update.entries_numeric {
            if let Some(value) = &metric.numeric_entry {
                self.means.add(&metric.entry, value);
            }
        }
        if self.means.is_nan(LOSS) {
            let reason = format!("{NAN_LOSS} at epoch {epoch}, step {}", self.steps);
            self.interrupter.stop(Some(&reason));
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let split = split_name(split);
        let record = self.finished.iter().find(|r| r.epoch == epoch && Some(r.split) == split);
        let value = record.and_then(|record| match name {
            LOSS => Some(record.loss),
            map_metric::NAME => Some(record.mean_average_precision),
            ACCURACY => Some(record.accuracy * 100.0),
            _ => None, // the learning rate, which only `steps.csv` has
        });
        Ok(value.map(NumericEntry::Value).into_iter().collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.means.register(definition);
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        let Some(split) = split_name(&summary.split) else { return };
        let record = EpochRecord {
            epoch: summary.epoch_number,
            split,
            loss: self.means.mean(LOSS),
            accuracy: self.means.mean(ACCURACY) / 100.0,
            mean_average_precision: self.means.mean(map_metric::NAME),
            seconds: (self.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        };
        if let Some(step_log) = &mut self.step_log {
            step_log.end_of_split();
        }
        self.means.clear();
        self.steps = 0;
        self.started = Instant::now();
        let json = serde_json::to_string(&record).unwrap_or_default();
        if let Err(error) = writeln!(self.file, "{json}") {
            eprintln!("warning: log.jsonl cannot be written: {error}");
        }
        self.finished.push(record);
    }
}

/// Converts from Burn's splits; its test split is not used in training.
fn split_name(split: &Split) -> Option<SplitName> {
    match split {
        Split::Train => Some(SplitName::Train),
        Split::Valid => Some(SplitName::Valid),
        Split::Test(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize, loss: f64, mean_average_precision: f64) -> EpochRecord {
        let (split, accuracy, seconds) = (SplitName::Valid, 0.0, 1.0);
        EpochRecord { epoch, split, loss, accuracy, mean_average_precision, seconds }
    }

    #[test]
    fn an_undefined_mean_average_precision_survives_the_log() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let line = serde_json::to_string(&record(1, 0.5, f64::NAN))?;
        assert!(line.contains("\"mean_average_precision\":null"), "{line}");
        std::fs::write(file.path(), line)?;
        let read = read(file.path())?;
        assert_eq!(read.len(), 1);
        assert!(read[0].mean_average_precision.is_nan());
        Ok(())
    }

    #[test]
    fn the_loss_selects_where_the_mean_average_precision_is_undefined() {
        let metric = SelectionMetric::MeanAveragePrecision;
        let defined = [record(1, 0.4, 0.2), record(2, 0.5, 0.3), record(3, 0.3, 0.3)];
        assert_eq!(best(&defined, metric).map(|record| record.epoch), Some(2));
        let undefined = defined.map(|r| record(r.epoch, r.loss, f64::NAN));
        assert_eq!(best(&undefined, metric).map(|record| record.epoch), Some(3));
    }
}
