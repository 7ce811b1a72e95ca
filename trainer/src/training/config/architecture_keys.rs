//! Misspelt keys of `[architecture]`. Serde cannot refuse them, because the section's keys depend on its name, and
//! because bundles of later versions may have more of them.

use anyhow::{Result, bail};
use marquee::Architecture;
use toml::{Table, Value};

use super::reference::ArchitectureKeys;

/// Checks the keys of `[architecture]` in `config`. A key of another architecture has no effect, and is allowed because
/// a configuration may inherit it from one for that architecture.
///
/// # Errors
/// Names a key that no architecture has, and those of this one.
pub(super) fn check(config: &Table, architecture: &Architecture) -> Result<()> {
    let Some(Value::Table(keys)) = config.get("architecture") else { return Ok(()) };
    let is_known = |key: &str| ArchitectureKeys::KEYS.iter().any(|(known, _)| *known == key);
    let Some(unknown) = keys.keys().find(|key| !is_known(key)) else { return Ok(()) };
    let (name, known) = (architecture.name(), Table::try_from(architecture)?);
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    bail!("architecture.{unknown} is unknown; the keys of {name} are {}", known.join(", "))
}
