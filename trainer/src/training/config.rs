//! What a training run does, resolved: a named or written configuration with what was typed laid over it.
//! It is saved in the run folder, so that a run says how it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use marquee::{Architecture, Preprocess};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::cli::TrainArgs;
use crate::data::augment::Augment;
use crate::training::loss::LossConfig;

/// Configurations that come with the trainer, by name.
const NAMED: [(&str, &str); 4] = [
    ("efficientnet-lite0", include_str!("../../configs/efficientnet-lite0.toml")),
    ("teacher", include_str!("../../configs/teacher.toml")),
    ("seed-cnn", include_str!("../../configs/seed-cnn.toml")),
    ("seed-cnn-all", include_str!("../../configs/seed-cnn-all.toml")),
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
    /// File of pretrained weights, absolute.
    pub(crate) pretrained: Option<PathBuf>,
    /// Whether posters with a bad image are left out.
    #[serde(default)]
    pub(crate) skip_bad: bool,
    /// Rows of train.csv, from the top; all without it.
    pub(crate) limit: Option<usize>,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    /// The highest.
    pub(crate) learning_rate: f64,
    /// Of the split, unless it has its own; the order, the first weights and dropout.
    pub(crate) seed: u64,
    /// Of the split alone, so that several seeds are judged on the same posters.
    pub(crate) split_seed: Option<u64>,
    /// Whether posters that look nearly alike stand on one side of the split. A new run says yes unless it is told
    /// otherwise; those from before this was looked at say nothing, and keep the split that they had.
    #[serde(default)]
    pub(crate) lookalikes_together: bool,
    /// Share of the posters that choose the epoch and fit temperature and thresholds.
    pub(crate) valid_share: f64,
    /// Share of the posters that only the final figures see. Without it, the figures are validation's.
    #[serde(default)]
    pub(crate) test_share: f64,
    /// Parts of the network, from the front, that stay as they are.
    #[serde(default)]
    pub(crate) frozen_parts: usize,
    /// Views of each poster whose features behind the frozen parts are computed once; 0 computes them anew
    /// at every step.
    #[serde(default)]
    pub(crate) cached_views: usize,
    /// How much of the averaged weights stays at each step, 0..1; 0 keeps no average.
    #[serde(default)]
    pub(crate) average: f64,
    /// How much oftener posters of rare genres are drawn; see `loader.rs`. 0 draws each once an epoch.
    #[serde(default)]
    pub(crate) balance: f64,
    /// What makes an epoch the best one.
    #[serde(default)]
    pub(crate) goal: Goal,
    /// Epochs without a better one after which training stops; never without it.
    pub(crate) patience: Option<usize>,
    pub(crate) architecture: Architecture,
    /// What posters are made to in training.
    pub(crate) input: Preprocess,
    /// How many times larger they are where the network is judged and used. A crop that is enlarged to the input
    /// shows everything larger than the whole poster does; cut from larger posters it does not, and so a network
    /// can be trained on fewer pixels than it is used on (Touvron et al. 2019, "Fixing the train-test resolution
    /// discrepancy").
    #[serde(default = "as_large")]
    pub(crate) enlarge: f64,
    #[serde(default)]
    pub(crate) optimiser: OptimiserConfig,
    #[serde(default)]
    pub(crate) loss: LossConfig,
    #[serde(default)]
    pub(crate) augment: Augment,
    #[serde(default)]
    pub(crate) teaching: TeachingConfig,
}

/// What is judged on the validation posters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Goal {
    /// A low binary cross-entropy.
    #[default]
    Loss,
    /// A high mean average precision.
    Ranking,
}

/// AdamW (Loshchilov and Hutter 2019), and how its rate goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OptimiserConfig {
    /// Share of a weight that a step of rate 1 takes away.
    pub(crate) weight_decay: f64,
    pub(crate) epsilon: f64,
    /// Epochs, or a part of one, in which the rate rises from nothing.
    pub(crate) warmup_epochs: f64,
    pub(crate) schedule: Schedule,
    /// Rate of a part beside that of the part behind it, above 0 and up to 1: early layers see edges and
    /// colours, which are the same on posters.
    pub(crate) part_decay: f64,
    /// Longest gradient of a parameter tensor; longer ones are shortened to it.
    pub(crate) clip_norm: Option<f64>,
}

