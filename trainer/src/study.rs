//! `trainer study`: what teaching gives and costs, on posters that the bundle's network never saw. Its table is
//! where the defaults of fine-tuning come from.
//!
//! A genre is removed from the head and taught again with a few posters, beside the head that learnt it from
//! thousands; and the network is taught posters of another kind, grey ones, beside what the colours then lose.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use marquee::architecture::efficientnet_lite::LAST_STAGE;
use marquee::finetune::{FineTuneConfig, FineTuner};
use marquee::metrics::{MIN_POSITIVES, Ranking, average_precision};
use marquee::model::EfficientNetLite;
use marquee::{Bundle, Model, Pixels};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::answers::BATCH;
use crate::cli::{Side, StudyArgs};
use crate::dataset::Dataset;
use crate::device;
use crate::posters::{self, Poster};
use crate::progress::Ticker;
use crate::split::Split;

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
}

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
    let posters = never_seen(args, &bundle)?;
    println!("{} posters of the {} side", posters.len(), args.side);

    let Model::EfficientNetLite(network) = &bundle.model else {
        anyhow::bail!("a {} cannot be taught", bundle.manifest.architecture.name());
    };
    let grey =
        posters.iter().map(|poster| Poster { pixels: grey(&poster.pixels), ..poster.clone() });
    let grey: Vec<Poster> = grey.collect();
    let colour = Seen::new(network, &bundle, posters, &device);
    let grey = Seen::new(network, &bundle, grey, &device);

    let config = args.teach.config();
    let mut rows = Vec::new();
    for positives in POSITIVES {
        let mut trials = Vec::new();
        for genre in 0..bundle.manifest.genres.len() {
            // Enough must be left to judge.
            if colour.positives(genre) < positives + 4 * MIN_POSITIVES {
                continue;
            }
            for seed in 0..args.seeds {
                let config = FineTuneConfig { seed, ..config.clone() };
                trials.push(teach_again(read()?, &colour, genre, positives, config, &device)?);
            }
        }
        ensure!(!trials.is_empty(), "no genre has {positives} posters and some more to judge by");
        rows.push(row("a genre again", positives, "average precision", &trials));
    }
    for taught in SHIFTED {
        let (mut shifted, mut others) = (Vec::new(), Vec::new());
        for seed in 0..args.seeds {
            let config = FineTuneConfig { seed, ..config.clone() };
            let (there, here) = teach_shifted(read()?, &grey, &colour, taught, config, &device)?;
            shifted.push(there);
            others.push(here);
        }
        rows.push(row("grey posters", taught, "mean average precision, grey", &shifted));
        rows.push(row("grey posters", taught, "mean average precision, coloured", &others));
    }
    print(&rows);
    if let Some(path) = &args.json {
        write_json(path, &rows)?;
    }
    Ok(())
}

/// The posters that the bundle's training kept aside, by the split that its manifest records.
fn never_seen(args: &StudyArgs, bundle: &Bundle) -> Result<Vec<Poster>> {
    let setting = |name: &str| {
        let settings = &bundle.manifest.training.settings;
        settings[name].as_f64().with_context(|| format!("the bundle does not say its {name}"))
    };
    let seed = setting("split_seed").or_else(|_| setting("seed"))? as u64;
    let dataset = Dataset::read(&args.data, None)?;
    let all = posters::load(&dataset, &bundle.manifest.input, args.skip_bad)?;
    let split = Split::draw(all, setting("valid_share")?, setting("test_share")?, seed);
    let training = &bundle.manifest.training;
    let sizes = [split.train.len(), split.valid.len(), split.test.len()];
    let expected = [training.train_posters, training.valid_posters, training.test_posters];
    ensure!(
        sizes == expected,
        "{} splits into {sizes:?} posters and not into {expected:?}: the bundle was trained on others",
        args.data.display()
    );
    ensure!(
        dataset.genres.iter().eq(bundle.manifest.genres.iter().map(|genre| &genre.name)),
        "{} and the bundle name different genres",
        args.data.display()
    );
    Ok(match args.side {
        Side::Valid => split.valid,
        Side::Test => split.test,
    })
}

