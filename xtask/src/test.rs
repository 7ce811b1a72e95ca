//! `cargo xtask test`: all checks and tests, the cheapest first. `.ci/run` runs it without arguments; the GitHub
//! workflow runs its parts side by side.

mod browser;
pub(crate) mod instructions;
mod lint;
mod native;
mod page;
mod preparation;
pub(crate) mod python;

use std::path::PathBuf;
use std::process::Command;
use std::thread::Scope;
use std::time::Instant;

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use crate::package;
use crate::project::Project;
use crate::step::{run as run_command, step};

pub(crate) use page::PageTests;

/// A part of the tests that can run by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Formatting, lints, licences and advisories of dependencies, GitHub workflows
    Lint,
    /// Tests of the crate, the trainer and xtask; unsafe code under Miri; counts of instructions
    Native,
    /// Types of the page's scripts, tests of the crate by wasm-pack in Chromium, and of the page in three browsers
    Browser,
    /// The Python package: its wheel, pytest, mypy, a job on a Ray cluster
    Python,
}

/// Runs some parts, or all of them if `only` is empty.
pub(crate) fn run(project: &Project, only: &[Part]) -> Result<()> {
    let started = Instant::now();
    let skipped = std::thread::scope(|scope| parts(project, only, scope))?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let what = if only.is_empty() { "everything" } else { "the selected parts" };
    println!("\n{what} passed in {minutes:.1} minutes");
    match skipped.as_slice() {
        [] => println!("nothing was skipped"),
        skipped => skipped.iter().for_each(|what| println!("skipped: {what}")),
    }
    Ok(())
}

/// Runs the parts. Returns what was skipped.
fn parts<'scope>(
    project: &'scope Project,
    only: &[Part],
    scope: &'scope Scope<'scope, '_>,
) -> Result<Vec<String>> {
    let wanted = |part| only.is_empty() || only.contains(&part);
    let mut skipped = Vec::new();
    let mut preparation = None;
    if wanted(Part::Lint) {
        skipped.extend(lint::quick(project)?);
        if only.is_empty() {
            preparation = Some(scope.spawn(|| preparation::run(project)));
            // The tests are built with the same lints, which is when dependencies are compiled anyway.
            skipped.push(
                "lints of what no test builds, such as the trainer's GPU backends: \
                 cargo xtask test --only lint"
                    .into(),
            );
        } else {
            lint::clippy(project)?;
        }
    }
    if wanted(Part::Native) {
        skipped.extend(native::run(project)?);
        skipped.extend(instructions::run(project)?);
    }
    if let Some(preparation) = preparation {
        // Its errors are dropped: the part that needs what is missing tries again, and reports them.
        let _ = preparation.join();
    }
    let mut python = None;
    if wanted(Part::Python) {
        python::build_cpu_package(project)?;
        python = Some(scope.spawn(|| python::run(project)));
    }
    if wanted(Part::Browser) {
        // Link-time optimisation keeps only one processor busy for minutes; the Python tests use the others.
        package::build(project)?;
    }
    // Nothing runs beside the tests of the page, since they measure time.
    if let Some(python) = python {
        skipped.extend(python.join().map_err(|_| anyhow!("the Python part panicked"))??);
    }
    if wanted(Part::Browser) {
        skipped.extend(browser::run(project)?);
    }
    Ok(skipped)
}

/// Writes the fixtures and golden values with which the tests in a browser compare their results.
pub(crate) fn golden(project: &Project) -> Result<()> {
    step("writing tests/fixtures from the native run", || {
        let mut cargo = native::cargo_test(project);
        cargo.args(["--test", "native", "golden::"]);
        run_command(cargo.env("MARQUEE_WRITE_GOLDEN", "1"))
    })
}

/// Folder of untrusted files, which the native tests write and the page's tests drop.
pub(crate) fn untrusted(project: &Project) -> PathBuf {
    project.tools().join("untrusted")
}

/// The trainer that [`build_trainer`] builds.
pub(crate) fn trainer(project: &Project) -> PathBuf {
    project.target.join("debug/trainer")
}

/// Builds the trainer as the native tests do: with other features it would need other dependencies.
pub(crate) fn build_trainer(project: &Project) -> Result<()> {
    run_command(native::cargo_test(project).arg("--no-run"))
}

fn cargo(project: &Project, arguments: &[&str]) -> Result<()> {
    run_command(Command::new("cargo").args(arguments).current_dir(&project.root))
}
