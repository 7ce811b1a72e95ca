//! `trainer finetune`: teaches a bundle's head with a few labelled posters, by the very code that a browser would
//! run, and says on posters kept aside what that gave and what it cost.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use marquee::bundle::write_atomically;
use marquee::fine_tune::{FineTuneOptions, FineTuner, PartialLabels};
use marquee::metrics::{MIN_POSITIVES, Ranking, average_precision};
use marquee::{Bundle, Classifier, Manifest, Pixels, Precision};

use crate::cli::FineTuneArgs;
use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::data::split::Split;
use crate::data::{near_duplicates, posters};
use crate::inference::BATCH;
use crate::progress::Ticker;
use crate::commands::evaluate;
use crate::device;

pub(crate) fn run(args: &FineTuneArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let read = || {
        Bundle::read(&args.bundle, &device)
            .with_context(|| format!("--bundle {}", args.bundle.display()))
    };
    let bundle = read()?;
    let dataset = Dataset::read(&args.data, args.limit)?;
    let known = |genre: &String| bundle.manifest.genres.iter().any(|known| known.name == *genre);
    let new: Vec<String> = dataset.genres.iter().filter(|genre| !known(genre)).cloned().collect();
    if !new.is_empty() {
        println!("new genres: {}", new.join(", "));
    }
    let loaded = posters::load(&dataset, &bundle.manifest.input, args.skip_bad)?;
    let (taught, aside) = if args.test_share == 0.0 {
        (loaded, Vec::new())
    } else {
        let looks = near_duplicates::looks(&dataset, &loaded)?;
        let split = Split::draw(loaded, [args.test_share, 0.0], args.seed, Some(&looks));
        (split.train, split.valid)
    };
    ensure!(!taught.is_empty(), "no poster is left to teach with; give more, or a smaller --aside");

    let config = FineTuneOptions { seed: args.seed, ..args.flags.options() };
    let mut tuner = FineTuner::new(bundle, &new, config, &device)?;
    let genres: Vec<String> = tuner.genres().map(str::to_owned).collect();
    // Where the table says nothing of a genre, nothing is learnt of it.
    let columns: Vec<Option<usize>> = genres
        .iter()
        .map(|genre| dataset.genres.iter().position(|column| column == genre))
        .collect();
    let labels = |poster: &Poster| -> PartialLabels {
        columns.iter().map(|column| column.map(|column| poster.row.labels[column])).collect()
    };

    let ticker = Ticker::new("looking at posters", taught.len());
    for (index, batch) in taught.chunks(BATCH).enumerate() {
        let examples: Vec<(Pixels, PartialLabels)> =
            batch.iter().map(|poster| (poster.pixels.clone(), labels(poster))).collect();
        pollster::block_on(tuner.add(&examples))?;
        ticker.tick(index * BATCH + batch.len());
    }
    ticker.finish();
    let ticker = Ticker::new("teaching, steps", args.flags.steps);
    for step in 0..args.flags.steps {
        let loss = pollster::block_on(tuner.step(1))?;
        ensure!(
            loss.is_finite(),
            "the loss is not a number at step {}: a lower --learning-rate",
            step + 1
        );
        ticker.tick(step + 1);
    }
    ticker.finish();

    let mut bundle = tuner.bundle();
    let named = || format!("--out {}", args.out.display());
    if args.out.extension().is_some_and(|end| end == "safetensors") {
        let file = pollster::block_on(bundle.to_file(Precision::Int8))?;
        write_atomically(&args.out, &file).with_context(named)?;
    } else {
        bundle.write(&args.out, Precision::Int8).with_context(named)?;
    }
    println!("written to {}", args.out.display());
    if aside.is_empty() {
        return Ok(());
    }
    let truth: Vec<PartialLabels> = aside.iter().map(labels).collect();
    let answers = |bundle| evaluate::answer(&Classifier::new(bundle, device.clone()), &aside);
    let before = answers(read()?)?;
    let after = answers(Bundle::read(&args.out, &device)?)?;
    print!("{}", table(&bundle.manifest, &taught, labels, &truth, &before, &after));
    Ok(())
}

/// Genre by genre on the posters kept aside: the average precision before and after, beside guessing.
fn table(
    manifest: &Manifest,
    taught: &[Poster],
    labels: impl Fn(&Poster) -> PartialLabels,
    truth: &[PartialLabels],
    before: &[Vec<f32>],
    after: &[Vec<f32>],
) -> String {
    let mut text = format!("\n{} posters kept aside; average precision\n", truth.len());
    let head = ["genre", "taught", "aside", "guessing", "before", "after"];
    let [genre, taught_with, aside, guessing, was, is] = head;
    let _ = writeln!(text, "{genre:14} {taught_with:>7} {aside:>7} {guessing:>9} {was:>8} {is:>8}");
    let mut few = 0;
    for (index, genre) in manifest.genres.iter().enumerate() {
        let ranking = |answers: &[Vec<f32>]| -> Ranking {
            let pairs = answers.iter().zip(truth);
            let pairs = pairs.filter_map(|(row, labels)| Some((*row.get(index)?, labels[index]?)));
            let mut ranking: Ranking = pairs.collect();
            ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
            ranking
        };
        let (was, is) = (ranking(before), ranking(after));
        let positives = is.iter().filter(|(_, label)| *label).count();
        let examples = taught.iter().filter(|poster| labels(poster)[index] == Some(true)).count();
        if positives == 0 && examples == 0 {
            continue;
        }
        few += usize::from(positives < MIN_POSITIVES);
        let guessing = positives as f64 / is.len().max(1) as f64;
        let was = match was.len() {
            0 => "new".to_owned(),
            _ => format!("{:.4}", average_precision(&was)),
        };
        let (name, is) = (&genre.name, average_precision(&is));
        let _ =
            writeln!(text, "{name:14} {examples:7} {positives:7} {guessing:9.4} {was:>8} {is:8.4}");
    }
    if few > 0 {
        let _ = writeln!(
            text,
            "{few} of these genres have fewer than {MIN_POSITIVES} posters aside: too few to tell better from worse"
        );
    }
    text
}
