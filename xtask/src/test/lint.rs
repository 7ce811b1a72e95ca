//! Checks that run nothing of Marquee itself.

use std::process::Command;

use anyhow::Result;

use super::cargo;
use crate::dependencies;
use crate::project::Project;
use crate::step::{run as run_command, step};
use crate::tools::{self, WasmToolchain};

/// Runs the checks that take seconds. Returns what could not be checked here.
pub(super) fn quick(project: &Project) -> Result<Vec<String>> {
    tools::node_packages(project)?;
    step("formatting", || cargo(project, &["fmt", "--all", "--check"]))?;
    step("GitHub workflows", || {
        let mut node = Command::new("node");
        run_command(node.arg("lint-workflows.mjs").current_dir(project.node()))
    })?;
    dependencies::check(project)
}

/// Lets a cargo that builds also lint this workspace's crates.
///
/// `cargo clippy` does it the same way, but checks all dependencies once more, which takes half as long as building them.
pub(super) fn while_building(cargo: &mut Command) -> &mut Command {
    cargo
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        .env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__")
}

/// Runs the lints of all Rust code, with the GPU backends that no native test builds.
pub(super) fn clippy(project: &Project) -> Result<()> {
    step("lints, native", || {
        let gpu = ["--features", "trainer/wgpu", "--", "-Dwarnings"];
        let all = ["clippy", "--quiet", "--workspace", "--all-targets"];
        cargo(project, &[&all[..], &gpu].concat())
    })?;
    let toolchain = tools::wasm_toolchain()?;
    step("lints, wasm32", || lint_wasm(project, &toolchain))
}

fn lint_wasm(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&project.root)
        .args(["clippy", "--quiet", "--package", "marquee", "--all-targets"])
        .args(["--target", "wasm32-unknown-unknown", "--features", "flex,webgpu,autodiff"])
        .args(["--", "-Dwarnings"]);
    run_command(toolchain.apply(&mut cargo))
}
