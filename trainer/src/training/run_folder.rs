//! A run folder: the files of one training run.
//!
//! | file | contents |
//! |---|---|
//! | `config.toml` | the resolved configuration |
//! | `begun.toml` | the configuration with which the run began |
//! | `train.txt`, `valid.txt`, `test.txt` | the ids of each split |
//! | `additional-train.txt`, `additional-test.txt` | the ids of the additional posters, if there are any |
//! | `log.jsonl` | the metrics of each epoch |
//! | `steps.csv` | the loss, the learning rate and the speed every few steps |
//! | `curves.svg`, `curves.png` | the metrics of each epoch, drawn |
//! | `checkpoint/{model,optim,scheduler}-<epoch>.bpk` | the last two epochs and the best one |
//! | `best.bpk` | the model of the best epoch, after training |
//! | `device.txt` | the device that trained |

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use marquee::Model;
use marquee::bundle::write_atomically;

use crate::data::additional;
use crate::data::dataset::Dataset;
use crate::data::poster_ids;
use crate::data::posters::Poster;
use crate::data::split::{Split, SplitName};
use crate::training::config::Config;
use crate::training::epoch_log::{self, EpochRecord};
use crate::training::learner::TrainingModel;

/// A run folder and its configuration.
pub(crate) struct Run {
    pub(crate) dir: PathBuf,
    pub(crate) config: Config,
}

impl Run {
    /// Creates the folder of a new run. [`Run::begin`] then makes it a run that can be resumed.
    ///
    /// # Errors
    /// The folder already holds a run.
    pub(crate) fn create(dir: &Path, config: Config) -> Result<Self> {
        ensure!(
            !dir.join("config.toml").exists(),
            "{} already holds a run: continue it with --resume {}, or choose another --out",
            dir.display(),
            dir.display()
        );
        std::fs::create_dir_all(dir.join("checkpoint"))
            .with_context(|| format!("--out {}", dir.display()))?;
        Ok(Self { dir: dir.to_owned(), config })
    }

