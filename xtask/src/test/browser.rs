//! Tests in browsers: the crate in headless Chromium, the page in Chromium, Firefox and WebKit.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{PageTests, lint};
use crate::chromium::{self, Chromium};
use crate::package;
use crate::project::Project;
use crate::step::{run as run_command, step};
use crate::tools::{self, WasmToolchain};

/// Runs all tests of the built packages. Returns what was skipped because a browser is missing.
pub(super) fn run(project: &Project) -> Result<Vec<String>> {
    let toolchain = tools::wasm_toolchain()?;
    let modules = tools::node_packages(project)?;
    // The scripts import the packages' types.
    step("types of the page's scripts", || {
        let mut tsc = Command::new(modules.join(".bin/tsc"));
        run_command(tsc.args(["--project", "tests/e2e"]).current_dir(&project.root))
    })?;
    let chromium = chromium::find()?;
    let wasm_pack = tools::wasm_pack(project)?;
    step("tests of the crate in headless Chromium, by wasm-pack", || {
        let mut command = wasm_pack_test(project, &toolchain, &chromium, &wasm_pack)?;
        run_command(&mut command)
    })?;
    step("tests of the crate on WebGPU, by wasm-pack", || {
        let mut command = wasm_pack_test(project, &toolchain, &chromium, &wasm_pack)?;
        command.args(["--", "--features", package::GPU_FEATURES]);
        run_command(command.env("MARQUEE_REQUIRE_WEBGPU", "1"))
    })?;
    let page = PageTests::prepare(project)?;
    step("end-to-end tests of the page in Chromium, Firefox and WebKit", || {
        page.run().context("see tests/e2e/screenshots for what the page showed")
    })?;
    Ok(page.skipped())
}

/// Returns `wasm-pack test --headless --chrome --release` with the browser and tools that were found. The build also lints
/// the crate, and finds its dependencies already compiled for the packages.
fn wasm_pack_test(
    project: &Project,
    toolchain: &WasmToolchain,
    chromium: &Chromium,
    wasm_pack: &PathBuf,
) -> Result<Command> {
    let mut command = Command::new(wasm_pack);
    command
        .current_dir(&project.root)
        .args(["test", "--headless", "--chrome", "--release", "--chromedriver"])
        .arg(&chromium.driver)
        .args(["--mode", "no-install"])
        // SwiftShader compiles its shaders on the CPU, which may take longer than the seconds in .cargo/config.toml.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "600")
        .env("PATH", tools::path_with_tools(project)?);
    lint::while_building(toolchain.apply(&mut command));
    Ok(command)
}
