//! `trainer sweep`: random search over a configuration's values (Bergstra and Bengio 2012, "Random Search for
//! Hyper-Parameter Optimization"). Each trial is a run of its own in the sweep's folder, so that a sweep that
//! was stopped goes on where it was.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use marquee::bundle::write_atomically;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use toml::Value;

use crate::cli::{SweepArgs, TrainArgs};
use crate::training::config::Goal;
use crate::training::run_folder::Run;
use crate::training::{epoch_log, fit};

/// What is searched. See `configs/sweep.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    /// The configuration that trials differ from.
    config: String,
    /// Of the draws.
    seed: u64,
    /// What all trials share.
    #[serde(default)]
    set: BTreeMap<String, Value>,
    /// By a configuration's key, such as `augment.mixup`.
    search: BTreeMap<String, Range>,
}

/// Where a value is drawn from.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Range {
    /// One of these.
    Choice(Vec<Value>),
    /// Anything between two numbers.
    Between {
        low: f64,
        high: f64,
        /// Whether factors count, not differences.
        #[serde(default)]
        log: bool,
    },
}

impl Range {
    fn check(&self) -> Result<()> {
        match self {
            Self::Choice(values) => ensure!(!values.is_empty(), "it has nothing to choose from"),
            Self::Between { low, high, log } => {
                ensure!(low < high, "low must be below high");
                ensure!(!log || *low > 0.0, "low must be above 0 where log is true");
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> String {
        match self {
            Self::Choice(values) => values[rng.random_range(0..values.len())].to_string(),
            Self::Between { low, high, log: false } => rounded(rng.random_range(*low..*high)),
            Self::Between { low, high, log: true } => {
                rounded(rng.random_range(low.ln()..high.ln()).exp())
            }
        }
    }
}

/// Two digits say all that a random search can tell.
fn rounded(value: f64) -> String {
    let text = format!("{value:.1e}");
    text.parse::<f64>().map_or(text, |value| value.to_string())
}

pub(crate) fn run(args: &SweepArgs) -> Result<()> {
    let text = match args.config.as_str() {
        "sweep" => include_str!("../../configs/sweep.toml").to_owned(),
        path => std::fs::read_to_string(path)
            .with_context(|| format!("--config {path}: neither a file nor sweep"))?,
    };
    let named = || format!("--config {}", args.config);
    let sweep: Sweep = toml::from_str(&text).with_context(named)?;
    for (key, range) in &sweep.search {
        range.check().with_context(|| format!("search.{key}")).with_context(named)?;
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;

    for trial in 0..args.trials {
        let drawn = sweep.draw(trial);
        println!("\ntrial {} of {}: {}", trial + 1, args.trials, drawn.join(", "));
        // A trial that fails, by a rate that is too high perhaps, is a result too.
        if let Err(error) = fit::run(args.trial(&sweep, trial, drawn)) {
            ensure!(!fit::was_stopped(&error), "{error:#}");
            eprintln!("trial {} failed: {error:#}", trial + 1);
        }
        write_atomically(&args.out.join("table.md"), table(&sweep, args)?.as_bytes())?;
    }
    print!("\n{}", table(&sweep, args)?);
    println!("\nwritten to {}", args.out.join("table.md").display());
    Ok(())
}

impl Sweep {
    /// A trial's settings, by its number alone: `key=value`, in the order of the keys.
    fn draw(&self, trial: usize) -> Vec<String> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(trial as u64);
        let settings = self.search.iter();
        settings.map(|(key, range)| format!("{key}={}", range.draw(&mut rng))).collect()
    }
}

impl SweepArgs {
    fn folder(&self, trial: usize) -> PathBuf {
        self.out.join(format!("trial-{:03}", trial + 1))
    }

    fn trial(&self, sweep: &Sweep, trial: usize, drawn: Vec<String>) -> TrainArgs {
        let dir = self.folder(trial);
        let begun = dir.join("config.toml").is_file();
        let mut set: Vec<String> =
            sweep.set.iter().map(|(key, value)| format!("{key}={value}")).collect();
        set.extend(drawn);
        set.extend(self.set.iter().cloned());
        TrainArgs {
            data: Some(self.data.clone()),
            config: sweep.config.clone(),
            set,
            pretrained: self.pretrained.clone(),
            out: (!begun).then(|| dir.clone()),
            resume: begun.then_some(dir),
            features: Some(self.out.join("features")),
            limit: self.limit,
            epochs: self.epochs,
            batch_size: None,
            learning_rate: None,
            seed: None,
            skip_bad: self.skip_bad,
            device: self.device.clone(),
        }
    }
}

/// The trials that have an epoch, the best first.
fn table(sweep: &Sweep, args: &SweepArgs) -> Result<String> {
    let mut rows = Vec::new();
    let mut goal = Goal::default();
    for trial in 0..args.trials {
        let dir = args.folder(trial);
        if !dir.join("config.toml").is_file() {
            continue;
        }
        let run = Run::open(&dir)?;
        goal = run.config.goal;
        if let Some(best) = epoch_log::best(&run.log()?, goal) {
            rows.push((trial, best.clone()));
        }
    }
    rows.sort_by(|a, b| epoch_log::best_first(goal, &a.1, &b.1));
    let keys: Vec<&str> = sweep.search.keys().map(String::as_str).collect();
    let mut text = format!(
        "| trial | mean average precision | cross-entropy | epoch | {} |\n|---|---|---|---|{}\n",
        keys.join(" | "),
        "---|".repeat(keys.len())
    );
    for (trial, best) in rows {
        let drawn = sweep.draw(trial);
        let values = drawn.iter().filter_map(|setting| setting.split_once('='));
        let values: Vec<&str> = values.map(|(_, value)| value).collect();
        writeln!(
            text,
            "| {} | {:.4} | {:.4} | {} | {} |",
            trial + 1,
            best.mean_average_precision,
            best.loss,
            best.epoch,
            values.join(" | ")
        )?;
    }
    if text.lines().count() == 2 {
        bail!("no trial has a finished epoch in {}", args.out.display());
    }
    Ok(text)
}
