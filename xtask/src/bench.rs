//! `cargo xtask bench`: measurements that anyone can repeat, next to other engines in the same run.

mod build;
mod keras;
mod scale;
mod training;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::chromium;
use crate::package;
use crate::project::Project;
use crate::step::{run, step};
use crate::test;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Build times of a fresh clone: the page, the trainer, the tests
    Build(build::BuildArgs),
    /// Inference in headless Chromium, next to onnxruntime-web, TensorFlow.js and LiteRT.js
    Web {
        #[command(flatten)]
        browser: BrowserArgs,
        /// Only these engines or devices, separated by commas: marquee, onnxruntime, tensorflow, litert, litert-int8,
        /// cpu, webgpu
        #[arg(long)]
        only: Option<String>,
        /// Also measure another build: its folder `www`, with `pkg` and `model`
        #[arg(long, value_name = "WWW")]
        against: Option<PathBuf>,
        /// Use the machine's GPU instead of SwiftShader, a GPU in software
        #[arg(long)]
        gpu: bool,
    },
    /// Decoding and resizing a poster, next to the browser's createImageBitmap
    Decode {
        #[command(flatten)]
        browser: BrowserArgs,
    },
    /// Fine-tuning a head in headless Chromium, next to TensorFlow.js
    #[command(alias = "teach")]
    FineTune {
        #[command(flatten)]
        browser: BrowserArgs,
        /// Use the machine's GPU instead of SwiftShader, a GPU in software
        #[arg(long)]
        gpu: bool,
    },
    /// Training all layers of EfficientNet-Lite0 on the CPU, next to Keras
    Train(training::TrainArgs),
    /// The Python package next to Pillow and onnxruntime, and its job on Ray with one and two workers
    Scale(scale::ScaleArgs),
    /// The CPU kernels, natively
    Kernels,
    /// Counts the instructions that classifying a poster takes, for `cargo xtask test` to compare with
    Instructions,
    /// Gains and losses of fine-tuning on a few posters; takes the arguments of `trainer study`
    #[command(alias = "finetune")]
    Study {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
}

#[derive(Args)]
pub(crate) struct BrowserArgs {
    /// Also write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Number of measurements of each
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

pub(crate) fn run_bench(project: &Project, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Build(args) => build::run(project, args),
        Bench::Web { browser, only, against, gpu } => {
            let against = against.as_ref().map(std::path::absolute).transpose()?;
            let against = against.as_ref().map(|www| www.to_string_lossy());
            let mut more = Vec::new();
            more.extend(only.iter().flat_map(|only| ["--only", only]));
            more.extend(against.iter().flat_map(|www| ["--against", www]));
            more.extend(gpu.then_some("--gpu"));
            write_onnx(project)?;
            if only.as_ref().is_none_or(|only| only.contains("cpu") || only.contains("litert")) {
                write_tflite(project)?;
            }
            in_browser(project, "web.mjs", browser, &more)
        }
        Bench::Decode { browser } => in_browser(project, "decode.mjs", browser, &[]),
        Bench::FineTune { browser, gpu } => {
            in_browser(project, "fine-tune.mjs", browser, gpu.then_some("--gpu").as_slice())
        }
        Bench::Train(args) => training::run(project, args),
        Bench::Scale(args) => scale::run(project, args),
        Bench::Instructions => test::instructions::write(project),
        Bench::Kernels => {
            let mut cargo = Command::new("cargo");
            cargo.current_dir(&project.root);
            run(cargo.args(["bench", "--package", "marquee", "--bench", "cpu"]))
        }
        Bench::Study { arguments } => {
            let mut cargo = Command::new("cargo");
            cargo.current_dir(&project.root).args(["run", "--quiet", "--release"]);
            cargo.args(["--package", "trainer", "--", "study"]);
            run(cargo.args(arguments))
        }
    }
}

/// Runs a script of `tests/bench`, after building the packages and installing Chromium and the other engines.
fn in_browser(
    project: &Project,
    script: &str,
    BrowserArgs { json, rounds }: &BrowserArgs,
    more: &[&str],
) -> Result<()> {
    package::build(project)?;
    let chromium = chromium::find()?;
    let folder = project.root.join("tests/bench");
    step("installing the other engines", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
        run(npm.current_dir(&folder))
    })?;
    let mut node = Command::new("node");
    node.current_dir(&folder)
        .args([script, "--rounds", &rounds.to_string()])
        .args(more)
        .env("MARQUEE_CHROMIUM", &chromium.browser)
        .env(
            "MARQUEE_CHROMIUM_FLAGS",
            [chromium::FLAGS.join(" "), chromium::WEBGPU_FLAGS.join(" ")].join(" "),
        )
        .env("MARQUEE_BENCH_MADE", made(project)?);
    if let Some(json) = json {
        node.arg("--json").arg(std::path::absolute(json)?);
    }
    run(&mut node)
}

/// Folder of the files that are generated for a bench.
fn made(project: &Project) -> Result<PathBuf> {
    let made = project.tools().join("bench");
    std::fs::create_dir_all(&made)?;
    Ok(made)
}

/// Writes the shipped model as ONNX, which onnxruntime-web reads. The tests' trainer does it: another profile would
/// compile Burn once more.
fn write_onnx(project: &Project) -> Result<()> {
    let onnx = made(project)?.join("model.onnx");
    step("writing the model as ONNX", || {
        test::build_trainer(project)?;
        let mut trainer = Command::new(test::trainer(project));
        run(trainer.current_dir(&project.root).args(["onnx", "--out"]).arg(&onnx))
    })
}

/// Writes the shipped model as TensorFlow Lite files, which LiteRT.js reads. TensorFlow converts it.
fn write_tflite(project: &Project) -> Result<()> {
    let mut script = keras::TENSORFLOW.script(project, "tflite.py")?;
    let made = made(project)?;
    step("writing the model as TensorFlow Lite", || {
        let www = project.www();
        script.args([www.join("model"), www.join("samples"), made]);
        run(script.stderr(Stdio::null()))
    })
}
