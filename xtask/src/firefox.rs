//! Firefox for the tests of the npm package: the system's, or Debian's package.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::debian;
use crate::step::{output, step};

/// Finds Firefox, or installs it where Debian's packages can be had. `None` where it is missing: the tests in it are
/// then skipped by name.
pub(crate) fn find() -> Result<Option<PathBuf>> {
    if let Some(found) = installed() {
        return Ok(Some(found));
    }
    if !debian::permitted() {
        return Ok(None);
    }
    step("installing Firefox from Debian", || debian::install(&["firefox-esr"]))?;
    Ok(installed())
}

fn installed() -> Option<PathBuf> {
    ["firefox-esr", "firefox"].iter().find_map(|name| {
        output(Command::new("sh").args(["-c", &format!("command -v {name}")])).map(PathBuf::from)
    })
}
