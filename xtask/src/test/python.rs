//! Tests of the Python package, from its wheel in a virtual environment.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::package;
use crate::project::Project;
use crate::site::Site;
use crate::step::{run as run_command, step};
use crate::tools::{self, PythonEnvironment};

/// Builds the wasm package with whose predictions the tests compare theirs.
pub(super) fn build_cpu_package(project: &Project) -> Result<()> {
    package::build_one(project, package::cpu(), &Site::new(project))
}

/// Runs all tests. Returns what was skipped if their packages cannot be had.
pub(super) fn run(project: &Project) -> Result<Option<String>> {
    let Some(python) = tools::python_environment(project)? else {
        return Ok(Some("the Python package: PyPI cannot be reached".into()));
    };
    install_wheel(project, &python)?;
    let folder = project.root.join("python");
    step("style of the Python package", || {
        run_command(python.program("ruff").current_dir(&folder).args(["check", "--quiet"]))?;
        let mut format = python.program("ruff");
        run_command(format.current_dir(&folder).args(["format", "--check", "--quiet"]))
    })?;
    step("tests of the Python package, with a Ray cluster", || {
        let mut pytest = python.program("python");
        pytest.current_dir(&folder).args(["-m", "pytest", "--quiet"]);
        run_command(pytest.env("MARQUEE_CPU_PACKAGE", project.www().join("pkg/cpu")))
    })?;
    Ok(None)
}

/// Builds the wheel, and returns the folder where it is.
///
/// It has a target folder of its own, so that it can be built while another cargo runs; with `in_background`, by one
/// compiler at a time, which leaves the other processors to that cargo.
pub(super) fn build_wheel(
    project: &Project,
    python: &PythonEnvironment,
    in_background: bool,
) -> Result<PathBuf> {
    let wheels = project.target.join("wheels");
    step("building the wheel", || {
        let mut maturin = python.program("maturin");
        maturin.current_dir(project.root.join("python"));
        maturin.args(["build", "--quiet", "--release", "--locked", "--interpreter"]);
        maturin.arg(python.path("python")).arg("--out").arg(&wheels);
        maturin.env("CARGO_TARGET_DIR", project.target.join("python"));
        maturin.envs(in_background.then_some(("CARGO_BUILD_JOBS", "1")));
        run_command(&mut maturin)
    })?;
    Ok(wheels)
}

/// Builds the wheel and installs it into the environment.
pub(crate) fn install_wheel(project: &Project, python: &PythonEnvironment) -> Result<()> {
    let wheels = build_wheel(project, python, false)?;
    let mut pip: Command = python.pip();
    pip.args(["install", "--quiet", "--no-deps", "--no-index", "--force-reinstall"]);
    pip.arg("--find-links").arg(&wheels);
    run_command(pip.arg(format!("marquee-posters=={}", project.version)))
}
