//! `cargo xtask bench`: figures that anyone can repeat, each beside what others reach in the same run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::chromium;
use crate::package;
use crate::project::Project;
use crate::step::{run, step};

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Inference in headless Chromium, beside onnxruntime-web and TensorFlow.js
    Web {
        /// Also write the figures as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// How often each is timed
        #[arg(long, default_value_t = 15)]
        rounds: usize,
        /// Only these: marquee, onnxruntime, tensorflow, cpu, webgpu, separated by commas
        #[arg(long)]
        only: Option<String>,
        /// Use the machine's GPU instead of one in software
        #[arg(long)]
        gpu: bool,
    },
    /// What teaching a few posters gives and costs; further arguments are those of `trainer study`
    Finetune {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
}

pub(crate) fn run_bench(project: &Project, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Web { json, rounds, only, gpu } => {
            web(project, json.as_deref(), *rounds, only.as_deref(), *gpu)
        }
        Bench::Finetune { arguments } => {
            trainer(project, &["study"], arguments.iter().map(String::as_str))
        }
    }
}

fn web(
    project: &Project,
    json: Option<&Path>,
    rounds: usize,
    only: Option<&str>,
    gpu: bool,
) -> Result<()> {
    package::build(project)?;
    let chromium = chromium::find()?;
    let folder = project.root.join("tests/bench");
    step("installing the peers", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
        run(npm.current_dir(&folder))
    })?;
    let made = project.tools().join("bench");
    std::fs::create_dir_all(&made)?;
    let onnx = made.join("model.onnx");
    let onnx = onnx.to_str().context("the path of the target folder is not Unicode")?;
    step("writing the network as ONNX", || {
        trainer(project, &["onnx", "--out", onnx], std::iter::empty())
    })?;
    let mut node = Command::new("node");
    node.current_dir(&folder)
        .args(["web.mjs", "--rounds", &rounds.to_string()])
        .env("MARQUEE_CHROMIUM", &chromium.browser)
        .env("MARQUEE_CHROMIUM_FLAGS", chromium::FLAGS.join(" "))
        .env("MARQUEE_BENCH_MADE", &made);
    if let Some(json) = json {
        node.arg("--json").arg(std::path::absolute(json)?);
    }
    if let Some(only) = only {
        node.args(["--only", only]);
    }
    if gpu {
        node.arg("--gpu");
    }
    run(&mut node)
}

fn trainer<'a>(
    project: &Project,
    first: &[&str],
    more: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&project.root)
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "trainer",
            "--no-default-features",
            "--",
        ])
        .args(first)
        .args(more);
    run(&mut cargo)
}
