//! `trainer study`: what teaching gives and costs, on posters that the bundle's network never saw. Its table is
//! where the defaults of fine-tuning come from.
//!
//! A genre is removed from the head and taught again with a few posters, beside the head that learnt it from
//! thousands and what the other genres lose; and the network is taught posters of another kind, grey ones, beside
//! what the colours then lose.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use marquee::architecture::efficientnet_lite::LAST_STAGE;
use marquee::fine_tune::{FineTuneOptions, FineTuner};
use marquee::metrics::{MIN_POSITIVES, Ranking, average_precision};
use marquee::model::EfficientNetLite;
use marquee::{Bundle, Model, Pixels};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::cli::{Experiment, HeldOutSplit, StudyArgs};
use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::data::split::Split;
use crate::device;
use crate::inference::BATCH;
use crate::progress::Ticker;

/// Posters of a genre that it is taught from.
const POSITIVES: [usize; 4] = [5, 10, 20, 50];

/// Other posters beside each of them.
const OTHERS: usize = 3;

/// Posters of another kind that are taught.
const SHIFTED: [usize; 3] = [20, 50, 100];

/// What is run once only, for all posters: the parts in front of those that may learn.
const FRONT: usize = LAST_STAGE;

/// Posters at the device.
struct Seen {
    posters: Vec<Poster>,
    /// What the front of the network gives, batch by batch.
    maps: Vec<Tensor<4>>,
    /// What the bundle's network says as it is: every poster's logits.
    answers: Answers,
}

/// A row of logits for each poster.
type Answers = Vec<Vec<f32>>;

#[derive(Serialize)]
struct Row {
    what: String,
    posters: usize,
    metric: &'static str,
    trials: usize,
    guessing: f64,
    before: f64,
    after: f64,
    /// Of the change, the tenth and the ninetieth percentile of the trials.
    low: f64,
    high: f64,
}

/// One trial: guessing, before (or fully trained), after.
type Figures = [f64; 3];

pub(crate) fn run(args: &StudyArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let read = || {
        Bundle::read(&args.bundle, &device)
            .with_context(|| format!("--bundle {}", args.bundle.display()))
    };
    let bundle = read()?;
    let dataset = Dataset::read(&args.data, None)?;
    let split = Split::again(&bundle.manifest, &dataset, args.skip_bad)?;
    let posters = match args.split {
        HeldOutSplit::Validation => split.valid,
        HeldOutSplit::Test => split.test,
    };
    println!("{} posters of the {} side", posters.len(), args.split);

    let Model::EfficientNetLite(network) = &bundle.model else {
        anyhow::bail!("a {} cannot be taught", bundle.manifest.architecture.name());
    };
    let grey =
        posters.iter().map(|poster| Poster { pixels: grey(&poster.pixels), ..poster.clone() });
    let grey: Vec<Poster> = grey.collect();
    let colour = Seen::new(network, &bundle, posters, &device)?;
    let grey = Seen::new(network, &bundle, grey, &device)?;

    // Enough must be left to judge.
    let judged = |positives: usize| {
        let genres = 0..bundle.manifest.genres.len();
        let colour = &colour;
        genres.filter(move |&genre| colour.positives(genre) >= positives + 4 * MIN_POSITIVES)
    };
    let wanted = |half| args.experiment.is_none_or(|only| only == half);
    let positives: &[usize] = if wanted(Experiment::NewGenre) { &POSITIVES } else { &[] };
    let shifted: &[usize] = if wanted(Experiment::Greyscale) { &SHIFTED } else { &[] };
    let again: usize = positives.iter().map(|&positives| judged(positives).count()).sum();
    let ticker = Ticker::new("trials", (again + shifted.len()) * args.seeds as usize);
    let mut done = 0;
    let config = args.flags.options();
    let mut rows = Vec::new();
    for &positives in positives {
        let (mut taught, mut others) = (Vec::new(), Vec::new());
        for genre in judged(positives) {
            for seed in 0..args.seeds {
                let config = FineTuneOptions { seed, ..config.clone() };
                let (it, rest) = teach_again(read()?, &colour, genre, positives, config, &device)?;
                taught.push(it);
                others.push(rest);
                done += 1;
                ticker.tick(done);
            }
        }
        ensure!(!taught.is_empty(), "no genre has {positives} posters and some more to judge by");
        rows.push(row("a genre again", positives, "average precision", &taught));
        rows.push(row("a genre again", positives, "mean average precision, others", &others));
    }
    for &posters in shifted {
        let (mut shifted, mut others) = (Vec::new(), Vec::new());
        for seed in 0..args.seeds {
            let config = FineTuneOptions { seed, ..config.clone() };
            let (there, here) = teach_shifted(read()?, &grey, &colour, posters, config, &device)?;
            shifted.push(there);
            others.push(here);
            done += 1;
            ticker.tick(done);
        }
        rows.push(row("grey posters", posters, "mean average precision, grey", &shifted));
        rows.push(row("grey posters", posters, "mean average precision, coloured", &others));
    }
    ticker.finish();
    print(&rows);
    if let Some(path) = &args.json {
        write_json(path, &rows)?;
    }
    Ok(())
}

