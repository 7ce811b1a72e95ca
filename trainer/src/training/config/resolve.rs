//! From a named or written configuration to a [`Config`]: `extends`, `--set` and the other options of `trainer train`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

use super::{Config, DistillationConfig, architecture_keys};
use crate::config_keys;

/// Built-in configurations, by name.
const NAMED: [(&str, &str); 4] = [
    ("efficientnet-lite0", include_str!("../../../configs/efficientnet-lite0.toml")),
    ("teacher", include_str!("../../../configs/teacher.toml")),
    ("seed-cnn", include_str!("../../../configs/seed-cnn.toml")),
    ("seed-cnn-all", include_str!("../../../configs/seed-cnn-all.toml")),
];

/// The key of a configuration file that names the configuration whose values it inherits.
pub(super) const EXTENDS: &str = "extends";

/// Largest number of configurations in a chain of `extends`.
const MAX_CHAIN: usize = 8;

/// Command-line options that take precedence over the configuration file.
#[derive(Default)]
pub(crate) struct Overrides {
    /// `KEY=VALUE` pairs, in order.
    pub(crate) set: Vec<String>,
    pub(crate) data: PathBuf,
    pub(crate) also: Vec<PathBuf>,
    pub(crate) pretrained: Option<PathBuf>,
    pub(crate) skip_bad: bool,
    pub(crate) limit: Option<usize>,
    pub(crate) epochs: Option<usize>,
    pub(crate) batch_size: Option<usize>,
    pub(crate) learning_rate: Option<f64>,
    pub(crate) seed: Option<u64>,
}

impl Config {
    /// Resolves the configuration `name`, which is built in or a file, and applies the overrides. Paths become
    /// absolute.
    ///
    /// # Errors
    /// The configuration does not exist, has an unknown key, lacks a required one, or a value is out of range.
    pub(crate) fn resolve(name: &str, overrides: &Overrides) -> Result<Self> {
        let mut table = read(name, MAX_CHAIN).with_context(|| format!("--config {name}"))?;
        table.entry("group_near_duplicates").or_insert(Value::Boolean(true));
        for setting in &overrides.set {
            set(&mut table, setting).with_context(|| format!("--set {setting}"))?;
        }
        let context = || format!("--config {name} with --set");
        let mut config: Self = Value::Table(table.clone()).try_into().with_context(context)?;
        architecture_keys::check(&table, &config.architecture).with_context(context)?;
        config.name = name.to_owned();
        if !overrides.data.as_os_str().is_empty() {
            config.data = std::path::absolute(&overrides.data)?;
        }
        if let Some(file) = &overrides.pretrained {
            config.pretrained = Some(std::path::absolute(file)?);
        }
        config.skip_bad = overrides.skip_bad;
        config.limit = overrides.limit.or(config.limit);
        config.epochs = overrides.epochs.unwrap_or(config.epochs);
        config.batch_size = overrides.batch_size.unwrap_or(config.batch_size);
        config.learning_rate = overrides.learning_rate.unwrap_or(config.learning_rate);
        config.seed = overrides.seed.unwrap_or(config.seed);
        if !overrides.also.is_empty() {
            config.additional.dirs.clone_from(&overrides.also);
        }
        let DistillationConfig { teachers, soft_labels, .. } = &mut config.distillation;
        let paths = teachers.iter_mut().chain(soft_labels).chain(&mut config.additional.dirs);
        for path in paths {
            *path = std::path::absolute(&*path)?;
        }
        config.check()?;
        Ok(config)
    }
}

/// Reads a configuration and those that it extends, with current key names.
fn read(name: &str, chain_left: usize) -> Result<Table> {
    ensure!(chain_left > 0, "{EXTENDS}: more than {MAX_CHAIN} configurations extend each other");
    let built_in = NAMED.iter().find(|(known, _)| *known == name);
    let text = match built_in {
        Some((_, text)) => (*text).to_owned(),
        None => std::fs::read_to_string(name).with_context(|| {
            let names = NAMED.map(|(name, _)| name).join(", ");
            format!("neither a file nor one of {names}")
        })?,
    };
    let mut table: Table = toml::from_str(&text)?;
    config_keys::rename_former(&mut table)?;
    let Some(base) = table.remove(EXTENDS) else { return Ok(table) };
    let base = base.as_str().with_context(|| format!("{EXTENDS} is not a string"))?;
    let mut merged = read(&base_name(base, name), chain_left - 1)
        .with_context(|| format!("{EXTENDS} = {base:?}"))?;
    merge(&mut merged, table);
    Ok(merged)
}

/// Returns the name of a base configuration. A path is relative to the folder of the file that extends it.
fn base_name(base: &str, extending: &str) -> String {
    if NAMED.iter().any(|(known, _)| *known == base) {
        return base.to_owned();
    }
    let folder = Path::new(extending).parent().unwrap_or_else(|| Path::new(""));
    folder.join(base).to_string_lossy().into_owned()
}

