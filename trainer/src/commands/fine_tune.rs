//! `trainer fine-tune`: trains a bundle further on a few labelled posters, with the same code as the page, and
//! evaluates the result on held-out posters.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::bundle::write_atomically;
use marquee::fine_tune::{FineTuneOptions, FineTuner, PartialLabels};
use marquee::{Bundle, Pixels, Precision};

use crate::cli::FineTuneArgs;
use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::data::split::Split;
use crate::data::{near_duplicates, posters};
use crate::device;
use crate::evaluation::fine_tuning::{self, Comparison};
use crate::inference;
use crate::progress::Ticker;

pub(crate) fn run(args: &FineTuneArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let original = read(&args.bundle, &device)?;
    let dataset = Dataset::for_bundle(&args.data, args.limit, &original.manifest)?;
    let new_genres = new_genres(&original, &dataset);
    if !new_genres.is_empty() {
        println!("new genres: {}", new_genres.join(", "));
    }
    let (train, held_out) = split(args, &dataset, &original)?;
    ensure!(
        !train.is_empty(),
        "no posters are left to train on; add posters or lower --test-share"
    );

    let options = FineTuneOptions { seed: args.seed, ..args.flags.options() };
    let mut tuner = FineTuner::new(original, &new_genres, options)?;
    let genres: Vec<String> = tuner.genres().map(str::to_owned).collect();
    let labels = LabelColumns::new(&genres, &dataset);
    add_posters(&mut tuner, &train, &labels)?;
    take_steps(&mut tuner, args.flags.steps)?;
    write(&tuner.bundle(), &args.out).with_context(|| format!("--out {}", args.out.display()))?;
    println!("written to {}", args.out.display());
    if held_out.is_empty() {
        return Ok(());
    }

    let classify =
        |path: &Path| inference::probabilities(&inference::open(path, &device)?, &held_out);
    let comparison = Comparison {
        genres: &genres,
        train: train.iter().map(|poster| labels.of(poster)).collect(),
        held_out: held_out.iter().map(|poster| labels.of(poster)).collect(),
        before: classify(&args.bundle)?,
        after: classify(&args.out)?,
    };
    print!("{}", fine_tuning::table(&comparison));
    Ok(())
}

fn read(path: &Path, device: &Device) -> Result<Bundle> {
    Bundle::read(path, device).with_context(|| format!("--bundle {}", path.display()))
}

/// Returns the genres of the dataset that the bundle does not have.
fn new_genres(bundle: &Bundle, dataset: &Dataset) -> Vec<String> {
    let existing = |genre: &String| bundle.manifest.genres.iter().any(|other| other.name == *genre);
    dataset.genres.iter().filter(|genre| !existing(genre)).cloned().collect()
}

/// Loads the posters and splits them into training posters and held-out posters. Near-duplicates land in the same
/// part.
fn split(
    args: &FineTuneArgs,
    dataset: &Dataset,
    bundle: &Bundle,
) -> Result<(Vec<Poster>, Vec<Poster>)> {
    let loaded = posters::load(dataset, &bundle.manifest.input, args.skip_bad)?;
    if args.test_share == 0.0 {
        return Ok((loaded, Vec::new()));
    }
    let hashes = near_duplicates::perceptual_hashes(dataset, &loaded)?;
    let split = Split::draw(loaded, [args.test_share, 0.0], args.seed, Some(&hashes));
    Ok((split.train, split.valid))
}

/// The dataset's column of each of the tuner's genres. The labels of a genre without a column are unknown.
struct LabelColumns(Vec<Option<usize>>);

impl LabelColumns {
    fn new(genres: &[String], dataset: &Dataset) -> Self {
        let column = |genre: &String| dataset.genres.iter().position(|other| other == genre);
        Self(genres.iter().map(column).collect())
    }

    fn of(&self, poster: &Poster) -> PartialLabels {
        self.0.iter().map(|column| column.and_then(|column| poster.row.labels[column])).collect()
    }
}

fn add_posters(tuner: &mut FineTuner, train: &[Poster], labels: &LabelColumns) -> Result<()> {
    inference::map_batches("computing features", train, |batch| {
        let labels = batch.iter().map(|poster| labels.of(poster));
        let examples: Vec<(Pixels, PartialLabels)> =
            inference::pixels(batch)?.into_iter().zip(labels).collect();
        pollster::block_on(tuner.add(&examples))?;
        Ok(Vec::<()>::new())
    })?;
    Ok(())
}

fn take_steps(tuner: &mut FineTuner, steps: usize) -> Result<()> {
    let ticker = Ticker::new("fine-tuning, steps", steps);
    for step in 0..steps {
        let loss = pollster::block_on(tuner.step(1))?;
        ensure!(
            loss.is_finite(),
            "the loss is not a finite number at step {}; use a lower --learning-rate",
            step + 1
        );
        ticker.tick(step + 1);
    }
    ticker.finish();
    Ok(())
}

/// Writes one file if the name ends in `.safetensors`, a folder otherwise, with 8-bit weights.
fn write(bundle: &Bundle, out: &Path) -> Result<()> {
    let files = pollster::block_on(bundle.encode(Precision::Int8))?;
    if out.extension().is_some_and(|extension| extension == "safetensors") {
        write_atomically(out, &files.to_single_file()?)?;
    } else {
        files.write(out)?;
    }
    Ok(())
}
