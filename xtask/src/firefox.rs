//! Firefox for the tests of the page and of the npm package: the system's, or Debian's package.

use std::path::PathBuf;

use crate::debian;
use crate::step::find_program;

/// Finds Firefox, or installs it where Debian's packages can be had. `None` where it is missing: the tests in it are
/// then skipped by name.
pub(crate) fn find() -> Option<PathBuf> {
    debian::find_or_install("Firefox", &["firefox-esr"], || {
        ["firefox-esr", "firefox"].into_iter().find_map(find_program)
    })
}
