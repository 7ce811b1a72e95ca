//! `trainer sweep`: random search. Each trial is a run of its own in the sweep's folder, so that an interrupted sweep
//! can continue.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use marquee::bundle::write_atomically;

use crate::cli::{SweepArgs, TrainArgs};
use crate::commands::train;
use crate::training::config::SelectionMetric;
use crate::training::run_folder::Run;
use crate::training::search_space::SearchSpace;
use crate::training::{epoch_log, fit};

pub(crate) fn run(args: &SweepArgs) -> Result<()> {
    let text = match args.config.as_str() {
        "sweep" => include_str!("../../configs/sweep.toml").to_owned(),
        path => std::fs::read_to_string(path)
            .with_context(|| format!("--config {path}: neither a file nor sweep"))?,
    };
    let space = SearchSpace::parse(&text).with_context(|| format!("--config {}", args.config))?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;

    for trial in 0..args.trials {
        let drawn = space.draw(trial);
        println!("\ntrial {} of {}: {}", trial + 1, args.trials, drawn.join(", "));
        // A failed trial, perhaps because of a high learning rate, does not end the sweep.
        if let Err(error) = train::run(train_args(args, &space, trial, drawn)) {
            ensure!(!fit::was_stopped(&error), "{error:#}");
            eprintln!("trial {} failed: {error:#}", trial + 1);
        }
        write_atomically(&args.out.join("table.md"), table(&space, args)?.as_bytes())?;
    }
    print!("\n{}", table(&space, args)?);
    println!("\nwritten to {}", args.out.join("table.md").display());
    Ok(())
}

/// Returns the run folder of a trial.
fn folder(args: &SweepArgs, trial: usize) -> PathBuf {
    args.out.join(format!("trial-{:03}", trial + 1))
}

/// Returns the options of `trainer train` for a trial, which is resumed if its run exists.
fn train_args(
    args: &SweepArgs,
    space: &SearchSpace,
    trial: usize,
    drawn: Vec<String>,
) -> TrainArgs {
    let dir = folder(args, trial);
    let exists = dir.join("config.toml").is_file();
    let mut set: Vec<String> =
        space.set.iter().map(|(key, value)| format!("{key}={value}")).collect();
    set.extend(drawn);
    set.extend(args.set.iter().cloned());
    TrainArgs {
        data: Some(args.data.clone()),
        also: Vec::new(),
        config: space.config.clone(),
        set,
        pretrained: args.pretrained.clone(),
        out: (!exists).then(|| dir.clone()),
        resume: exists.then_some(dir),
        features: Some(args.out.join("features")),
        limit: args.limit,
        epochs: args.epochs.filter(|_| !exists),
        batch_size: None,
        learning_rate: None,
        seed: None,
        skip_bad: args.skip_bad,
        device: args.device.clone(),
    }
}

/// Returns a Markdown table of the trials with a finished epoch, from the best to the worst.
fn table(space: &SearchSpace, args: &SweepArgs) -> Result<String> {
    let mut rows = Vec::new();
    let mut metric = SelectionMetric::default();
    for trial in 0..args.trials {
        let dir = folder(args, trial);
        if !dir.join("config.toml").is_file() {
            continue;
        }
        let run = Run::open(&dir)?;
        metric = run.config.selection_metric;
        if let Some(best) = epoch_log::best(&run.log()?, metric) {
            rows.push((trial, best.clone()));
        }
    }
    if rows.is_empty() {
        bail!("no trial in {} has a finished epoch", args.out.display());
    }
    let metric = epoch_log::comparable(metric, rows.iter().map(|(_, best)| best));
    rows.sort_by(|a, b| epoch_log::best_first(metric, &a.1, &b.1));
    let keys: Vec<&str> = space.search.keys().map(String::as_str).collect();
    let mut text = format!(
        "| trial | mean average precision | cross-entropy | epoch | {} |\n|---|---|---|---|{}\n",
        keys.join(" | "),
        "---|".repeat(keys.len())
    );
    for (trial, best) in rows {
        let drawn = space.draw(trial);
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
    Ok(text)
}