impl Seen {
    fn new(
        network: &EfficientNetLite,
        bundle: &Bundle,
        posters: Vec<Poster>,
        device: &Device,
    ) -> Result<Self> {
        let ticker = Ticker::new("looking at posters", posters.len());
        let mut maps = Vec::new();
        for (index, batch) in posters.chunks(BATCH).enumerate() {
            let pixels: Vec<Pixels> = batch.iter().map(|poster| poster.pixels.clone()).collect();
            maps.push(network.run(0..FRONT, bundle.manifest.input.batch(&pixels, device)));
            ticker.tick(index * BATCH + batch.len());
        }
        ticker.finish();
        let mut seen = Self { posters, maps, answers: Vec::new() };
        seen.answers = seen.logits(&bundle.model)?;
        Ok(seen)
    }

    fn positives(&self, genre: usize) -> usize {
        self.posters.iter().filter(|poster| poster.row.labels[genre]).count()
    }

    /// What a network says that shares the front.
    fn logits(&self, model: &Model) -> Result<Answers> {
        let mut answers = Vec::new();
        for map in &self.maps {
            let logits = model.forward_from(FRONT, map.clone());
            let [_, genres] = logits.dims();
            let logits: Vec<f32> = logits.try_into_vec_as()?;
            answers.extend(logits.chunks_exact(genres).map(<[f32]>::to_vec));
        }
        Ok(answers)
    }

    /// Average precision of a genre among those posters that were not `taught`; and guessing's.
    fn precision(
        &self,
        answers: &[Vec<f32>],
        column: usize,
        genre: usize,
        taught: &[usize],
    ) -> [f64; 2] {
        let posters = self.posters.iter().zip(answers).enumerate();
        let judged = posters.filter(|(index, _)| !taught.contains(index));
        let mut ranking: Ranking =
            judged.map(|(_, (poster, row))| (row[column], poster.row.labels[genre])).collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = ranking.iter().filter(|(_, label)| *label).count();
        [positives as f64 / ranking.len() as f64, average_precision(&ranking)]
    }

    /// The mean over those of `genres` that have enough posters among those that judge; `columns` says where the
    /// answers have them.
    fn mean_precision(
        &self,
        answers: &[Vec<f32>],
        columns: impl Iterator<Item = usize>,
        genres: impl Iterator<Item = usize>,
        taught: &[usize],
    ) -> [f64; 2] {
        let judged = (self.posters.len() - taught.len()) as f64;
        let figures: Vec<[f64; 2]> = columns
            .zip(genres)
            .map(|(column, genre)| self.precision(answers, column, genre, taught))
            .filter(|[guessing, _]| (guessing * judged).round() >= MIN_POSITIVES as f64)
            .collect();
        let mean =
            |which: usize| figures.iter().map(|f| f[which]).sum::<f64>() / figures.len() as f64;
        [mean(0), mean(1)]
    }
}

/// Removes a genre from the head and teaches it again from some of its posters and three times as many others.
/// Gives the figures of that genre and of the others.
fn teach_again(
    bundle: Bundle,
    seen: &Seen,
    genre: usize,
    positives: usize,
    config: FineTuneOptions,
    device: &Device,
) -> Result<(Figures, Figures)> {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let mut order: Vec<usize> = (0..seen.posters.len()).collect();
    order.shuffle(&mut random);
    let (with, without): (Vec<usize>, Vec<usize>) =
        order.into_iter().partition(|&index| seen.posters[index].row.labels[genre]);
    let with = with.into_iter().take(positives);
    let taught: Vec<usize> = with.chain(without.into_iter().take(OTHERS * positives)).collect();

    let Bundle { mut manifest, model } = bundle;
    let Model::EfficientNetLite(network) = model else { anyhow::bail!("not an EfficientNet-Lite") };
    let removed = manifest.genres.remove(genre);
    let (weight, bias) = network.head();
    let others = (0..=manifest.genres.len()).filter(|&other| other != genre);
    let kept: Vec<i32> = others.clone().map(|other| other as i32).collect();
    let kept = Tensor::from_data(kept.as_slice(), device);
    let head = Linear {
        weight: Param::from_tensor(weight.select(1, kept.clone())),
        bias: Some(Param::from_tensor(bias.select(0, kept))),
    };
    let model = Model::EfficientNetLite(network.with_head(head));
    let mut tuner = FineTuner::new(Bundle { manifest, model }, &[removed.name], config, device)?;
    let known = tuner.genres().count() - 1;
    let examples = taught.iter().map(|&index| {
        let poster = &seen.posters[index];
        let mut labels = vec![None; known];
        labels.push(Some(poster.row.labels[genre]));
        (poster.pixels.clone(), labels)
    });
    teach(&mut tuner, examples)?;
    let answers = seen.logits(&tuner.bundle().model)?;
    let [guessing, trained] = seen.precision(&seen.answers, genre, genre, &taught);
    let [_, after] = seen.precision(&answers, known, genre, &taught);
    let [guessing_others, before] =
        seen.mean_precision(&seen.answers, others.clone(), others.clone(), &taught);
    let [_, others_after] = seen.mean_precision(&answers, 0..known, others, &taught);
    Ok(([guessing, trained, after], [guessing_others, before, others_after]))
}

