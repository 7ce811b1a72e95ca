//! WebKitGTK for the tests of the page: its small browser, its driver and a display without a screen, from the system or
//! Debian's packages.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::debian;
use crate::step::find_program;

pub(crate) struct WebKit {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Where systems keep the programs of libraries. Debian has a folder for each architecture in `/usr/lib`.
const FOLDERS: [&str; 3] = ["/usr/lib", "/usr/libexec", "/usr/lib64"];

/// Finds WebKit, or installs it where Debian's packages can be had. `None` where it is missing: the tests in it are then
/// skipped by name.
pub(crate) fn find() -> Option<WebKit> {
    debian::find_or_install("WebKit", &["webkit2gtk-driver", "xvfb", "xauth"], installed)
}

fn installed() -> Option<WebKit> {
    find_program("xvfb-run")?;
    Some(WebKit { browser: browser()?, driver: find_program("WebKitWebDriver")? })
}

/// Returns the browser that comes with WebKitGTK, in a folder such as `/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1`.
fn browser() -> Option<PathBuf> {
    let outer: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
    let inner = outer.iter().flat_map(|folder| entries(folder));
    outer
        .iter()
        .cloned()
        .chain(inner)
        .flat_map(|folder| entries(&folder))
        .filter(|path| path.file_name().is_some_and(is_webkit))
        .map(|folder| folder.join("MiniBrowser"))
        .find(|path| path.is_file())
}

fn is_webkit(name: &OsStr) -> bool {
    ["webkit2gtk-", "webkitgtk-"].iter().any(|start| name.to_string_lossy().starts_with(start))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
