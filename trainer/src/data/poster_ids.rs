//! Lists of poster ids, one per line: a run's `train.txt`, `valid.txt` and `test.txt`, and `--only` files.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result};

/// Reads the ids in `path`, ignoring surrounding spaces and blank lines.
///
/// # Errors
/// Fails if the file cannot be read; the message names it.
pub(crate) fn read(path: &Path) -> Result<HashSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect())
}
