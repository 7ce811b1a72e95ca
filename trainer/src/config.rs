//! What a training run does, resolved: a named or written configuration with what was typed laid over it.
//! It is saved in the run folder, so that a run says how it was made.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use marquee::{ModelConfig, Preprocess};
use serde::{Deserialize, Serialize};

use crate::cli::TrainArgs;

/// Configurations that come with the trainer, by name.
const NAMED: [(&str, &str); 2] = [
    ("seed-cnn", include_str!("../configs/seed-cnn.toml")),
    ("seed-cnn-all", include_str!("../configs/seed-cnn-all.toml")),
];

/// A training configuration. See `configs/` for what each field means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The configuration's name, or its file.
    #[serde(default)]
    pub(crate) name: String,
    /// Folder of the posters, absolute.
    #[serde(default)]
    pub(crate) data: PathBuf,
    /// Whether posters with a bad image are left out.
    #[serde(default)]
    pub(crate) skip_bad: bool,
    pub(crate) limit: Option<usize>,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) learning_rate: f64,
    pub(crate) seed: u64,
    pub(crate) valid_share: f64,
    pub(crate) architecture: ModelConfig,
    pub(crate) input: Preprocess,
}

impl Config {
    /// The configuration named by `--config`, with the other options laid over it.
    pub(crate) fn resolve(args: &TrainArgs) -> Result<Self> {
        let data = args.data.as_deref().context("--data is missing")?;
        let named = NAMED.iter().find(|(name, _)| *name == args.config);
        let text = match named {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(&args.config).with_context(|| {
                let names = NAMED.map(|(name, _)| name).join(", ");
                format!("--config {}: neither a file nor one of {names}", args.config)
            })?,
        };
        let mut config: Self =
            toml::from_str(&text).with_context(|| format!("--config {}", args.config))?;
        config.name.clone_from(&args.config);
        config.data = std::path::absolute(data)?;
        config.skip_bad = args.skip_bad;
        config.limit = args.limit.or(config.limit);
        config.epochs = args.epochs.unwrap_or(config.epochs);
        config.batch_size = args.batch_size.unwrap_or(config.batch_size);
        config.learning_rate = args.learning_rate.unwrap_or(config.learning_rate);
        config.seed = args.seed.unwrap_or(config.seed);
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        ensure!(self.epochs > 0, "epochs must be at least 1");
        ensure!(self.batch_size > 0, "batch_size must be at least 1");
        ensure!(self.limit != Some(0), "limit must be at least 1");
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            bail!("learning_rate must be above 0, not {}", self.learning_rate);
        }
        if !(self.valid_share > 0.0 && self.valid_share < 1.0) {
            bail!("valid_share must lie between 0 and 1, not {}", self.valid_share);
        }
        Ok(())
    }

    /// Reads the resolved configuration of a run.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    pub(crate) fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}
