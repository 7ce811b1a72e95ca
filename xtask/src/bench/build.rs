//! Build times as a newcomer sees them: a fresh clone of the last commit, with an empty target folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::project::Project;
use crate::step::{run as run_command, step};

#[derive(Args)]
pub(crate) struct BuildArgs {
    /// Folder for the clone and its builds, about 15 GB; it must not exist, and is removed afterwards
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Also time `cargo xtask test`, cold and warm
    #[arg(long)]
    tests: bool,
}

pub(crate) fn run(project: &Project, args: &BuildArgs) -> Result<()> {
    let default = std::env::temp_dir().join(format!("marquee-build-{}", std::process::id()));
    let dir = std::path::absolute(args.dir.as_ref().unwrap_or(&default))?;
    ensure!(!dir.exists(), "{} exists: choose a folder that does not", dir.display());
    std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let rows = measure(project, &dir, args.tests);
    // The folder did not exist before: everything in it was written here.
    std::fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;

    println!("\n| build | minutes |\n|---|---|");
    for (name, time) in rows? {
        println!("| {name} | {:.1} |", time.as_secs_f64() / 60.0);
    }
    Ok(())
}

fn measure(project: &Project, dir: &Path, tests: bool) -> Result<Vec<(&'static str, Duration)>> {
    let clone = dir.join("marquee");
    step("cloning the last commit", || {
        let mut git = Command::new("git");
        run_command(git.args(["clone", "--quiet"]).arg(&project.root).arg(&clone))
    })?;
    // Downloads depend on the network and are not measured.
    step("downloading the crates", || {
        run_command(Command::new("cargo").current_dir(&clone).args(["fetch", "--locked"]))
    })?;

    let mut rows = Vec::new();
    let page = dir.join("page");
    let (answers, complete) = step("building the page", || serve(&clone, &page, true))?;
    rows.push(("clone to a page that answers", answers));
    rows.push(("clone to all packages", complete.context("the build of a package failed")?));
    let classifier = clone.join("src/lib.rs");
    change(&classifier)?;
    let (changed, _) = step("building a changed line", || serve(&clone, &page, false))?;
    rows.push(("one changed line to a page that answers", changed));

    let trainer = || {
        let mut cargo = cargo(&clone, &dir.join("trainer"));
        timed(cargo.args(["build", "--quiet", "--release", "--package", "trainer"]))
    };
    rows.push(("`cargo build --release -p trainer`", step("building the trainer", trainer)?));
    if tests {
        let test = || timed(cargo(&clone, &dir.join("test")).args(["xtask", "test"]));
        rows.push(("`cargo xtask test`, cold", step("testing, cold", test)?));
        rows.push(("`cargo xtask test`, nothing changed", step("testing, warm", test)?));
    }
    Ok(rows)
}

/// Cargo in the clone, with a target folder of its own and without the variables of the cargo that runs xtask.
fn cargo(clone: &Path, target: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(clone).env("CARGO_TARGET_DIR", target).env_remove("CARGO_MANIFEST_DIR");
    cargo
}

fn timed(command: &mut Command) -> Result<Duration> {
    let started = Instant::now();
    run_command(command)?;
    Ok(started.elapsed())
}

/// Runs `cargo xtask serve` until the page answers, and on until all packages are built if `all`. Returns both times.
fn serve(clone: &Path, target: &Path, all: bool) -> Result<(Duration, Option<Duration>)> {
    let started = Instant::now();
    let mut cargo = cargo(clone, target);
    cargo.args(["xtask", "serve", "--port", "0"]).stdout(Stdio::piped());
    let mut serving = Serving(cargo.spawn()?);
    let output = serving.0.stdout.take().context("the output of serve is not piped")?;
    let mut answers = None;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("    {line}");
        if line.starts_with("Marquee is at ") {
            answers = Some(started.elapsed());
            if !all {
                break;
            }
        }
        if line.starts_with("All packages are built") {
            return Ok((answers.unwrap_or_default(), Some(started.elapsed())));
        }
    }
    Ok((answers.context("`cargo xtask serve` ended before it served")?, None))
}

/// A server that ends with the measurement.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // `cargo xtask` replaces itself by xtask only on some systems; xtask ends its own builds.
        #[cfg(unix)]
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = self.0.wait();
            return;
        }
        let _ = self.0.kill();
    }
}

/// Changes a line of code, so that the crate is compiled again.
fn change(path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let line = "\n#[doc(hidden)]\npub const CHANGED: u32 = 1;\n";
    std::fs::write(path, text + line).with_context(|| path.display().to_string())
}