impl Default for OptimiserConfig {
    /// Plain Adam with Keras' epsilon, as in the notebook.
    fn default() -> Self {
        Self {
            weight_decay: 0.0,
            epsilon: 1e-7,
            warmup_epochs: 0.0,
            schedule: Schedule::Constant,
            part_decay: 1.0,
            clip_norm: None,
        }
    }
}

/// How the learning rate goes behind the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Schedule {
    Constant,
    /// Half a cosine down to 0 at the last step (Loshchilov and Hutter 2017, "SGDR").
    Cosine,
}

/// Distillation (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network").
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TeachingConfig {
    /// Run folders, or bundles', whose mean answer teaches.
    pub(crate) runs: Vec<PathBuf>,
    /// How much of the target is the teachers' answer, 0..=1; the rest is the label.
    pub(crate) share: f64,
}

fn as_large() -> f64 {
    1.0
}

impl Config {
    /// What posters are made to where the network is judged and used.
    pub(crate) fn judged_input(&self) -> Preprocess {
        let enlarged = |side: u32| (f64::from(side) * self.enlarge).round() as u32;
        let Preprocess { width, height, .. } = self.input;
        Preprocess { width: enlarged(width), height: enlarged(height), ..self.input.clone() }
    }

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
        let mut table: Table =
            toml::from_str(&text).with_context(|| format!("--config {}", args.config))?;
        table.entry("lookalikes_together").or_insert(Value::Boolean(true));
        for setting in &args.set {
            overlay(&mut table, setting).with_context(|| format!("--set {setting}"))?;
        }
        let mut config: Self = Value::Table(table)
            .try_into()
            .with_context(|| format!("--config {} with --set", args.config))?;
        config.name.clone_from(&args.config);
        config.data = std::path::absolute(data)?;
        if let Some(file) = &args.pretrained {
            config.pretrained = Some(std::path::absolute(file)?);
        }
        config.skip_bad = args.skip_bad;
        config.limit = args.limit.or(config.limit);
        config.epochs = args.epochs.unwrap_or(config.epochs);
        config.batch_size = args.batch_size.unwrap_or(config.batch_size);
        config.learning_rate = args.learning_rate.unwrap_or(config.learning_rate);
        config.seed = args.seed.unwrap_or(config.seed);
        for run in &mut config.teaching.runs {
            *run = std::path::absolute(&*run)?;
        }
        config.check()?;
        Ok(config)
    }

    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.epochs > 0, "epochs must be at least 1");
        ensure!(self.batch_size > 0, "batch_size must be at least 1");
        ensure!(self.limit != Some(0), "limit must be at least 1");
        ensure!(self.patience != Some(0), "patience must be at least 1");
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            bail!("learning_rate must be above 0, not {}", self.learning_rate);
        }
        if !(self.valid_share > 0.0 && self.valid_share < 1.0) {
            bail!("valid_share must lie between 0 and 1, not {}", self.valid_share);
        }
        if self.valid_share + self.test_share >= 1.0 {
            bail!("valid_share and test_share leave no poster to train on");
        }
        let (name, parts) = (self.architecture.name(), self.architecture.parts());
        ensure!(
            self.frozen_parts <= parts,
            "frozen_parts is {}, but {name} has only {parts} parts to freeze",
            self.frozen_parts
        );
        let Self { optimiser, loss, augment, teaching, .. } = self;
        // 0 to 1, the upper end left out where everything would be gone.
        let shares = [
            ("test_share", self.test_share, false),
            ("average", self.average, false),
            ("loss.smoothing", loss.smoothing, false),
            ("augment.crop_area", augment.crop_area, true),
            ("augment.colour", augment.colour, false),
            ("augment.jpeg", augment.jpeg, true),
            ("augment.erase", augment.erase, true),
            ("teaching.share", teaching.share, true),
        ];
        for (name, share, with_one) in shares {
            if !(0.0..=1.0).contains(&share) || share == 1.0 && !with_one {
                bail!("{name} must lie between 0 and 1, not {share}");
            }
        }
        let positive = [
            ("balance", self.balance),
            ("augment.mixup", augment.mixup),
            ("loss.negative_gamma", loss.negative_gamma),
            ("loss.positive_gamma", loss.positive_gamma),
            ("optimiser.warmup_epochs", optimiser.warmup_epochs),
            ("optimiser.weight_decay", optimiser.weight_decay),
        ];
        for (name, value) in positive {
            ensure!(value.is_finite() && value >= 0.0, "{name} must not be below 0, as {value} is");
        }
        let decay = optimiser.part_decay;
        ensure!(
            decay > 0.0 && decay <= 1.0,
            "optimiser.part_decay must be above 0 and at most 1, not {decay}"
        );
        ensure!(
            (0.5..=2.0).contains(&self.enlarge),
            "enlarge must lie between 0.5 and 2, not {}",
            self.enlarge
        );
        ensure!(
            self.enlarge == 1.0 || takes_any_size(&self.architecture),
            "enlarge must be 1: a {name} takes posters of one size alone"
        );
        if self.cached_views > 0 && self.frozen_parts == 0 {
            bail!("cached_views needs frozen_parts: there are no features to keep");
        }
        if !teaching.runs.is_empty() && teaching.share == 0.0 {
            bail!("teaching.share is 0: the teachers would teach nothing");
        }
        Ok(())
    }

    /// Reads the resolved configuration of a run.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Keys whose values differ, but for those that only say when to end.
    pub(crate) fn differences(&self, other: &Self) -> Result<Vec<String>> {
        let flat = |config: &Self| -> Result<BTreeMap<String, String>> {
            let mut flat = BTreeMap::new();
            flatten("", &Value::try_from(config)?, &mut flat);
            Ok(flat)
        };
        let (mine, others) = (flat(self)?, flat(other)?);
        let keys: BTreeSet<&String> = mine.keys().chain(others.keys()).collect();
        let differ = |key: &&String| mine.get(*key) != others.get(*key);
        let ends = |key: &&String| matches!(key.as_str(), "epochs" | "patience");
        Ok(keys.into_iter().filter(differ).filter(|key| !ends(key)).cloned().collect())
    }

    /// What a manifest says of it: all but paths, which mean nothing on another machine.
    pub(crate) fn settings(&self) -> Result<serde_json::Value> {
        let mut settings = serde_json::to_value(self)?;
        let file_name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into());
        if let Some(table) = settings.as_object_mut() {
            // These stand in the manifest by themselves.
            for known in ["name", "data", "architecture", "input"] {
                table.remove(known);
            }
            if let Some(pretrained) = self.pretrained.as_ref().and_then(file_name) {
                table.insert("pretrained".into(), serde_json::Value::String(pretrained));
            }
            let teachers: Vec<serde_json::Value> = self
                .teaching
                .runs
                .iter()
                .filter_map(file_name)
                .map(serde_json::Value::String)
                .collect();
            table["teaching"]["runs"] = teachers.into();
            table.retain(|_, value| !value.is_null());
        }
        Ok(settings)
    }

    pub(crate) fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

