//! `cargo xtask bench`: figures that anyone can repeat, each beside what others reach in the same run.

mod training;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::chromium;
use crate::package;
use crate::project::Project;
use crate::step::{run, step};

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Inference in headless Chromium, beside onnxruntime-web and TensorFlow.js
    Web {
        #[command(flatten)]
        browser: BrowserArgs,
        /// Only these: marquee, onnxruntime, tensorflow, cpu, webgpu, separated by commas
        #[arg(long)]
        only: Option<String>,
        /// Use the machine's GPU instead of one in software
        #[arg(long)]
        gpu: bool,
    },
    /// Decoding and resizing a poster, beside the browser's own createImageBitmap
    Decode {
        #[command(flatten)]
        browser: BrowserArgs,
    },
    /// Teaching a head in headless Chromium, beside TensorFlow.js
    Teach {
        #[command(flatten)]
        browser: BrowserArgs,
        /// Use the machine's GPU instead of one in software
        #[arg(long)]
        gpu: bool,
    },
    /// Training all of EfficientNet-Lite0 on the CPU, beside Keras
    Train(training::TrainArgs),
    /// The CPU's kernels, natively
    Kernels,
    /// What teaching a few posters gives and costs; further arguments are those of `trainer study`
    Finetune {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
}

#[derive(Args)]
pub(crate) struct BrowserArgs {
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How often each is timed
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

pub(crate) fn run_bench(project: &Project, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Web { browser, only, gpu } => {
            let only = only.iter().flat_map(|only| ["--only", only]);
            let gpu = gpu.then_some("--gpu");
            write_onnx(project)?;
            in_browser(project, "web.mjs", browser, &only.chain(gpu).collect::<Vec<_>>())
        }
        Bench::Decode { browser } => in_browser(project, "decode.mjs", browser, &[]),
        Bench::Teach { browser, gpu } => {
            in_browser(project, "fine-tune.mjs", browser, gpu.then_some("--gpu").as_slice())
        }
        Bench::Train(args) => training::run(project, args),
        Bench::Kernels => {
            let mut cargo = Command::new("cargo");
            cargo.current_dir(&project.root);
            run(cargo.args([
                "bench",
                "--package",
                "marquee",
                "--no-default-features",
                "--bench",
                "cpu",
            ]))
        }
        Bench::Finetune { arguments } => {
            trainer(project, &["study"], arguments.iter().map(String::as_str))
        }
    }
}

/// Runs a script of `tests/bench` with Chromium, the packages and the peers made ready.
fn in_browser(
    project: &Project,
    script: &str,
    BrowserArgs { json, rounds }: &BrowserArgs,
    more: &[&str],
) -> Result<()> {
    package::build(project)?;
    let chromium = chromium::find()?;
    let folder = project.root.join("tests/bench");
    step("installing the peers", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
        run(npm.current_dir(&folder))
    })?;
    let mut node = Command::new("node");
    node.current_dir(&folder)
        .args([script, "--rounds", &rounds.to_string()])
        .args(more)
        .env("MARQUEE_CHROMIUM", &chromium.browser)
        .env("MARQUEE_CHROMIUM_FLAGS", chromium::FLAGS.join(" "))
        .env("MARQUEE_BENCH_MADE", made(project)?);
    if let Some(json) = json {
        node.arg("--json").arg(std::path::absolute(json)?);
    }
    run(&mut node)
}

/// Where what is made for a bench lies.
fn made(project: &Project) -> Result<PathBuf> {
    let made = project.tools().join("bench");
    std::fs::create_dir_all(&made)?;
    Ok(made)
}

/// What onnxruntime-web reads.
fn write_onnx(project: &Project) -> Result<()> {
    let onnx = made(project)?.join("model.onnx");
    let onnx = onnx.to_str().context("the path of the target folder is not Unicode")?;
    step("writing the network as ONNX", || {
        trainer(project, &["onnx", "--out", onnx], std::iter::empty())
    })
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
