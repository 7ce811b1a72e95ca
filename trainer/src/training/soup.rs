//! Several runs as one network: the mean of their best weights. Runs that began from the same pretrained weights
//! end in the same valley, and its middle is better than its sides, at no cost when classifying (Wortsman et al.
//! 2022, "Model soups").

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::Model;

use crate::training::config::Config;
use crate::training::ema;
use crate::training::epoch_log::Line;
use crate::training::run_folder::Run;

/// Runs that can be averaged; often a single one.
pub(crate) struct Soup {
    pub(crate) first: Run,
    pub(crate) others: Vec<Run>,
}

impl Soup {
    /// Opens the runs in `dirs`.
    ///
    /// # Errors
    /// Says so where they are not of one architecture, did not begin alike, or do not keep the same posters aside:
    /// the figures would then be of posters that one of them was trained on.
    pub(crate) fn open(dirs: &[PathBuf]) -> Result<Self> {
        let (first, others) = dirs.split_first().context("name a --run")?;
        let first = Run::open(first)?;
        let others = others.iter().map(|dir| Run::open(dir)).collect::<Result<Vec<_>>>()?;
        for other in &others {
            let alike = |what: &str, same: bool| {
                let (a, b) = (first.dir.display(), other.dir.display());
                ensure!(same, "{a} and {b} cannot be averaged: they differ in {what}");
                Ok(())
            };
            let (a, b) = (&first.config, &other.config);
            alike("their architecture", a.architecture.name() == b.architecture.name())?;
            alike("their input", (&a.input, a.enlarge) == (&b.input, b.enlarge))?;
            // The file may have moved in between; its name says what it is.
            let began = |config: &Config| {
                config.pretrained.as_deref().and_then(Path::file_name).map(OsStr::to_owned)
            };
            alike("the weights that they began with", began(a) == began(b))?;
            for list in ["train.txt", "valid.txt", "test.txt"] {
                let ids =
                    |run: &Run| std::fs::read_to_string(run.dir.join(list)).unwrap_or_default();
                alike(&format!("the posters of {list}"), ids(&first) == ids(other))?;
            }
        }
        Ok(Self { first, others })
    }

    /// All of them.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The mean of the best networks, and the first one's line in its log.
    pub(crate) fn best_model(&self, genres: usize, device: &Device) -> Result<(Model, Line)> {
        let (mut mean, best) = self.first.best_model(genres, device)?;
        for (index, run) in self.others.iter().enumerate() {
            let (model, _) = run.best_model(genres, device)?;
            let among = (index + 2) as f64;
            mean = ema::update(mean, &model, 1.0 - 1.0 / among);
        }
        Ok((mean, best))
    }
}
