//! A virtual environment with what `python/requirements.txt` pins.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::python;
use crate::debian;
use crate::project::Project;
use crate::step::{output, step};

/// The oldest Python that the package supports (major, minor).
const OLDEST: [u32; 2] = [3, 11];

/// A Python of its own, with its own packages.
pub(crate) struct PythonEnvironment {
    folder: PathBuf,
}

impl PythonEnvironment {
    /// Returns the path of a program in the environment.
    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.folder.join("bin").join(program)
    }

    /// Returns a command that runs a program of the environment.
    pub(crate) fn program(&self, program: &str) -> Command {
        Command::new(self.path(program))
    }

    /// Returns the environment's pip.
    pub(crate) fn pip(&self) -> Command {
        let mut python = self.program("python");
        python.args(["-m", "pip", "--disable-pip-version-check"]);
        python
    }

    /// Installs what a file pins, unless that is done. Returns false if PyPI cannot be reached.
    ///
    /// # Errors
    /// If pip fails for another reason.
    pub(crate) fn install(&self, requirements: &Path, what: &str) -> Result<bool> {
        let pins =
            std::fs::read(requirements).with_context(|| requirements.display().to_string())?;
        let name = requirements.file_name().unwrap_or_default();
        let stamp = self.folder.join(name);
        if std::fs::read(&stamp).is_ok_and(|installed| installed == pins) {
            return Ok(true);
        }
        let installed = step(what, || {
            let mut pip = self.pip();
            pip.args(["install", "--quiet", "--retries", "2", "--requirement"]).arg(requirements);
            let result = pip.output().context("pip cannot be started")?;
            let errors = String::from_utf8_lossy(&result.stderr);
            if !result.status.success() && !is_unreachable(&errors) {
                bail!("{errors}");
            }
            Ok(result.status.success())
        })?;
        if installed {
            std::fs::write(stamp, pins)?;
        }
        Ok(installed)
    }
}

/// Returns the environment; makes it and installs its packages if they are missing. Returns `None` if they are missing
/// and PyPI cannot be reached.
///
/// # Errors
/// If there is no Python, or an old one.
pub(crate) fn python_environment(project: &Project) -> Result<Option<PythonEnvironment>> {
    let environment = PythonEnvironment { folder: project.tools().join("python") };
    if output(environment.pip().arg("--version")).is_none() {
        python::require_pip()?;
        require_new_enough()?;
        step("making a virtual environment for Python", || create(&environment.folder))?;
    }
    let requirements = project.root.join("python/requirements.txt");
    let what = "installing Python packages (Ray, Arrow, maturin, pytest, mypy; 250 MB, once)";
    Ok(environment.install(&requirements, what)?.then_some(environment))
}

fn create(folder: &Path) -> Result<()> {
    let create = || output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if create().is_none() {
        // Debian's Python comes without it.
        if !debian::permitted() {
            bail!("Python cannot make virtual environments: install python3-venv");
        }
        debian::install(&["python3-venv"])?;
        create().context("python3 -m venv failed")?;
    }
    Ok(())
}

fn require_new_enough() -> Result<()> {
    let version = output(Command::new("python3").arg("--version")).unwrap_or_default();
    let mut numbers = version.trim_start_matches("Python ").split('.').map(str::parse);
    let found = [numbers.next(), numbers.next()].map(|part| part.and_then(Result::ok).unwrap_or(0));
    ensure!(
        found >= OLDEST,
        "{version} is too old for the Python package: install version {}.{} or newer",
        OLDEST[0],
        OLDEST[1]
    );
    Ok(())
}

/// Whether pip's error output says that it could not reach an index.
fn is_unreachable(errors: &str) -> bool {
    ["NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError"]
        .iter()
        .any(|name| errors.contains(name))
}

#[cfg(test)]
mod tests {
    use super::is_unreachable;

    #[test]
    fn a_lost_network_is_told_from_a_missing_package() {
        let offline = "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError(…)'\n\
                       ERROR: No matching distribution found for ray==2.60.0";
        assert!(is_unreachable(offline));
        assert!(!is_unreachable("ERROR: No matching distribution found for ray==99"));
    }
}