/// Replaces values of `base` by those of `table`, key by key.
fn merge(base: &mut Table, table: Table) {
    for (key, value) in table {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Applies one `KEY=VALUE` of `--set`.
fn set(table: &mut Table, setting: &str) -> Result<()> {
    let (key, value) = setting.split_once('=').context("it must have the form KEY=VALUE")?;
    // A value that is not TOML is a string, so that words need no quotes inside the shell's quotes.
    let value = match toml::from_str::<Table>(&format!("value = {value}")) {
        Ok(mut parsed) => parsed.remove("value").context("the value is missing")?,
        Err(_) => Value::String(value.to_owned()),
    };
    config_keys::insert(table, config_keys::current_name(key.trim()), value)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, set: &[&str]) -> Result<Config> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("mine.toml");
        std::fs::write(&file, text)?;
        let set = set.iter().map(|&setting| setting.to_owned()).collect();
        Config::resolve(&file.to_string_lossy(), &Overrides { set, ..Overrides::default() })
    }

    #[test]
    fn all_built_in_configurations_resolve() -> Result<()> {
        for (name, _) in NAMED {
            Config::resolve(name, &Overrides::default()).with_context(|| name)?;
        }
        Ok(())
    }

    #[test]
    fn a_configuration_inherits_what_it_does_not_set() -> Result<()> {
        let base = Config::resolve("efficientnet-lite0", &Overrides::default())?;
        let mine = resolve("extends = \"efficientnet-lite0\"\n[augment]\nmixup = 0.7", &[])?;
        assert_eq!(mine.augment.mixup, 0.7);
        assert_eq!(mine.augment.crop_area, base.augment.crop_area);
        assert_eq!(mine.architecture, base.architecture);
        Ok(())
    }

    #[test]
    fn random_parts_are_frozen_only_on_request() -> Result<()> {
        let resolve = |pretrained: bool, set: &[&str]| {
            let set: Vec<String> = set.iter().map(|&setting| setting.to_owned()).collect();
            let pretrained = pretrained.then(|| "lite0.whl".into());
            let overrides = Overrides { set: set.clone(), pretrained, ..Overrides::default() };
            let mut config = Config::resolve("efficientnet-lite0", &overrides)?;
            let note = config.unfreeze_random_parts(&set).unwrap_or_default();
            anyhow::Ok((config.frozen_parts, note))
        };
        assert_eq!(resolve(true, &[])?, (3, String::new()));
        assert_eq!(resolve(false, &["frozen_parts=0"])?, (0, String::new()));
        let (frozen, note) = resolve(false, &[])?;
        assert_eq!(frozen, 0);
        assert!(
            note.contains("the 3 that the configuration freezes have random weights"),
            "{note}"
        );
        let (frozen, note) = resolve(false, &["frozen_parts=5"])?;
        assert_eq!(frozen, 5);
        assert!(note.starts_with("warning: without --pretrained, the 5 frozen parts"), "{note}");
        Ok(())
    }

    #[test]
    fn former_key_names_are_accepted() -> Result<()> {
        let text = "extends = \"teacher\"\naverage = 0.5\ngoal = \"ranking\"";
        let mine = resolve(text, &["teaching.share=0.25", "balance=1"])?;
        assert_eq!((mine.ema_decay, mine.genre_balance), (0.5, 1.0));
        assert_eq!(mine.distillation.weight, 0.25);
        assert_eq!(mine.selection_metric, super::super::SelectionMetric::MeanAveragePrecision);
        Ok(())
    }

    #[test]
    fn rejects_unknown_keys_and_circular_bases() {
        let error = |text: &str| resolve(text, &[]).map_err(|error| format!("{error:#}")).err();
        let unknown = error("extends = \"teacher\"\nlerning_rate = 1").unwrap_or_default();
        assert!(unknown.contains("lerning_rate"), "{unknown}");
        let text = "extends = \"seed-cnn\"\n[architecture]\nhidden_nrom = false";
        let unknown = error(text).unwrap_or_default();
        assert!(unknown.contains("architecture.hidden_nrom is unknown"), "{unknown}");
        assert!(
            unknown.contains("the keys of seed-cnn are channels, dropout, hidden,"),
            "{unknown}"
        );
        let unknown = resolve("extends = \"teacher\"", &["architecture.drop_paht=0.2"]);
        let unknown = unknown.map_err(|error| format!("{error:#}")).err().unwrap_or_default();
        assert!(unknown.contains("architecture.drop_paht is unknown"), "{unknown}");
        assert!(unknown.contains("drop_path, dropout, name"), "{unknown}");
        let circular = error("extends = \"mine.toml\"").unwrap_or_default();
        assert!(circular.contains("extend each other"), "{circular}");
    }
}
