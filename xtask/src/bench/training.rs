//! Training speed and memory next to Keras: the same architecture, posters and batches, on the same processor.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::keras::{TENSORFLOW, TORCH};
use crate::project::Project;
use crate::step::step;

#[derive(Args)]
pub(crate) struct TrainArgs {
    /// Folder in the Kaggle layout: train.csv and Images/<id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Number of rows of train.csv to use
    #[arg(long, default_value_t = 800)]
    limit: usize,
    /// Epochs; the first one is not measured
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    /// Also measure Keras on PyTorch, which takes 7 GB to install
    #[arg(long)]
    torch: bool,
    /// Also write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A line of the log of Marquee or Keras.
#[derive(Deserialize)]
struct Epoch {
    epoch: usize,
    seconds: f64,
    /// Only Marquee logs it: its log also has the validation results.
    #[serde(default)]
    split: Option<String>,
}

#[derive(Serialize)]
struct Measurement {
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
    // Everything is installed before anything is measured.
    for peer in &peers {
        peer.script(project, "train.py")?;
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
    for peer in &peers {
        let mut keras = peer.script(project, "train.py")?;
        keras.args([&data, &ids]).arg(args.epochs.to_string()).stdout(Stdio::piped());
        let training = format!("training with {}", peer.name);
        let (log, memory) = step(&training, || watch(keras.spawn()?))?;
        runs.push((peer.name, log, memory));
    }

    let mut measurements = Vec::new();
    for (engine, log, memory) in runs {
        let [low, median, high] = rates(&log, posters).context(engine)?;
        println!(
            "{engine:20} {median:6.1} posters/s ({low:.1} to {high:.1}), peak memory {memory:.0} MB"
        );
        let measurement = |metric, unit, [low, median, high]: [f64; 3]| Measurement {
            engine,
            device: "cpu",
            metric,
            unit,
            median,
            low,
            high,
        };
        measurements.push(measurement("training", "posters/s", [low, median, high]));
        measurements.push(measurement("peak memory", "MB", [memory; 3]));
    }
    if let Some(json) = &args.json {
        write(json, &measurements)?;
    }
    Ok(())
}

fn write(path: &Path, measurements: &[Measurement]) -> Result<()> {
    let text = serde_json::to_string_pretty(measurements)? + "\n";
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

/// Returns the slowest, median and fastest epoch after the first, in posters per second.
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

/// Waits for a program. Returns its output, if that is piped, and its peak memory in MB.
fn watch(mut child: Child) -> Result<(String, f64)> {
    let printed =
        child.stdout.take().map(|stdout| std::thread::spawn(|| std::io::read_to_string(stdout)));
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0.0;
    let ended = loop {
        // VmHWM is the peak so far, so the last reading before the program ends is the peak.
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
    ensure!(ended.success(), "the program failed: {ended}");
    let Some(printed) = printed else { return Ok((String::new(), most)) };
    match printed.join() {
        Ok(printed) => Ok((printed?, most)),
        Err(_) => bail!("the program's output could not be read"),
    }
}
