//! A run folder, everything that one training leaves behind:
//!
//! - `config.toml`, the resolved configuration, and `begun.toml`, what it was when the run began,
//! - `train.txt`, `valid.txt` and `test.txt`, the ids on each side of the split,
//! - `log.jsonl`, the losses and accuracies by epoch; `curves.svg` and `curves.png` draw them,
//! - `checkpoint/{model,optim,scheduler}-<epoch>.bpk`, of the last two epochs and the best one,
//! - `best.bpk`, the network of the best epoch, once training is done,
//! - `device.txt`, the device that trained.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use marquee::Model;
use marquee::bundle::write_atomically;

use crate::data::posters::Poster;
use crate::data::split::Split;
use crate::commands::evaluate::read_ids;
use crate::training::config::Config;
use crate::training::epoch_log::{self, Line};
use crate::training::learner::Learning;

pub(crate) struct Run {
    pub(crate) dir: PathBuf,
    pub(crate) config: Config,
}

impl Run {
    /// Starts a new run folder.
    pub(crate) fn create(dir: &Path, config: Config) -> Result<Self> {
        ensure!(
            !dir.join("config.toml").exists(),
            "{} holds a run already: continue it with --resume {}, or name another --out",
            dir.display(),
            dir.display()
        );
        std::fs::create_dir_all(dir.join("checkpoint"))
            .with_context(|| format!("--out {}", dir.display()))?;
        Ok(Self { dir: dir.to_owned(), config })
    }

    /// Opens a run folder.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.toml");
        ensure!(path.is_file(), "{} is not a run folder: it has no config.toml", dir.display());
        Ok(Self { dir: dir.to_owned(), config: Config::read(&path)? })
    }

    /// Writes what is known before the first step. The configuration comes last: with it, the folder is a
    /// run that can be resumed.
    pub(crate) fn begin(&self, split: &Split, device: &str) -> Result<()> {
        write_atomically(&self.dir.join("train.txt"), ids(&split.train).as_bytes())?;
        write_atomically(&self.dir.join("valid.txt"), ids(&split.valid).as_bytes())?;
        write_atomically(&self.dir.join("test.txt"), ids(&split.test).as_bytes())?;
        write_atomically(&self.dir.join("device.txt"), format!("{device}\n").as_bytes())?;
        let config = self.config.to_toml()?;
        write_atomically(&self.dir.join("begun.toml"), config.as_bytes())?;
        write_atomically(&self.dir.join("config.toml"), config.as_bytes())?;
        Ok(())
    }

    /// Makes sure that the configuration is still the one that the run began with, but for how long it goes on.
    pub(crate) fn check_config(&self) -> Result<()> {
        let begun = Config::read(&self.dir.join("begun.toml"))?;
        let changed = begun.differences(&self.config)?;
        ensure!(
            changed.is_empty(),
            "{} was changed since the run began: {}; put it back (see begun.toml), or start a new run. \
             Only epochs and patience may change",
            self.dir.join("config.toml").display(),
            changed.join(", ")
        );
        Ok(())
    }

    /// Makes sure that the data are still those that the run began with.
    pub(crate) fn check_split(&self, split: &Split) -> Result<()> {
        let Split { train, valid, test } = split;
        for (name, posters) in [("train.txt", train), ("valid.txt", valid), ("test.txt", test)] {
            let path = self.dir.join(name);
            let before =
                std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            if before != ids(posters) {
                bail!(
                    "the posters in {} are no longer those that this run began with (see {}); \
                     put them back, or start a new run",
                    self.config.data.display(),
                    path.display()
                );
            }
        }
        Ok(())
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir.join("log.jsonl")
    }

    /// The lines of the log.
    pub(crate) fn log(&self) -> Result<Vec<Line>> {
        epoch_log::read(&self.log_path())
    }

    /// The posters that judge: the test's, or validation's where there is no test.
    pub(crate) fn judging_ids(&self) -> Result<HashSet<String>> {
        let test = self.dir.join("test.txt");
        let ids = if test.is_file() { read_ids(&test)? } else { HashSet::new() };
        if ids.is_empty() { read_ids(&self.dir.join("valid.txt")) } else { Ok(ids) }
    }

    /// The device that trained.
    pub(crate) fn device(&self) -> String {
        let device = std::fs::read_to_string(self.dir.join("device.txt")).unwrap_or_default();
        device.trim().to_owned()
    }

    /// The last epoch that is in the log and whose checkpoint is complete, which are written side by side; 0 if
    /// there is none.
    pub(crate) fn last_checkpoint(&self) -> Result<usize> {
        let log = self.log()?;
        let complete = |epoch: &usize| {
            let parts = ["model", "optim", "scheduler"];
            parts.iter().all(|part| self.checkpoint(part, *epoch).is_file())
                && log
                    .iter()
                    .any(|line| line.epoch == *epoch && line.split == epoch_log::Side::Valid)
        };
        Ok((1..=self.config.epochs).rev().find(complete).unwrap_or(0))
    }

    /// Removes what a killed run was about to write; each file is written beside its place and then renamed.
    pub(crate) fn remove_drafts(&self) -> Result<()> {
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

    fn checkpoint(&self, part: &str, epoch: usize) -> PathBuf {
        self.dir.join("checkpoint").join(format!("{part}-{epoch}.bpk"))
    }

    /// The network of the best epoch so far, and its line in the log.
    pub(crate) fn best_model(&self, genres: usize, device: &Device) -> Result<(Model, Line)> {
        let lines = self.log()?;
        let best = epoch_log::best(&lines, self.config.goal)
            .with_context(|| format!("{} has no finished epoch yet", self.dir.display()))?;
        let path = self.checkpoint("model", best.epoch);
        let input = &self.config.input;
        let model =
            Model::init(&self.config.architecture, [input.width, input.height], genres, device);
        let model = model.map_err(anyhow::Error::msg)?;
        let learning = Learning::new(model, &self.config.loss, self.config.average);
        let learning = learning.try_load_file(&path).with_context(|| path.display().to_string())?;
        Ok((learning.best().valid(), best.clone()))
    }

    /// Puts the best epoch's network at `best.bpk`.
    pub(crate) fn keep_best(&self, best: &Line) -> Result<()> {
        let path = self.checkpoint("model", best.epoch);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        write_atomically(&self.dir.join("best.bpk"), &bytes)?;
        Ok(())
    }
}

fn ids(posters: &[Poster]) -> String {
    posters.iter().map(|poster| poster.row.id.clone() + "\n").collect()
}
