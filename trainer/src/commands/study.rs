//! `trainer study`: repeats the experiments of `evaluation/study.rs` and prints their table.

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use marquee::architecture::efficientnet_lite::LAST_STAGE;
use marquee::bundle::write_atomically;
use marquee::fine_tune::FineTuneOptions;
use marquee::metrics::MIN_POSITIVES;
use marquee::{Bundle, Model};

use crate::cli::{Experiment, HeldOutSplit, StudyArgs};
use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::data::split::Split;
use crate::device;
use crate::evaluation::study::cached_posters::CachedPosters;
use crate::evaluation::study::experiments::{self, Trial, greyscale};
use crate::evaluation::study::table::{self, Row};
use crate::progress::Ticker;

/// Numbers of positive posters that a genre is learned from.
const POSITIVES: [usize; 4] = [5, 10, 20, 50];

/// Numbers of greyscale posters that the model is adapted to.
const GREYSCALE_POSTERS: [usize; 3] = [20, 50, 100];

pub(crate) fn run(args: &StudyArgs) -> Result<()> {
    let study = Study::prepare(args)?;
    let wanted = |experiment| args.experiment.is_none_or(|only| only == experiment);
    let positives: &[usize] = if wanted(Experiment::NewGenre) { &POSITIVES } else { &[] };
    let posters: &[usize] = if wanted(Experiment::Greyscale) { &GREYSCALE_POSTERS } else { &[] };
    let genres: usize = positives.iter().map(|&count| study.usable_genres(count).count()).sum();
    let total = (genres + posters.len()) * args.seeds as usize;
    let mut progress = Progress { ticker: Ticker::new("trials", total), done: 0 };
    let mut rows = Vec::new();
    for &count in positives {
        rows.extend(study.new_genre(count, &mut progress)?);
    }
    for &count in posters {
        rows.extend(study.greyscale(count, &mut progress)?);
    }
    progress.ticker.finish();
    table::print(&rows);
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&rows)? + "\n";
        write_atomically(path, json.as_bytes())?;
    }
    Ok(())
}

/// What all trials share.
struct Study<'a> {
    args: &'a StudyArgs,
    device: Device,
    /// Number of genres of the bundle.
    genres: usize,
    colour: CachedPosters,
    grey: CachedPosters,
}

impl<'a> Study<'a> {
    fn prepare(args: &'a StudyArgs) -> Result<Self> {
        let (device, _) = device::open(&args.device)?;
        let bundle = read_bundle(args, &device)?;
        let dataset = Dataset::for_bundle(&args.data, None, &bundle.manifest)?;
        let split = Split::from_manifest(&bundle.manifest, &dataset, args.skip_bad)?;
        let posters = match args.split {
            HeldOutSplit::Validation => split.valid,
            HeldOutSplit::Test => split.test,
        };
        println!("{} posters of the {} split", posters.len(), args.split);
        let Model::EfficientNetLite(model) = &bundle.model else {
            bail!("a {} cannot be fine-tuned", bundle.manifest.architecture.name());
        };
        let grey: Vec<Poster> = posters
            .iter()
            .map(|poster| {
                let pixels = greyscale(&*poster.pixels.read()?).into();
                Ok(Poster { pixels, ..poster.clone() })
            })
            .collect::<Result<_>>()?;
        let cache = |posters| CachedPosters::new(model, &bundle, posters, LAST_STAGE, &device);
        let (colour, grey) = (cache(posters)?, cache(grey)?);
        Ok(Self { args, genres: bundle.manifest.genres.len(), colour, grey, device })
    }

    /// Returns the genres that have `positives` posters to learn from and enough others to evaluate on.
    fn usable_genres(&self, positives: usize) -> impl Iterator<Item = usize> {
        let needed = positives_needed(positives);
        (0..self.genres).filter(move |&genre| self.colour.positives(genre) >= needed)
    }

    /// Learns each usable genre from `positives` of its posters, once for each seed.
    fn new_genre(&self, positives: usize, progress: &mut Progress) -> Result<[Row; 2]> {
        let mut trials = Vec::new();
        for genre in self.usable_genres(positives) {
            for seed in 0..self.args.seeds {
                let bundle = read_bundle(self.args, &self.device)?;
                let options = self.options(seed);
                let cached = &self.colour;
                let device = &self.device;
                trials.push(experiments::learn_genre(
                    bundle, cached, genre, positives, options, device,
                )?);
                progress.advance();
            }
        }
        ensure!(
            !trials.is_empty(),
            "no genre has {} posters in the {} split, the fewest to learn it from {positives} and \
             evaluate on the rest",
            positives_needed(positives),
            self.args.split
        );
        let metrics = ["average precision", "mean average precision, others"];
        Ok(rows("new genre", positives, metrics, &trials))
    }

    /// Adapts the model to `posters` greyscale posters, once for each seed.
    fn greyscale(&self, posters: usize, progress: &mut Progress) -> Result<[Row; 2]> {
        let mut trials = Vec::new();
        for seed in 0..self.args.seeds {
            let bundle = read_bundle(self.args, &self.device)?;
            let options = self.options(seed);
            let (grey, colour) = (&self.grey, &self.colour);
            trials.push(experiments::adapt(bundle, grey, colour, posters, options)?);
            progress.advance();
        }
        let metrics = ["mean average precision, grey", "mean average precision, colour"];
        Ok(rows("greyscale", posters, metrics, &trials))
    }

    fn options(&self, seed: u64) -> FineTuneOptions {
        FineTuneOptions { seed, ..self.args.flags.options() }
    }
}

fn read_bundle(args: &StudyArgs, device: &Device) -> Result<Bundle> {
    Bundle::read(&args.bundle, device)
        .with_context(|| format!("--bundle {}", args.bundle.display()))
}

/// Returns the number of posters that a genre must have, to learn from some of them and evaluate on the rest.
fn positives_needed(positives: usize) -> usize {
    positives + 4 * MIN_POSITIVES
}

/// Summarises an experiment's trials in two rows: what fine-tuning aims at, and what it should preserve.
fn rows(
    experiment: &'static str,
    posters: usize,
    [target_metric, rest_metric]: [&'static str; 2],
    trials: &[Trial],
) -> [Row; 2] {
    let target: Vec<_> = trials.iter().map(|trial| trial.target).collect();
    let rest: Vec<_> = trials.iter().map(|trial| trial.rest).collect();
    [
        Row::new(experiment, posters, target_metric, &target),
        Row::new(experiment, posters, rest_metric, &rest),
    ]
}

struct Progress {
    ticker: Ticker,
    done: usize,
}

impl Progress {
    fn advance(&mut self) {
        self.done += 1;
        self.ticker.tick(self.done);
    }
}