/// Whether a network takes posters of any size, and not only of the one that it was made for.
pub(crate) fn takes_any_size(architecture: &Architecture) -> bool {
    !matches!(architecture, Architecture::SeedCnn(_))
}

/// Every value by its key, such as `augment.mixup`.
fn flatten(key: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    let Value::Table(table) = value else {
        flat.insert(key.to_owned(), value.to_string());
        return;
    };
    for (name, value) in table {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        flatten(&key, value, flat);
    }
}

/// Lays `key.in.tables=value` over a configuration.
fn overlay(table: &mut Table, setting: &str) -> Result<()> {
    let (key, value) = setting.split_once('=').context("it is not KEY=VALUE")?;
    // What is no TOML by itself is text, so that words need no quotes inside a shell's quotes.
    let value = match toml::from_str::<Table>(&format!("value = {value}")) {
        Ok(mut parsed) => parsed.remove("value").context("it has no value")?,
        Err(_) => Value::String(value.to_owned()),
    };
    let mut path: Vec<&str> = key.trim().split('.').collect();
    let name = path.pop().context("it has no key")?;
    let mut table = table;
    for part in path {
        let inner = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
        table = inner.as_table_mut().with_context(|| format!("{part} is no table"))?;
    }
    table.insert(name.to_owned(), value);
    Ok(())
}
