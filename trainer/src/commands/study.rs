//! `trainer study`: runs the experiments of `evaluation/study.rs` and prints their table.

use anyhow::{Context, Result, bail, ensure};
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

/// Positive posters that a genre is learned from, one row of the table each.
const POSITIVES: [usize; 4] = [5, 10, 20, 50];

/// Greyscale posters that the model is adapted to, one row of the table each.
const GREYSCALE_POSTERS: [usize; 3] = [20, 50, 100];

pub(crate) fn run(args: &StudyArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let read = || {
        Bundle::read(&args.bundle, &device)
            .with_context(|| format!("--bundle {}", args.bundle.display()))
    };
    let bundle = read()?;
    let dataset = Dataset::read(&args.data, None)?;
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
        .map(|poster| Poster { pixels: greyscale(&poster.pixels), ..poster.clone() })
        .collect();
    let cache = |posters| CachedPosters::new(model, &bundle, posters, LAST_STAGE, &device);
    let colour = cache(posters)?;
    let grey = cache(grey)?;

    // A genre must have enough positives left for the evaluation.
    let usable_genres = |positives: usize| {
        let genres = 0..bundle.manifest.genres.len();
        let colour = &colour;
        genres.filter(move |&genre| colour.positives(genre) >= positives + 4 * MIN_POSITIVES)
    };
    let wanted = |experiment| args.experiment.is_none_or(|only| only == experiment);
    let positives: &[usize] = if wanted(Experiment::NewGenre) { &POSITIVES } else { &[] };
    let grey_posters: &[usize] =
        if wanted(Experiment::Greyscale) { &GREYSCALE_POSTERS } else { &[] };
    let settings: usize = positives.iter().map(|&count| usable_genres(count).count()).sum();
    let total = (settings + grey_posters.len()) * args.seeds as usize;
    let mut progress = Progress { ticker: Ticker::new("trials", total), done: 0 };
    let options = |seed| FineTuneOptions { seed, ..args.flags.options() };

    let mut rows = Vec::new();
    for &count in positives {
        let mut trials = Vec::new();
        for genre in usable_genres(count) {
            for seed in 0..args.seeds {
                let bundle = read()?;
                let trial =
                    experiments::learn_genre(bundle, &colour, genre, count, options(seed), &device);
                trials.push(trial?);
                progress.advance();
            }
        }
        ensure!(
            !trials.is_empty(),
            "no genre has {} posters in the {} split, the fewest needed to learn from {count} and \
             evaluate on the rest",
            count + 4 * MIN_POSITIVES,
            args.split
        );
        let metrics = ["average precision", "mean average precision, others"];
        rows.extend(table_rows("new genre", count, metrics, &trials));
    }
    for &count in grey_posters {
        let mut trials = Vec::new();
        for seed in 0..args.seeds {
            let bundle = read()?;
            let trial = experiments::adapt(bundle, &grey, &colour, count, options(seed), &device);
            trials.push(trial?);
            progress.advance();
        }
        let metrics = ["mean average precision, grey", "mean average precision, colour"];
        rows.extend(table_rows("greyscale", count, metrics, &trials));
    }
    progress.ticker.finish();
    table::print(&rows);
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&rows)? + "\n";
        write_atomically(path, json.as_bytes())?;
    }
    Ok(())
}

/// Summarises an experiment's trials in two rows: the target of fine-tuning, and everything else.
fn table_rows(
    experiment: &'static str,
    posters: usize,
    [target, rest]: [&'static str; 2],
    trials: &[Trial],
) -> [Row; 2] {
    let targets: Vec<_> = trials.iter().map(|trial| trial.target).collect();
    let rests: Vec<_> = trials.iter().map(|trial| trial.rest).collect();
    [Row::new(experiment, posters, target, &targets), Row::new(experiment, posters, rest, &rests)]
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
