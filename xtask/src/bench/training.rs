//! Training speed and memory beside Keras: the same network, posters and batches, on the same processor.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::project::Project;
use crate::step::step;

/// What Keras computes with, and what pip then installs.
struct Engine {
    name: &'static str,
    /// `KERAS_BACKEND`.
    backend: &'static str,
    size: &'static str,
    packages: &'static [&'static str],
}

const TENSORFLOW: Engine = Engine {
    name: "Keras on TensorFlow",
    backend: "tensorflow",
    size: "300 MB",
    packages: &["tensorflow-cpu==2.21.0", "pillow"],
};

const TORCH: Engine = Engine {
    name: "Keras on PyTorch",
    backend: "torch",
    size: "7 GB",
    packages: &["torch==2.9.1", "keras==3.15.1", "pillow"],
};

#[derive(Args)]
pub(crate) struct TrainArgs {
    /// Folder in the Kaggle layout: train.csv and Images/<id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How many rows of train.csv are used
    #[arg(long, default_value_t = 800)]
    limit: usize,
    /// Passes over them; the first one is not counted
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    /// Keras on PyTorch too, which takes 7 GB to install
    #[arg(long)]
    torch: bool,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A line of either's log.
#[derive(Deserialize)]
struct Epoch {
    epoch: usize,
    seconds: f64,
    /// Of ours alone, which logs what it is judged by too.
    #[serde(default)]
    split: Option<String>,
}

#[derive(Serialize)]
struct Figure {
    engine: &'static str,
    device: &'static str,
    metric: &'static str,
    unit: &'static str,
    median: f64,
    low: f64,
    high: f64,
}

pub(crate) fn run(project: &Project, args: &TrainArgs) -> Result<()> {
    let data = std::path::absolute(&args.data)?;
    let dir = project.tools().join("bench-train");
    let _ = std::fs::remove_dir_all(dir.join("run"));
    std::fs::create_dir_all(&dir)?;
    step("building the trainer", || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&project.root).args(["build", "--release", "--package", "trainer"]);
        crate::step::run(&mut cargo)
    })?;
    let peers = if args.torch { vec![TENSORFLOW, TORCH] } else { vec![TENSORFLOW] };
    for Engine { name, backend, size, packages } in &peers {
        if !dir.join(backend).exists() {
            step(&format!("installing {name} ({size}, once)"), || {
                let mut pip = Command::new("python3");
                pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(dir.join(backend));
                crate::step::run(pip.args(*packages))
            })?;
        }
    }

    let mut ours = Command::new(project.target.join("release/trainer"));
    ours.args(["train", "--device", "cpu", "--config", "teacher", "--skip-bad", "--data"])
        .arg(&data)
        .arg("--out")
        .arg(dir.join("run"))
        .args(["--limit", &args.limit.to_string(), "--epochs", &args.epochs.to_string()]);
    for plain in [
        "frozen_parts=0",
        "augment.flip=false",
        "augment.crop_area=1.0",
        "augment.colour=0.0",
        "augment.jpeg=0.0",
        "augment.mixup=0.0",
    ] {
        ours.args(["--set", plain]);
    }
    let (_, our_memory) = step("training with Marquee", || watch(ours.spawn()?))?;
    let our_log = std::fs::read_to_string(dir.join("run/log.jsonl"))?;
    let ids = dir.join("run/train.txt");
    let posters = std::fs::read_to_string(&ids)?.lines().count();

    let mut runs = vec![("Marquee", our_log, our_memory)];
    for Engine { name, backend, .. } in &peers {
        let mut keras = Command::new("python3");
        keras
            .arg(project.root.join("tests/bench/train.py"))
            .args([&data, &ids])
            .arg(args.epochs.to_string())
            .env("KERAS_BACKEND", backend)
            .env("PYTHONPATH", dir.join(backend))
            .stdout(std::process::Stdio::piped());
        let (log, memory) = step(&format!("training with {name}"), || watch(keras.spawn()?))?;
        runs.push((name, log, memory));
    }

    let mut figures = Vec::new();
    for (engine, log, memory) in runs {
        let [low, median, high] = rates(&log, posters).context(engine)?;
        println!(
            "{engine:20} {median:6.1} posters/s ({low:.1} to {high:.1}), {memory:.0} MB at most"
        );
        let figure = |metric, unit, [low, median, high]: [f64; 3]| Figure {
            engine,
            device: "cpu",
            metric,
            unit,
            median,
            low,
            high,
        };
        figures.push(figure("training", "posters/s", [low, median, high]));
        figures.push(figure("peak memory", "MB", [memory; 3]));
    }
    if let Some(json) = &args.json {
        write(json, &figures)?;
    }
    Ok(())
}

fn write(path: &Path, figures: &[Figure]) -> Result<()> {
    let text = serde_json::to_string_pretty(figures)? + "\n";
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

/// The slowest, the middle and the fastest epoch behind the first, in posters a second.
fn rates(log: &str, posters: usize) -> Result<[f64; 3]> {
    let mut rates = Vec::new();
    for line in log.lines() {
        let Epoch { epoch, seconds, split } = serde_json::from_str(line)?;
        if epoch > 1 && split.is_none_or(|split| split == "train") {
            rates.push(posters as f64 / seconds);
        }
    }
    rates.sort_by(f64::total_cmp);
    let at = |index: usize| rates.get(index).copied();
    let three = at(0).zip(at(rates.len() / 2)).zip(rates.last().copied());
    let ((low, median), high) = three.context("it finished fewer than two epochs")?;
    Ok([low, median, high])
}

/// Waits for a program; gives what it printed, where that is piped, and the most memory that it held, in MB.
fn watch(mut child: Child) -> Result<(String, f64)> {
    let printed =
        child.stdout.take().map(|stdout| std::thread::spawn(|| std::io::read_to_string(stdout)));
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0.0;
    let ended = loop {
        // The last reading before it ends is its highest: the kernel keeps the mark.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes =
            mark.and_then(|mark| mark.trim().trim_end_matches(" kB").parse::<f64>().ok());
        most = kilobytes.map_or(most, |kilobytes| kilobytes * 1024.0 / 1e6);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    ensure!(ended.success(), "it ended with {ended}");
    let Some(printed) = printed else { return Ok((String::new(), most)) };
    match printed.join() {
        Ok(printed) => Ok((printed?, most)),
        Err(_) => bail!("its output could not be read"),
    }
}
