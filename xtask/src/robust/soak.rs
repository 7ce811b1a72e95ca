//! Runs `tests/e2e/soak.mjs`, which classifies and trains in one tab for a long time.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use super::report;
use crate::project::Project;
use crate::step::step;
use crate::test::PageTests;

#[derive(Args)]
pub(crate) struct SoakArgs {
    /// Classifications on the CPU; on WebGPU, a twentieth of them
    #[arg(long, default_value_t = 10_000)]
    classifications: usize,
    /// Trainings on the CPU; on WebGPU, a fifth of them
    #[arg(long, default_value_t = 50)]
    trainings: usize,
}

/// Results of one repeated action: memory in MB, and its slope over the second half in kB per repetition.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series {
    what: String,
    times: usize,
    seconds: f64,
    different: usize,
    memory: Vec<Memory>,
}

#[derive(Deserialize)]
struct Memory {
    kind: String,
    middle: f64,
    last: f64,
    slope: f64,
}

pub(super) fn run(project: &Project, args: &SoakArgs) -> Result<()> {
    let page = PageTests::prepare(project)?;
    let mut node = page.script();
    node.args(["soak.mjs".into(), args.classifications.to_string(), args.trainings.to_string()]);
    let printed = step("classifying and training in one tab", || {
        let output = node.stderr(Stdio::inherit()).output().context("Node cannot be started")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        Ok(output.stdout)
    })?;
    let all: Vec<Series> = serde_json::from_slice(&printed)?;
    let mut rows = Vec::new();
    for Series { what, times, seconds, different, memory } in &all {
        for Memory { kind, middle, last, slope } in memory {
            rows.push(vec![
                what.clone(),
                times.to_string(),
                format!("{seconds:.0}"),
                different.to_string(),
                kind.clone(),
                format!("{middle:.1}"),
                format!("{last:.1}"),
                format!("{slope:+.2}"),
            ]);
        }
    }
    let head = [
        "task",
        "repetitions",
        "seconds",
        "different predictions",
        "memory",
        "MB halfway",
        "MB at the end",
        "growth, kB per repetition",
    ];
    let body = report::table(&head, &rows);
    report::write(project, "Soak test", "cargo xtask robust soak", &body)?;
    ensure!(
        all.iter().all(|series| series.different == 0),
        "predictions differ; see docs/robustness.md"
    );
    Ok(())
}