    /// Opens an existing run folder.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.toml");
        ensure!(path.is_file(), "{} is not a run folder: it has no config.toml", dir.display());
        Ok(Self { dir: dir.to_owned(), config: Config::read(&path)? })
    }

    /// Writes the files that are known before the first step. `config.toml` comes last, because a folder with it is a
    /// run that can be resumed.
    pub(crate) fn begin(&self, split: &Split, device: &str) -> Result<()> {
        for (name, posters) in self.lists(split) {
            write_atomically(&self.dir.join(name), ids(posters).as_bytes())?;
        }
        write_atomically(&self.dir.join("device.txt"), format!("{device}\n").as_bytes())?;
        let config = self.config.to_toml()?;
        write_atomically(&self.dir.join("begun.toml"), config.as_bytes())?;
        write_atomically(&self.dir.join("config.toml"), config.as_bytes())?;
        Ok(())
    }

    /// Changes the number of epochs, for example to continue a finished run.
    ///
    /// # Errors
    /// More epochs are finished already, or `config.toml` cannot be written.
    pub(crate) fn set_epochs(&mut self, epochs: usize) -> Result<()> {
        let finished = self.log()?.iter().map(|record| record.epoch).max().unwrap_or(0);
        ensure!(
            epochs >= finished.max(1),
            "--epochs {epochs}: {} has finished {finished} epochs already; choose at least {}",
            self.dir.display(),
            finished.max(1)
        );
        if epochs != self.config.epochs {
            self.config.epochs = epochs;
            let path = self.dir.join("config.toml");
            write_atomically(&path, self.config.to_toml()?.as_bytes())
                .with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Checks that the configuration is still the one with which the run began, except for `epochs`, `patience` and
    /// `log_steps`.
    pub(crate) fn check_config(&self) -> Result<()> {
        let begun = Config::read(&self.dir.join("begun.toml"))?;
        let changed = begun.differences(&self.config)?;
        ensure!(
            changed.is_empty(),
            "{} was changed since the run began: {}; restore it (see begun.toml), or start a new run. \
             Only epochs, patience and log_steps may change",
            self.dir.join("config.toml").display(),
            changed.join(", ")
        );
        Ok(())
    }

    /// Divides the main posters into the splits with which the run began; [`Self::check_split`] then notices missing
    /// ones. Posters that were added since are left out.
    ///
    /// # Errors
    /// A list of ids cannot be read.
    pub(crate) fn split(&self, posters: Vec<Poster>) -> Result<Split> {
        let ids = |name: &str| poster_ids::read(&self.dir.join(name));
        let ids = [ids("train.txt")?, ids("valid.txt")?, ids("test.txt")?];
        let all = posters.len();
        let split = Split::from_ids(posters, &ids);
        let used = split.train.len() + split.valid.len() + split.test.len();
        if used < all {
            eprintln!(
                "note: {} posters were added since the run began; it leaves them out",
                all - used
            );
        }
        Ok(split)
    }

    /// Returns the ids of the additional training and test posters; empty sets without additional data.
    pub(crate) fn additional_ids(&self) -> Result<[HashSet<String>; 2]> {
        if self.config.additional.dirs.is_empty() {
            return Ok([HashSet::new(), HashSet::new()]);
        }
        let ids = |name: &str| poster_ids::read(&self.dir.join(name));
        Ok([ids("additional-train.txt")?, ids("additional-test.txt")?])
    }

    /// Checks that the posters of each split are still those with which the run began.
    pub(crate) fn check_split(&self, split: &Split) -> Result<()> {
        for (name, posters) in self.lists(split) {
            let path = self.dir.join(name);
            let before =
                std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            if before != ids(posters) {
                bail!(
                    "the posters in {} are no longer those that this run began with (see {}); \
                     restore them, or start a new run",
                    self.config.data.display(),
                    path.display()
                );
            }
        }
        Ok(())
    }

    /// Returns the file name and the posters of each list of ids.
    fn lists<'a>(&self, split: &'a Split) -> Vec<(&'static str, &'a [Poster])> {
        let Split { train, valid, test, additional } = split;
        let mut lists: Vec<(&'static str, &[Poster])> =
            vec![("train.txt", train), ("valid.txt", valid), ("test.txt", test)];
        if !self.config.additional.dirs.is_empty() {
            lists.push(("additional-train.txt", &additional.train));
            lists.push(("additional-test.txt", &additional.test));
        }
        lists
    }

    /// Returns the additional training and test posters, each by folder; none if the run has no additional data. `main`
    /// is the run's main dataset.
    pub(crate) fn additional_datasets(&self, main: &Dataset) -> Result<[Vec<Dataset>; 2]> {
        let Config { additional, missing_genre, .. } = &self.config;
        let all = additional::read(&additional.dirs, missing_genre.as_deref(), main)?;
        Ok(self.additional_ids()?.map(|ids| {
            let chosen = all.iter().map(|dataset| dataset.with_ids(&ids));
            chosen.filter(|dataset| !dataset.rows.is_empty()).collect()
        }))
    }

    /// Returns the path of the log.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir.join("log.jsonl")
    }

    /// Returns the path of the step-level log.
    pub(crate) fn step_log_path(&self) -> PathBuf {
        self.dir.join("steps.csv")
    }

    /// Reads the log; empty before the first epoch ends.
    pub(crate) fn log(&self) -> Result<Vec<EpochRecord>> {
        epoch_log::read(&self.log_path())
    }

    /// Returns the ids of the posters to evaluate on: the test split, or the validation split if the run has no
    /// test split.
    pub(crate) fn evaluation_ids(&self) -> Result<HashSet<String>> {
        let ids = self.test_ids()?;
        if ids.is_empty() { poster_ids::read(&self.dir.join("valid.txt")) } else { Ok(ids) }
    }

    /// Returns whether the run has a test split.
    pub(crate) fn has_test_split(&self) -> Result<bool> {
        Ok(!self.test_ids()?.is_empty())
    }

    /// Returns the ids of the test split; empty for runs of versions that had none.
    fn test_ids(&self) -> Result<HashSet<String>> {
        let test = self.dir.join("test.txt");
        if test.is_file() { poster_ids::read(&test) } else { Ok(HashSet::new()) }
    }

    /// Returns the device that trained, or an empty string if it is unknown.
    pub(crate) fn device(&self) -> String {
        let device = std::fs::read_to_string(self.dir.join("device.txt")).unwrap_or_default();
        device.trim().to_owned()
    }

    /// Returns the last epoch that is in the log and has a complete checkpoint, or 0. The two are written
    /// concurrently, so that a killed run may have only one of them.
    pub(crate) fn last_checkpoint(&self) -> Result<usize> {
        let log = self.log()?;
        let is_complete = |epoch: &usize| {
            let parts = ["model", "optim", "scheduler"];
            parts.iter().all(|part| self.checkpoint(part, *epoch).is_file())
                && log.iter().any(|line| line.epoch == *epoch && line.split == SplitName::Valid)
        };
        Ok((1..=self.config.epochs).rev().find(is_complete).unwrap_or(0))
    }

    /// Removes the temporary files of a killed run. Every file is written under a temporary name and then renamed.
    pub(crate) fn remove_temporary_files(&self) -> Result<()> {
        for dir in [&self.dir, &self.dir.join("checkpoint")] {
            for entry in dir.read_dir().with_context(|| dir.display().to_string())? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "tmp") {
                    std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
                }
            }
        }
        Ok(())
    }

    /// Returns the path of one of an epoch's checkpoint files.
    fn checkpoint(&self, part: &str, epoch: usize) -> PathBuf {
        self.dir.join("checkpoint").join(format!("{part}-{epoch}.bpk"))
    }

    /// Returns the model of the best epoch so far, and the epoch's record.
    pub(crate) fn best_model(
        &self,
        genres: usize,
        device: &Device,
    ) -> Result<(Model, EpochRecord)> {
        let records = self.log()?;
        let best = epoch_log::best(&records, self.config.selection_metric)
            .with_context(|| format!("{} has no finished epoch", self.dir.display()))?;
        let path = self.checkpoint("model", best.epoch);
        let input = &self.config.input;
        let model =
            Model::init(&self.config.architecture, [input.width, input.height], genres, device)?;
        let model = TrainingModel::new(model, &self.config.loss, self.config.ema_decay);
        let model = model.try_load_file(&path).with_context(|| path.display().to_string())?;
        Ok((model.into_evaluated().valid(), best.clone()))
    }

    /// Copies the checkpoint of the best epoch to `best.bpk`.
    pub(crate) fn keep_best(&self, best: &EpochRecord) -> Result<()> {
        let path = self.checkpoint("model", best.epoch);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        write_atomically(&self.dir.join("best.bpk"), &bytes)?;
        Ok(())
    }
}

/// Returns the ids of posters, one per line.
fn ids(posters: &[Poster]) -> String {
    posters.iter().map(|poster| poster.row.id.clone() + "\n").collect()
}
