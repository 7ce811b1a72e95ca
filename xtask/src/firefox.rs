//! Firefox for the tests of the page and of the npm package: the system's, or Debian's package.

use std::path::PathBuf;
use std::process::Command;

use crate::debian;
use crate::step::output;

/// Finds Firefox, or installs it where Debian's packages can be had. `None` where it is missing: the tests in it are
/// then skipped by name.
pub(crate) fn find() -> Option<PathBuf> {
    let found = installed();
    if found.is_some() || !debian::permitted() {
        return found;
    }
    debian::try_install("Firefox", &["firefox-esr"]);
    installed()
}

fn installed() -> Option<PathBuf> {
    ["firefox-esr", "firefox"].iter().find_map(|name| {
        output(Command::new("sh").args(["-c", &format!("command -v {name}")])).map(PathBuf::from)
    })
}
