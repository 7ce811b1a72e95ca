//! Model soups: the mean of the best weights of several runs. Fine-tuning from the same pretrained weights ends in the
//! same basin of the loss, and the mean is often better than each run, at no extra cost in inference (Wortsman et al.
//! 2022, "Model soups").

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::Model;

use crate::training::config::Config;
use crate::training::ema;
use crate::training::epoch_log::EpochRecord;
use crate::training::run_folder::Run;

/// Runs whose weights can be averaged. A single run is a soup of one.
pub(crate) struct Soup {
    pub(crate) first: Run,
    pub(crate) others: Vec<Run>,
}

impl Soup {
    /// Opens the runs in `dirs`.
    ///
    /// # Errors
    /// The runs differ in their architecture, their input, their pretrained weights or their splits. With different
    /// splits, the metrics would include posters that one of the runs was trained on.
    pub(crate) fn open(dirs: &[PathBuf]) -> Result<Self> {
        let (first, others) = dirs.split_first().context("--run is missing")?;
        let first = Run::open(first)?;
        let others = others.iter().map(|dir| Run::open(dir)).collect::<Result<Vec<_>>>()?;
        for other in &others {
            let check = |what: &str, same: bool| {
                let (a, b) = (first.dir.display(), other.dir.display());
                ensure!(same, "{a} and {b} cannot be averaged: they differ in {what}");
                Ok(())
            };
            let (a, b) = (&first.config, &other.config);
            check("their architecture", a.architecture.name() == b.architecture.name())?;
            check("their input", (&a.input, a.inference_scale) == (&b.input, b.inference_scale))?;
            // Compared by file name, because the folder may have moved.
            let pretrained = |config: &Config| {
                config.pretrained.as_deref().and_then(Path::file_name).map(OsStr::to_owned)
            };
            check("their pretrained weights", pretrained(a) == pretrained(b))?;
            for list in ["train.txt", "valid.txt", "test.txt"] {
                let ids =
                    |run: &Run| std::fs::read_to_string(run.dir.join(list)).unwrap_or_default();
                check(&format!("the posters of {list}"), ids(&first) == ids(other))?;
            }
        }
        Ok(Self { first, others })
    }

    /// Returns all runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the mean of the runs' best models, and the record of the first run's best epoch.
    pub(crate) fn best_model(
        &self,
        genres: usize,
        device: &Device,
    ) -> Result<(Model, EpochRecord)> {
        let (mut mean, best) = self.first.best_model(genres, device)?;
        for (index, run) in self.others.iter().enumerate() {
            let (model, _) = run.best_model(genres, device)?;
            let count = (index + 2) as f64;
            mean = ema::update(mean, &model, 1.0 - 1.0 / count);
        }
        Ok((mean, best))
    }
}
