//! Chromium and its driver for the tests: those of the system, or Debian's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::step::{output, step};

pub(crate) struct Chromium {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Flags for a test machine: no GPU but an emulated one, no network but the test's own, no sandbox as root.
pub(crate) const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// Finds both, or installs them.
pub(crate) fn find() -> Result<Chromium> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    if !debian::permitted() {
        bail!(
            "Chromium or chromedriver is missing: install both, of the same version, from your system's packages"
        );
    }
    step("installing Chromium from Debian", || {
        debian::install(&["chromium", "chromium-driver", "fonts-dejavu-core"])
    })?;
    installed().context("Debian's packages brought no Chromium")
}

fn installed() -> Option<Chromium> {
    let first = |names: &[&str]| {
        names.iter().find_map(|name| {
            let path = output(Command::new("sh").args(["-c", &format!("command -v {name}")]))?;
            Path::new(&path).is_file().then(|| PathBuf::from(path))
        })
    };
    Some(Chromium {
        browser: first(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?,
        driver: first(&["chromedriver"])?,
    })
}
