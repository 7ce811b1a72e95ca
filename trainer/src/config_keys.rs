//! Dotted configuration keys, such as `augment.mixup`: setting them, and the former names that old configuration
//! files, run folders and bundles use.

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

/// Former and current names.
const RENAMED: [(&str, &str); 7] = [
    ("average", "ema_decay"),
    ("balance", "genre_balance"),
    ("enlarge", "inference_scale"),
    ("goal", "selection_metric"),
    ("lookalikes_together", "group_near_duplicates"),
    ("teaching.runs", "distillation.teachers"),
    ("teaching.share", "distillation.weight"),
];

/// Returns the current name of a key.
pub(crate) fn current_name(key: &str) -> &str {
    RENAMED.iter().find(|(former, _)| *former == key).map_or(key, |(_, current)| current)
}

/// Gives every former key in `config` its current name.
///
/// # Errors
/// A key is present under both names.
pub(crate) fn rename_former(config: &mut Table) -> Result<()> {
    for (former, current) in RENAMED {
        let Some(value) = remove(config, former) else { continue };
        let previous = insert(config, current, value)?;
        ensure!(previous.is_none(), "{former} is the former name of {current}: set only one");
    }
    Ok(())
}

/// Sets a key, creating the tables on the way to it, and returns its previous value.
///
/// # Errors
/// A part of the key other than the last names a value that is not a table.
pub(crate) fn insert(config: &mut Table, key: &str, value: Value) -> Result<Option<Value>> {
    let mut parts = key.split('.');
    let name = parts.next_back().context("the key is empty")?;
    let mut table = config;
    for part in parts {
        let inner = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
        table = inner.as_table_mut().with_context(|| format!("{part} is not a table"))?;
    }
    Ok(table.insert(name.to_owned(), value))
}

/// Removes a key, and its table if that is then empty.
fn remove(config: &mut Table, key: &str) -> Option<Value> {
    let Some((table_name, name)) = key.split_once('.') else { return config.remove(key) };
    let table = config.get_mut(table_name)?.as_table_mut()?;
    let value = remove(table, name);
    if table.is_empty() {
        config.remove(table_name);
    }
    value
}

/// Looks up a top-level key in the settings of a manifest, under its current or its former name. A manifest of several
/// averaged runs holds a list of settings; the first counts.
pub(crate) fn recorded<'a>(
    settings: &'a serde_json::Value,
    key: &str,
) -> Option<&'a serde_json::Value> {
    let former = RENAMED.iter().find(|(_, current)| *current == key).map(|(former, _)| *former);
    let settings = settings.get(0).unwrap_or(settings);
    settings.get(key).or_else(|| settings.get(former?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_names_become_current_ones() {
        let mut config: Table =
            toml::from_str("average = 0.9\n[teaching]\nshare = 0.5\nruns = []").unwrap_or_default();
        assert!(rename_former(&mut config).is_ok());
        let expected = "ema_decay = 0.9\n[distillation]\nweight = 0.5\nteachers = []";
        assert_eq!(config, toml::from_str(expected).unwrap_or_default());
    }

    #[test]
    fn rejects_a_key_under_both_names() {
        let mut config: Table =
            toml::from_str("average = 0.9\nema_decay = 0.9").unwrap_or_default();
        let error = rename_former(&mut config).map_err(|error| error.to_string());
        assert_eq!(error, Err("average is the former name of ema_decay: set only one".into()));
    }

    #[test]
    fn finds_recorded_settings_under_either_name() {
        let old = serde_json::json!({ "enlarge": 1.2 });
        let new = serde_json::json!({ "inference_scale": 1.2 });
        for settings in [old, new] {
            assert_eq!(recorded(&settings, "inference_scale"), Some(&1.2.into()));
        }
        let soup = serde_json::json!([{ "enlarge": 1.2 }, { "enlarge": 1.3 }]);
        assert_eq!(recorded(&soup, "inference_scale"), Some(&1.2.into()));
        assert_eq!(recorded(&serde_json::json!([]), "inference_scale"), None);
    }
}
