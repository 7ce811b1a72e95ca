//! Saved configurations: in a run folder, to resume and compare, and in a manifest, as a record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Config;
use crate::config_keys;

impl Config {
    /// Reads the resolved configuration of a run. Accepts former key names.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let parse = || {
            let mut table: Table = toml::from_str(&text)?;
            config_keys::rename_former(&mut table)?;
            anyhow::Ok(Value::Table(table).try_into()?)
        };
        parse().with_context(|| path.display().to_string())
    }

    /// Returns the configuration as TOML.
    pub(crate) fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }

    /// Returns the dotted keys whose values differ, except those that only say when training ends and what is logged.
    pub(crate) fn differences(&self, other: &Self) -> Result<Vec<String>> {
        let flat = |config: &Self| -> Result<BTreeMap<String, String>> {
            let mut flat = BTreeMap::new();
            flatten("", &Value::try_from(config)?, &mut flat);
            Ok(flat)
        };
        let (mine, others) = (flat(self)?, flat(other)?);
        let keys: BTreeSet<&String> = mine.keys().chain(others.keys()).collect();
        let differs = |key: &&String| mine.get(*key) != others.get(*key);
        let may_change =
            |key: &&String| matches!(key.as_str(), "epochs" | "patience" | "log_steps");
        Ok(keys.into_iter().filter(differs).filter(|key| !may_change(key)).cloned().collect())
    }

    /// Returns the settings for a manifest: everything that the manifest does not hold elsewhere. Paths are cut down
    /// to file names, because folders mean nothing on another machine.
    pub(crate) fn settings(&self) -> Result<serde_json::Value> {
        let mut settings = serde_json::to_value(self)?;
        let file_name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into());
        if let Some(table) = settings.as_object_mut() {
            for elsewhere in ["name", "data", "architecture", "input"] {
                table.remove(elsewhere);
            }
            if let Some(pretrained) = self.pretrained.as_ref().and_then(file_name) {
                table.insert("pretrained".into(), serde_json::Value::String(pretrained));
            }
            let file_names = |paths: &[PathBuf]| -> serde_json::Value {
                let names = paths.iter().filter_map(file_name);
                names.map(serde_json::Value::String).collect::<Vec<_>>().into()
            };
            table["distillation"]["teachers"] = file_names(&self.distillation.teachers);
            table["distillation"]["soft_labels"] = file_names(&self.distillation.soft_labels);
            table["additional"]["dirs"] = file_names(&self.additional.dirs);
            table.retain(|_, value| !value.is_null());
        }
        Ok(settings)
    }
}

/// Collects every value by its dotted key, such as `augment.mixup`.
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