/// Teaches some posters of another kind with all their genres; judges by the others, of that kind and as they were.
fn teach_shifted(
    bundle: Bundle,
    shifted: &Seen,
    plain: &Seen,
    taught: usize,
    config: FineTuneOptions,
    device: &Device,
) -> Result<(Figures, Figures)> {
    let mut order: Vec<usize> = (0..shifted.posters.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(config.seed));
    order.truncate(taught);
    let mut tuner = FineTuner::new(bundle, &[], config, device)?;
    let examples = order.iter().map(|&index| {
        let poster = &shifted.posters[index];
        (poster.pixels.clone(), poster.row.labels.iter().copied().map(Some).collect())
    });
    teach(&mut tuner, examples)?;
    let taught = tuner.bundle().model;
    let genres = || 0..tuner.genres().count();
    let figures = |seen: &Seen| -> Result<Figures> {
        let [guessing, before] = seen.mean_precision(&seen.answers, genres(), genres(), &order);
        let [_, after] = seen.mean_precision(&seen.logits(&taught)?, genres(), genres(), &order);
        Ok([guessing, before, after])
    };
    Ok((figures(shifted)?, figures(plain)?))
}

fn teach(
    tuner: &mut FineTuner,
    examples: impl Iterator<Item = (Pixels, Vec<Option<bool>>)>,
) -> Result<()> {
    let examples: Vec<_> = examples.collect();
    pollster::block_on(tuner.add(&examples))?;
    pollster::block_on(tuner.step(tuner.options().steps))?;
    Ok(())
}

/// Without colour, by the weights of ITU-R BT.601.
fn grey(pixels: &Pixels) -> Pixels {
    let grey = |rgb: &[u8]| {
        let weighted = rgb.iter().zip([299, 587, 114]).map(|(v, w)| u32::from(*v) * w);
        [(weighted.sum::<u32>() / 1000) as u8; 3]
    };
    Pixels { rgb: pixels.rgb.chunks(3).flat_map(grey).collect() }
}

fn row(what: &str, posters: usize, metric: &'static str, trials: &[Figures]) -> Row {
    let mean = |which: usize| trials.iter().map(|t| t[which]).sum::<f64>() / trials.len() as f64;
    let mut change: Vec<f64> = trials.iter().map(|trial| trial[2] - trial[1]).collect();
    change.sort_by(f64::total_cmp);
    let quantile = |share: f64| change[((change.len() - 1) as f64 * share).round() as usize];
    let what = what.to_owned();
    let (low, after, high) = (quantile(0.1), mean(2), quantile(0.9));
    let (guessing, before) = (mean(0), mean(1));
    Row { what, posters, metric, trials: trials.len(), guessing, before, after, low, high }
}

fn print(rows: &[Row]) {
    println!(
        "{:16} {:>7} {:34} {:>6} {:>9} {:>7} {:>7}   change, 80 % of trials",
        "taught", "posters", "figure", "trials", "guessing", "before", "after"
    );
    for Row { what, posters, metric, trials, guessing, before, after, low, high } in rows {
        println!(
            "{what:16} {posters:7} {metric:34} {trials:6} {guessing:9.3} {before:7.3} {after:7.3}   {low:+.3} to {high:+.3}"
        );
    }
    println!("before, for a genre that is taught again: the head that learnt it in training");
}

fn write_json(path: &Path, rows: &[Row]) -> Result<()> {
    let json = serde_json::to_string_pretty(rows)? + "\n";
    marquee::bundle::write_atomically(path, json.as_bytes())?;
    Ok(())
}
