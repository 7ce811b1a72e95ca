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

/// Runs the lints of all Rust code.
pub(super) fn clippy(project: &Project) -> Result<()> {
    // With the GPU backends, which no native test compiles.
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
