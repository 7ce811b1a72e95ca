//! Fuzzing with cargo-fuzz (libFuzzer), from the corpus in `fuzz/corpus`, which `cargo xtask test` replays.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::report;
use crate::project::Project;
use crate::step::{self, step};
use crate::tools;

const TARGETS: [(&str, &str); 4] = [
    ("image", "image file to pixels"),
    ("bundle", "manifest and weights to a prediction"),
    ("single_file", "bundle in one file to a prediction"),
    ("labels", "table of genres"),
];

/// Largest input, in bytes. Small inputs reach the same code, and run faster.
const LONGEST: usize = 32_768;

/// Memory limits for an input, in MB: of one allocation, and in total with the sanitizer's own memory.
const MEMORY: [usize; 2] = [512, 1024];

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// Seconds to fuzz each target
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Fuzz only one target: image, bundle, single_file, labels
    #[arg(long)]
    only: Option<String>,
    /// Also minimise the corpus in the repository, with equal coverage
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(project: &Project, args: &FuzzArgs) -> Result<()> {
    let program = tools::cargo_fuzz(project)?;
    let targets: Vec<_> = TARGETS
        .iter()
        .filter(|(name, _)| args.only.as_deref().is_none_or(|only| only == *name))
        .collect();
    ensure!(!targets.is_empty(), "there is no such target; see --help");
    let fuzz = |verb: &str, name: &str| {
        let mut cargo = Command::new(&program);
        cargo.current_dir(project.root.join("fuzz")).args([verb, name, "--fuzz-dir", "."]);
        // The address sanitizer is a nightly feature, which this variable enables in the stable compiler.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", project.tools().join("fuzz"));
        cargo
    };
    let mut rows = Vec::new();
    for (name, what) in targets {
        let found = project.tools().join("fuzz-corpus").join(name);
        std::fs::create_dir_all(&found)?;
        let kept = project.root.join("fuzz/corpus").join(name);
        let figures = step(&format!("fuzzing {name} for {} s", args.seconds), || {
            let mut cargo = fuzz("run", name);
            cargo.arg(&found).arg(&kept).arg("--").args([
                format!("-max_total_time={}", args.seconds),
                format!("-max_len={LONGEST}"),
                format!("-malloc_limit_mb={}", MEMORY[0]),
                format!("-rss_limit_mb={}", MEMORY[1]),
                "-timeout=10".into(),
                "-print_final_stats=1".into(),
            ]);
            watch(&mut cargo).with_context(|| format!("see fuzz/artifacts/{name}"))
        })?;
        if args.keep {
            keep(&mut fuzz("run", name), &kept, &found)?;
        }
        let files = kept.read_dir()?.count();
        rows.push(vec![
            format!("`{name}`: {what}"),
            args.seconds.to_string(),
            figures.inputs,
            figures.edges,
            figures.memory,
            files.to_string(),
            "0".into(),
        ]);
    }
    if args.only.is_some() {
        return Ok(());
    }
    let head =
        ["target", "seconds", "inputs", "edges covered", "peak MB", "corpus files", "findings"];
    let mut body = report::table(&head, &rows);
    body += &format!(
        "\nLimits per input: {LONGEST} bytes, 10 seconds, {} MB in one allocation, {} MB in total, including the address sanitizer's own.\n",
        MEMORY[0], MEMORY[1]
    );
    report::write(project, "Fuzzing", "cargo xtask robust fuzz", &body)
}

/// Minimises the corpus in the repository: as few inputs as cover what both corpora cover.
fn keep(merge: &mut Command, kept: &PathBuf, found: &PathBuf) -> Result<()> {
    let smaller = kept.with_extension("smaller");
    let _ = std::fs::remove_dir_all(&smaller);
    std::fs::create_dir_all(&smaller)?;
    merge.args([&smaller, kept, found]).args([
        "--",
        "-merge=1",
        "-use_counters=0",
        "-max_len=4096",
    ]);
    step("keeping what covers as much", || step::run(merge))?;
    std::fs::remove_dir_all(kept)?;
    std::fs::rename(&smaller, kept)?;
    Ok(())
}

#[derive(Default)]
struct Figures {
    inputs: String,
    edges: String,
    memory: String,
}

/// Runs a fuzzer, shows its output, and returns its last statistics.
fn watch(fuzzer: &mut Command) -> Result<Figures> {
    let mut child =
        fuzzer.stderr(Stdio::piped()).spawn().context("cargo-fuzz cannot be started")?;
    let mut figures = Figures::default();
    let said = child.stderr.take().context("the fuzzer says nothing")?;
    for line in BufReader::new(said).lines() {
        let line = line?;
        // There is a line for each new input, too many to show.
        if !line.contains(" NEW ") && !line.contains(" REDUCE ") {
            eprintln!("{line}");
        }
        let last = || line.split_whitespace().last().unwrap_or_default().to_owned();
        if line.starts_with("stat::number_of_executed_units") {
            figures.inputs = last();
        } else if line.starts_with("stat::peak_rss_mb") {
            figures.memory = last();
        } else if let Some((_, rest)) = line.split_once(" cov: ") {
            figures.edges = rest.split_whitespace().next().unwrap_or_default().to_owned();
        }
    }
    let ended = child.wait()?;
    if !ended.success() {
        bail!("the fuzzer found something");
    }
    Ok(figures)
}
