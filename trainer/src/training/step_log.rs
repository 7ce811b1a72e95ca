//! The step-level log of a run, `steps.csv`: one row every few optimiser steps.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::train::metric::NumericEntry;
use burn::train::metric::store::MetricsUpdate;
use marquee::bundle::write_atomically;

use crate::training::metric_means::{LEARNING_RATE, LOSS, RunningMeans};

const HEADER: &str = "epoch,step,loss,learning_rate,posters_per_second";

/// Writes `steps.csv` while Burn's learner trains.
pub(crate) struct StepLog {
    file: File,
    /// Steps per row.
    every: usize,
    /// Batches per step: one for each device.
    devices: usize,
    /// Batches since the run began.
    batches: usize,
    row: Row,
}

/// What happened since the last row.
struct Row {
    epoch: usize,
    batches: usize,
    /// Sum over posters.
    loss: f64,
    posters: usize,
    learning_rate: f64,
    started: Instant,
}

impl Row {
    fn new() -> Self {
        let started = Instant::now();
        Self { epoch: 0, batches: 0, loss: 0.0, posters: 0, learning_rate: 0.0, started }
    }
}

impl StepLog {
    /// Opens the log at `path`, keeps its rows up to epoch `done`, and appends one every `every` steps. Each of the
    /// `devices` processes one batch per step.
    pub(crate) fn open(path: &Path, every: usize, devices: usize, done: usize) -> Result<Self> {
        let context = || path.display().to_string();
        let before = match path.is_file() {
            true => std::fs::read_to_string(path).with_context(context)?,
            false => String::new(),
        };
        let (mut text, mut steps) = (format!("{HEADER}\n"), 0);
        for line in before.lines().skip(1) {
            let mut cells = line.split(',').map_while(|cell| cell.parse::<f64>().ok());
            let (Some(epoch), Some(step), 3) = (cells.next(), cells.next(), cells.count()) else {
                break; // the last row of a killed run
            };
            if epoch as usize <= done {
                text += &format!("{line}\n");
                steps = step as usize;
            }
        }
        write_atomically(path, text.as_bytes()).with_context(context)?;
        let file = OpenOptions::new().append(true).open(path).with_context(context)?;
        let devices = devices.max(1);
        Ok(Self { file, every, devices, batches: steps * devices, row: Row::new() })
    }

    /// Adds a batch. `means` has the names of the metrics. Burn's values for a whole epoch are ignored.
    pub(crate) fn add(&mut self, epoch: usize, update: &MetricsUpdate, means: &RunningMeans) {
        for metric in &update.entries_numeric {
            let Some(NumericEntry::Aggregated { aggregated_value: value, count }) =
                metric.numeric_entry
            else {
                continue;
            };
            match means.name(&metric.entry) {
                Some(LOSS) => self.row.loss += value * count as f64,
                Some(LEARNING_RATE) => self.row.learning_rate = value,
                _ => continue,
            }
            if means.name(&metric.entry) == Some(LOSS) {
                self.row.posters += count;
                self.row.batches += 1;
                self.batches += 1;
            }
        }
        self.row.epoch = epoch;
        if self.row.batches >= self.every * self.devices {
            self.write_row();
        }
    }

    /// Writes the last steps of an epoch. Validation does not count towards the speed.
    pub(crate) fn end_of_split(&mut self) {
        if self.row.batches > 0 {
            self.write_row();
        }
        self.row = Row::new();
    }

    fn write_row(&mut self) {
        let Row { epoch, loss, posters, learning_rate, started, .. } =
            std::mem::replace(&mut self.row, Row::new());
        let posters = posters as f64;
        let written = writeln!(
            self.file,
            "{epoch},{},{:.6},{learning_rate:.6e},{:.1}",
            self.batches.div_ceil(self.devices),
            loss / posters,
            posters / started.elapsed().as_secs_f64().max(1e-9),
        );
        if let Err(error) = written {
            eprintln!("warning: steps.csv cannot be written: {error}");
        }
    }
}
