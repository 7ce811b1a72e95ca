//! `trainer train`: trains a model on a folder of posters, or resumes an interrupted run.

use std::collections::HashSet;

use anyhow::{Context, Result, bail, ensure};
use marquee::metrics::MIN_POSITIVES;

use crate::cli::TrainArgs;
use crate::data::additional::{self, AdditionalSource};
use crate::data::dataset::Dataset;
use crate::data::loader::Mixture;
use crate::data::near_duplicates;
use crate::data::posters::{self, Poster, Resolution};
use crate::data::split::Split;
use crate::data::unpack::{Columns, unpack};
use crate::device;
use crate::formats::parquet::Table;
use crate::formats::pretrained;
use crate::teachers;
use crate::training::config::{Config, Overrides};
use crate::training::fit::{Start, fit};
use crate::training::model_selection::usable_metric;
use crate::training::run_folder::Run;
use crate::training::{curves, epoch_log};

pub(crate) fn run(args: TrainArgs) -> Result<()> {
    let (run, resumed) = open_run(&args)?;
    let config = &run.config;
    let done = if resumed { run.last_checkpoint()? } else { 0 };
    if done == config.epochs || epoch_log::stopped_early(&run.log()?, config) {
        println!("{} is finished after {done} epochs", run.dir.display());
        return finish(&run);
    }

    if resumed {
        run.check_config()?;
        run.remove_temporary_files()?;
    }
    let dataset = config.dataset(&config.data)?;
    let skip_bad = config.skip_bad || args.skip_bad;
    let resolution = config.resolution();
    let posters = posters::load_into(&dataset, &resolution, skip_bad, &run.dir)?;
    let mut split =
        if resumed { run.split(posters)? } else { draw_split(config, &dataset, posters)? };
    if let Resolution::AtMost(_) = resolution {
        // Held-out posters are evaluated as a visitor's file would be: resized once, from the file.
        for held_out in [&mut split.valid, &mut split.test] {
            posters::decode_again(&dataset, held_out, &config.inference_input())?;
        }
    }
    let held_out = split.valid.len() + split.test.len();
    println!("{} posters to train on, {held_out} held out", split.train.len());
    let mut datasets = vec![dataset];
    let begun = if resumed { Some(run.additional_ids()?) } else { None };
    add_additional(&run, &mut datasets, &mut split, begun.as_ref(), skip_bad)?;
    report_unknown_labels(&datasets);
    warn_of_known_posters(config, &split)?;
    warn_of_missing_genres(&datasets[0].genres, &split);
    warn_of_undefined_metric(config, &split.valid);

    let (devices, device_name) = device::open_all(&args.device)?;
    if resumed {
        run.check_split(&split)?;
        println!("resuming after epoch {done} of {}", config.epochs);
    }
    let start = if resumed {
        Start::After { epoch: done }
    } else {
        Start::New { device_name: &device_name }
    };
    let features_dir = args.features.unwrap_or_else(|| run.dir.join("features"));
    let device = devices.first().context("--device names no device")?;
    let soft_labels =
        teachers::soft_labels(&config.distillation, &datasets, split.training_posters(), device)?;
    fit(&run, &devices, &datasets[0].genres, split, soft_labels, &start, &features_dir)?;
    finish(&run)
}

/// Returns the run, and whether it is an earlier one that is resumed.
fn open_run(args: &TrainArgs) -> Result<(Run, bool)> {
    if let Some(dir) = &args.resume {
        let mut run = Run::open(dir)?;
        if let Some(epochs) = args.epochs {
            run.set_epochs(epochs)?;
        }
        return Ok((run, true));
    }
    let dir = args.out.as_ref().context("--out is missing")?;
    let overrides = Overrides {
        set: args.set.clone(),
        data: args.data.clone().context("--data is missing")?,
        also: args.also.clone(),
        pretrained: args.pretrained.clone(),
        skip_bad: args.skip_bad,
        limit: args.limit,
        epochs: args.epochs,
        batch_size: args.batch_size,
        learning_rate: args.learning_rate,
        seed: args.seed,
    };
    let mut config = Config::resolve(&args.config, &overrides)?;
    if let Some(note) = config.unfreeze_random_parts(&args.set) {
        eprintln!("{note}");
    }
    let mut run = Run::create(dir, config)?;
    unpack_tables(&mut run)?;
    Ok((run, false))
}

/// Unpacks the Parquet tables among the data into the run folder, where the run then finds its posters.
fn unpack_tables(run: &mut Run) -> Result<()> {
    let Config { data, additional, .. } = &mut run.config;
    let also = additional.dirs.iter_mut().enumerate();
    let also = also.map(|(index, dir)| (format!("also-{}", index + 1), dir));
    for (name, data) in std::iter::once(("posters".to_owned(), data)).chain(also) {
        if Table::is_named_by(data) && !data.join("train.csv").exists() {
            let dir = std::path::absolute(run.dir.join(name))?;
            unpack(data, &dir, Columns::DEFAULT)?;
            *data = dir;
        }
    }
    Ok(())
}