impl Seen {
    fn new(
        network: &EfficientNetLite,
        bundle: &Bundle,
        posters: Vec<Poster>,
        device: &Device,
    ) -> Self {
        let ticker = Ticker::new("looking at posters", posters.len());
        let mut maps = Vec::new();
        for (index, batch) in posters.chunks(BATCH).enumerate() {
            let pixels: Vec<Pixels> = batch.iter().map(|poster| poster.pixels.clone()).collect();
            maps.push(network.run(0..FRONT, bundle.manifest.input.batch(&pixels, device)));
            ticker.tick(index * BATCH + batch.len());
        }
        ticker.finish();
        Self { posters, maps }
    }

    fn positives(&self, genre: usize) -> usize {
        self.posters.iter().filter(|poster| poster.row.labels[genre]).count()
    }

    /// Every poster's logits.
    fn logits(&self, model: &Model) -> Result<Vec<Vec<f32>>> {
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

    /// The mean over genres that have enough posters among those that judge.
    fn mean_precision(&self, answers: &[Vec<f32>], taught: &[usize]) -> [f64; 2] {
        let genres = self.posters.first().map_or(0, |poster| poster.row.labels.len());
        let judged = (self.posters.len() - taught.len()) as f64;
        let figures: Vec<[f64; 2]> = (0..genres)
            .map(|genre| self.precision(answers, genre, genre, taught))
            .filter(|[guessing, _]| (guessing * judged).round() >= MIN_POSITIVES as f64)
            .collect();
        let mean =
            |which: usize| figures.iter().map(|f| f[which]).sum::<f64>() / figures.len() as f64;
        [mean(0), mean(1)]
    }
}

/// Removes a genre from the head and teaches it again from some of its posters and three times as many others.
fn teach_again(
    bundle: Bundle,
    seen: &Seen,
    genre: usize,
    positives: usize,
    config: FineTuneConfig,
    device: &Device,
) -> Result<Figures> {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let mut order: Vec<usize> = (0..seen.posters.len()).collect();
    order.shuffle(&mut random);
    let (with, without): (Vec<usize>, Vec<usize>) =
        order.into_iter().partition(|&index| seen.posters[index].row.labels[genre]);
    let with = with.into_iter().take(positives);
    let taught: Vec<usize> = with.chain(without.into_iter().take(OTHERS * positives)).collect();

    let full = seen.logits(&bundle.model)?;
    let [guessing, full] = seen.precision(&full, genre, genre, &taught);
    let Bundle { mut manifest, model } = bundle;
    let Model::EfficientNetLite(network) = model else { anyhow::bail!("not an EfficientNet-Lite") };
    let removed = manifest.genres.remove(genre);
    let (weight, bias) = network.head();
    let kept: Vec<i32> =
        (0..=manifest.genres.len() as i32).filter(|&i| i != genre as i32).collect();
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
    let [_, after] = seen.precision(&answers, known, genre, &taught);
    Ok([guessing, full, after])
}

/// Teaches some posters of another kind with all their genres; judges by the others, of that kind and as they were.
fn teach_shifted(
    bundle: Bundle,
    shifted: &Seen,
    plain: &Seen,
    taught: usize,
    config: FineTuneConfig,
    device: &Device,
) -> Result<(Figures, Figures)> {
    let mut order: Vec<usize> = (0..shifted.posters.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(config.seed));
    order.truncate(taught);
    let figures = |model: &Model| -> Result<[[f64; 2]; 2]> {
        let there = shifted.mean_precision(&shifted.logits(model)?, &order);
        let here = plain.mean_precision(&plain.logits(model)?, &order);
        Ok([there, here])
    };
    let [[guessing, there], [_, here]] = figures(&bundle.model)?;
    let mut tuner = FineTuner::new(bundle, &[], config, device)?;
    let examples = order.iter().map(|&index| {
        let poster = &shifted.posters[index];
        (poster.pixels.clone(), poster.row.labels.iter().copied().map(Some).collect())
    });
    teach(&mut tuner, examples)?;
    let [[_, there_after], [_, here_after]] = figures(&tuner.bundle().model)?;
    Ok(([guessing, there, there_after], [guessing, here, here_after]))
}

fn teach(
    tuner: &mut FineTuner,
    examples: impl Iterator<Item = (Pixels, Vec<Option<bool>>)>,
) -> Result<()> {
    let examples: Vec<_> = examples.collect();
    pollster::block_on(tuner.add(&examples))?;
    pollster::block_on(tuner.step(tuner.config().steps))?;
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
