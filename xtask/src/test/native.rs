//! Tests that need no browser.

use std::process::Command;

use anyhow::Result;

use super::{lint, untrusted};
use crate::project::Project;
use crate::step::{output, run as run_command, step};
use crate::tools;

/// Runs the tests of all packages. Returns what was skipped.
pub(super) fn run(project: &Project) -> Result<Option<String>> {
    let imagenet = tools::imagenet_wheels(project)?;
    let onnx = tools::onnx_packages(project)?;
    step("tests, native", || {
        let mut cargo = cargo_test(project);
        cargo.env("MARQUEE_IMAGENET", imagenet).env("MARQUEE_UNTRUSTED", untrusted(project));
        cargo.envs(onnx.iter().map(|packages| ("MARQUEE_ONNX_PACKAGES", packages)));
        run_command(&mut cargo)
    })?;
    step("benchmarks of the CPU kernels, once each", || {
        run_command(cargo_test(project).args(["--bench", "cpu"]))
    })?;
    let no_onnx = onnx.is_none().then(|| {
        "the Python example of docs/onnx.md: PyPI has no onnxruntime for this machine's Python"
            .into()
    });
    let skipped: Vec<String> = no_onnx.into_iter().chain(miri(project)?).collect();
    Ok((!skipped.is_empty()).then(|| skipped.join("; ")))
}

/// `cargo test` of all packages, which also lints them.
pub(super) fn cargo_test(project: &Project) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&project.root).args(["test", "--quiet", "--workspace"]);
    lint::while_building(&mut cargo);
    cargo
}

/// Runs the tests of `unsafe` code under Miri. Returns what was skipped if no toolchain has it.
fn miri(project: &Project) -> Result<Option<String>> {
    // Not `cargo +nightly`, with which rustup would install one.
    let nightly = |arguments: &[&str]| {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(&project.root).args(["run", "nightly", "cargo", "miri"]).args(arguments);
        rustup
    };
    if output(&mut nightly(&["--version"])).is_none() {
        return Ok(Some(
            "unsafe code under Miri: no nightly toolchain with Miri is installed".into(),
        ));
    }
    step("unsafe code under Miri", || {
        let package = ["--package", "marquee", "--features", "flex,autodiff"];
        run_command(
            nightly(&["test", "--quiet", "--lib"]).args(package).arg("kernels::flex::product"),
        )
    })?;
    Ok(None)
}
