//! One trial of each experiment.

use anyhow::{Result, bail};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use marquee::fine_tune::{FineTuneOptions, FineTuner, PartialLabels};
use marquee::model::EfficientNetLite;
use marquee::{Bundle, Model, Pixels};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::cached_posters::{CachedPosters, Precision};

/// Negative posters per positive poster when a genre is learned.
const NEGATIVES: usize = 3;

/// A metric on the held-out posters, before and after fine-tuning.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) baseline: f64,
    pub(crate) before: f64,
    pub(crate) after: f64,
}

impl Change {
    fn between(before: Precision, after: Precision) -> Self {
        Self { baseline: before.baseline, before: before.value, after: after.value }
    }
}

/// The result of one trial.
pub(crate) struct Trial {
    /// What fine-tuning aims at: the new genre, or the greyscale posters.
    pub(crate) target: Change,
    /// What it should preserve: the other genres, or the colour posters.
    pub(crate) rest: Change,
}

/// Removes a genre from the head and learns it again from `positives` of its posters and three times as many others.
/// "Before" is the original head.
pub(crate) fn learn_genre(
    bundle: Bundle,
    cached: &CachedPosters,
    genre: usize,
    positives: usize,
    options: FineTuneOptions,
    device: &Device,
) -> Result<Trial> {
    let train = draw_training_posters(cached, genre, positives, options.seed);
    let Bundle { mut manifest, model } = bundle;
    let Model::EfficientNetLite(model) = model else {
        bail!("a {} cannot be fine-tuned", manifest.architecture.name());
    };
    let removed = manifest.genres.remove(genre);
    let others: Vec<usize> = (0..=manifest.genres.len()).filter(|&other| other != genre).collect();
    let model = Model::EfficientNetLite(keep_genres(model, &others, device));
    let mut tuner = FineTuner::new(Bundle { manifest, model }, &[removed.name], options)?;
    let examples = train.iter().map(|&index| {
        let poster = &cached.posters[index];
        let mut labels = vec![None; others.len()];
        labels.push(poster.row.labels[genre]);
        Ok((poster.pixels.read()?.into_owned(), labels))
    });
    fine_tune(&mut tuner, examples)?;

    let logits = cached.logits_of(&tuner.bundle().model)?;
    // The new genre is the last column.
    let before = cached.precision(&cached.logits, genre, genre, &train);
    let after = cached.precision(&logits, others.len(), genre, &train);
    let target = Change::between(before, after);
    let same_columns = others.iter().map(|&other| (other, other));
    let before = cached.mean_precision(&cached.logits, same_columns, &train);
    let after = cached.mean_precision(&logits, others.iter().copied().enumerate(), &train);
    let rest = Change::between(before, after);
    Ok(Trial { target, rest })
}

/// Draws the indices of `positives` posters with the genre and [`NEGATIVES`] times as many without it.
fn draw_training_posters(
    cached: &CachedPosters,
    genre: usize,
    positives: usize,
    seed: u64,
) -> Vec<usize> {
    let order = shuffled(cached.posters.len(), seed);
    let with_label = |label: bool| {
        let posters = order.iter().copied();
        posters.filter(move |&index| cached.posters[index].row.labels[genre] == Some(label))
    };
    with_label(true).take(positives).chain(with_label(false).take(NEGATIVES * positives)).collect()
}

/// Returns the model with a head for `genres` only.
fn keep_genres(model: EfficientNetLite, genres: &[usize], device: &Device) -> EfficientNetLite {
    let (weight, bias) = model.head();
    let columns: Vec<i32> = genres.iter().map(|&genre| genre as i32).collect();
    let columns = Tensor::from_data(columns.as_slice(), device);
    model.with_head(Linear {
        weight: Param::from_tensor(weight.select(1, columns.clone())),
        bias: Some(Param::from_tensor(bias.select(0, columns))),
    })
}

/// Fine-tunes on `count` posters of `shifted` with all their labels. Evaluates on the remaining posters, as they are
/// in `shifted` and as they are in `original`.
pub(crate) fn adapt(
    bundle: Bundle,
    shifted: &CachedPosters,
    original: &CachedPosters,
    count: usize,
    options: FineTuneOptions,
) -> Result<Trial> {
    let mut train = shuffled(shifted.posters.len(), options.seed);
    train.truncate(count);
    let mut tuner = FineTuner::new(bundle, &[], options)?;
    let examples = train.iter().map(|&index| {
        let poster = &shifted.posters[index];
        Ok((poster.pixels.read()?.into_owned(), poster.row.labels.clone()))
    });
    fine_tune(&mut tuner, examples)?;

    let tuned = tuner.bundle().model;
    let genres = tuner.genres().count();
    let columns = || (0..genres).map(|genre| (genre, genre));
    let change = |cached: &CachedPosters| -> Result<Change> {
        let before = cached.mean_precision(&cached.logits, columns(), &train);
        let after = cached.mean_precision(&cached.logits_of(&tuned)?, columns(), &train);
        Ok(Change::between(before, after))
    };
    Ok(Trial { target: change(shifted)?, rest: change(original)? })
}

fn fine_tune(
    tuner: &mut FineTuner,
    examples: impl Iterator<Item = Result<(Pixels, PartialLabels)>>,
) -> Result<()> {
    let examples: Vec<_> = examples.collect::<Result<_>>()?;
    pollster::block_on(tuner.add(&examples))?;
    pollster::block_on(tuner.step(tuner.options().steps))?;
    Ok(())
}

fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

/// Replaces each colour by its luma, by the weights of ITU-R BT.601.
pub(crate) fn greyscale(pixels: &Pixels) -> Pixels {
    let mut grey = pixels.clone();
    for rgb in grey.rgb_mut().chunks_exact_mut(3) {
        let weighted = rgb.iter().zip([299, 587, 114]).map(|(v, w)| u32::from(*v) * w);
        rgb.fill((weighted.sum::<u32>() / 1000) as u8);
    }
    grey
}