/// Splits the posters of a new run as configured.
fn draw_split(config: &Config, dataset: &Dataset, all: Vec<Poster>) -> Result<Split> {
    let seed = config.split_seed();
    let shares = [config.valid_share, config.test_share];
    let hashes = config
        .group_near_duplicates
        .then(|| near_duplicates::perceptual_hashes(dataset, &all))
        .transpose()?;
    let split = Split::draw(all, shares, seed, hashes.as_deref());
    ensure!(!split.train.is_empty(), "no poster is left to train on: add more posters");
    if split.valid.is_empty() {
        bail!(
            "no poster is left for validation, because all of them are near-duplicates of training \
             posters: add more posters"
        );
    }
    Ok(split)
}

/// Adds the datasets of `--also` after the main one, and their posters to the split: of a resumed run, those with the
/// ids that it has `begun` with.
fn add_additional(
    run: &Run,
    datasets: &mut Vec<Dataset>,
    split: &mut Split,
    begun: Option<&[HashSet<String>; 2]>,
    skip_bad: bool,
) -> Result<()> {
    let config = &run.config;
    let missing_genre = config.missing_genre.as_deref();
    let source = AdditionalSource {
        config: &config.additional,
        resolution: config.resolution(),
        dir: &run.dir,
        seed: config.split_seed(),
        near_duplicates: config.group_near_duplicates,
        skip_bad,
    };
    let more = additional::read(&config.additional.dirs, missing_genre, &datasets[0])?;
    split.additional = match begun {
        Some(ids) => source.load_again(&more, ids)?,
        None => source.load(&more, &datasets[0], split)?,
    };
    datasets.extend(more);
    let (main, additional) = (split.train.len(), split.additional.train.len());
    if additional > 0 {
        let mixture = Mixture::new(&config.additional, main, additional, config.epochs);
        let last = match config.additional.main_only_epochs {
            0 => String::new(),
            epochs => format!(" (last {epochs}: {main})"),
        };
        println!("{} posters per epoch{last}", mixture.posters_in(1));
    }
    Ok(())
}

fn report_unknown_labels(datasets: &[Dataset]) {
    for dataset in datasets {
        let (labels, rows) = dataset.unknown_labels();
        if labels > 0 {
            println!("{}: {labels} labels of {rows} posters are unknown", dataset.dir.display());
        }
    }
}

/// Warns if the bundle from which the model starts may have learnt from the held-out posters.
fn warn_of_known_posters(config: &Config, split: &Split) -> Result<()> {
    let Some(path) = &config.pretrained else { return Ok(()) };
    let Some(files) = pretrained::read_bundle(path)? else { return Ok(()) };
    if !split.equals_recorded(&files.manifest().training, config.split_seed()) {
        eprintln!(
            "warning: {} comes from another split: its training posters may be among the held-out \
             posters of this run, whose metrics are then too good",
            path.display()
        );
    }
    Ok(())
}

fn warn_of_missing_genres(names: &[String], split: &Split) {
    let is_missing = |genre: &usize| !split.training_posters().any(|poster| poster.row.has(*genre));
    let missing: Vec<&str> =
        (0..names.len()).filter(is_missing).map(|genre| names[genre].as_str()).collect();
    if !missing.is_empty() {
        eprintln!(
            "warning: no training poster has {}: the model will hardly ever predict it",
            missing.join(" or ")
        );
    }
}

fn warn_of_undefined_metric(config: &Config, valid: &[Poster]) {
    if usable_metric(config.selection_metric, valid) != config.selection_metric {
        eprintln!(
            "warning: no genre has {MIN_POSITIVES} positives among the {} validation posters, so mean average \
             precision is undefined and the loss selects the best epoch; more posters or a larger valid_share \
             would help",
            valid.len()
        );
    }
}

/// Keeps the best model, draws the curves, and prints a summary.
fn finish(run: &Run) -> Result<()> {
    let records = run.log()?;
    let best = epoch_log::best(&records, run.config.selection_metric);
    let best = best.context("no epoch was finished")?;
    run.keep_best(best)?;
    curves::draw(&records, &run.dir)?;
    let mean_average_precision = match best.mean_average_precision {
        value if value.is_nan() => "undefined".to_owned(),
        value => format!("{value:.3}"),
    };
    println!(
        "best epoch {}: validation loss {:.4}, accuracy {:.1} %, mean average precision \
         {mean_average_precision}; see {}",
        best.epoch,
        best.loss,
        best.accuracy * 100.0,
        run.dir.display()
    );
    Ok(())
}
