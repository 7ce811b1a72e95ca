//! Counts the instructions that classifying a poster takes, and compares them with `benches/instructions.json`. Valgrind
//! counts them the same on a busy machine as on an idle one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::native::cargo_test;
use crate::debian;
use crate::project::Project;
use crate::step::{find_program, output, step};

/// Largest increase that is not a regression.
const TOLERANCE: f64 = 0.03;

/// The instruction sets that are counted; Valgrind has no AVX-512.
const LEVELS: [&str; 2] = ["baseline", "avx2"];

/// Counts of an earlier version.
#[derive(Serialize, Deserialize)]
struct Counts {
    /// The compiler: another one has other counts.
    rustc: String,
    /// Instructions by the name of the instruction set.
    instructions: BTreeMap<String, u64>,
}

/// Compares the counts with those in the repository. Returns what was skipped.
///
/// # Errors
/// An instruction set takes 3 % more instructions than before.
pub(super) fn run(project: &Project) -> Result<Option<String>> {
    let rustc = output(Command::new("rustc").arg("--version")).context("rustc")?;
    let text = std::fs::read_to_string(file(project)).context("benches/instructions.json")?;
    let before: Counts = serde_json::from_str(&text).context("benches/instructions.json")?;
    if before.rustc != rustc {
        let skipped = format!(
            "counting instructions: the counts are of {}, not {rustc}; to renew them: \
             cargo xtask bench instructions",
            before.rustc
        );
        return Ok(Some(skipped));
    }
    let Some(counts) = count(project)? else {
        return Ok(Some("counting instructions: Valgrind on x86-64 is not installed".into()));
    };
    for (level, now) in counts {
        let before = before.instructions.get(&level).copied().with_context(|| {
            format!("benches/instructions.json has no {level}: run cargo xtask bench instructions")
        })?;
        let change = now as f64 / before as f64 - 1.0;
        println!("    {level}: {now} instructions ({:+.1} %)", change * 100.0);
        ensure!(
            change <= TOLERANCE,
            "{level}: {now} instructions to classify a poster instead of {before}; if that is worth it: \
             cargo xtask bench instructions"
        );
    }
    Ok(None)
}

/// Writes the counts of this version into the repository.
pub(crate) fn write(project: &Project) -> Result<()> {
    let rustc = output(Command::new("rustc").arg("--version")).context("rustc")?;
    let instructions = count(project)?.context("Valgrind on x86-64 is not installed")?;
    for (level, count) in &instructions {
        println!("{level}: {count} instructions");
    }
    let text = serde_json::to_string_pretty(&Counts { rustc, instructions })? + "\n";
    std::fs::write(file(project), text).context("benches/instructions.json")
}

fn file(project: &Project) -> PathBuf {
    project.root.join("benches/instructions.json")
}

/// Returns the instructions of each level, or `None` without Valgrind.
fn count(project: &Project) -> Result<Option<BTreeMap<String, u64>>> {
    let find = || find_program("valgrind");
    if !cfg!(all(target_arch = "x86_64", target_os = "linux"))
        || debian::find_or_install("Valgrind", &["valgrind"], find).is_none()
    {
        return Ok(None);
    }
    step("counting instructions", || {
        let mut counts = BTreeMap::new();
        for level in LEVELS {
            counts.insert(level.to_owned(), count_level(project, level)?);
        }
        Ok(Some(counts))
    })
}

fn count_level(project: &Project, level: &str) -> Result<u64> {
    let mut cargo = cargo_test(project);
    cargo.args(["--bench", "instructions", "--", level]).env(
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
        "valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=*counted*",
    );
    let result = cargo.output().context("cargo cannot be started")?;
    let printed = String::from_utf8_lossy(&result.stderr);
    ensure!(result.status.success(), "{printed}");
    // ==1234== Collected : 56789
    let line = printed.lines().find_map(|line| line.split_once("Collected :"));
    let count = line.and_then(|(_, count)| count.trim().parse().ok());
    count.filter(|count| *count > 0).with_context(|| format!("Valgrind counted nothing: {printed}"))
}
