//! Chromium and its driver for the tests: the system's, or Debian's packages.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::step::{find_program, step};

pub(crate) struct Chromium {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Flags for a test machine: no window, no network except the test's own, no sandbox since that cannot run as root.
pub(crate) const FLAGS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// Flags for WebGPU on a GPU in software.
pub(crate) const WEBGPU_FLAGS: [&str; 2] =
    ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/// Finds Chromium and its driver, or installs them.
pub(crate) fn find() -> Result<Chromium> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    if !debian::permitted() {
        bail!(
            "Chromium or chromedriver is missing: install the same version of both from your system's packages"
        );
    }
    step("installing Chromium from Debian", || {
        debian::install(&["chromium", "chromium-driver", "fonts-dejavu-core"])
    })?;
    installed().context("Debian's packages installed no Chromium")
}

fn installed() -> Option<Chromium> {
    let first = |names: &[&str]| {
        names.iter().find_map(|name| find_program(name).filter(|path| path.is_file()))
    };
    Some(Chromium {
        browser: first(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?,
        driver: first(&["chromedriver"])?,
    })
}
