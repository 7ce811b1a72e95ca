//! Opens bundles, and runs models over many posters, batch by batch. All batch inference of the trainer goes through
//! [`map_batches`].

pub(crate) mod in_order;

use std::io;
use std::path::Path;
use std::slice;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use marquee::bundle::BundleFiles;
use marquee::{Bundle, Classifier, Model, Pixels, Preprocess};
use rayon::prelude::*;

use crate::data::posters::Poster;
use crate::progress::Ticker;

/// Posters per batch.
const BATCH_SIZE: usize = 32;

/// Opens the bundle at `path` on `device`. On the CPU, it runs the same code as the page, so that both return the same
/// probabilities.
///
/// # Errors
/// The bundle cannot be read.
pub(crate) fn open(path: &Path, device: &Device) -> marquee::Result<Classifier> {
    load(BundleFiles::read(path)?, device)
}

/// Like [`open`], for files in memory.
///
/// # Errors
/// The files are not those of a bundle.
pub(crate) fn load(files: BundleFiles, device: &Device) -> marquee::Result<Classifier> {
    if *device == Device::flex() {
        return Classifier::load(files);
    }
    Ok(Classifier::new(Bundle::load(&files, device)?))
}

/// Calls `run` with batches of at most [`BATCH_SIZE`] posters, in order, and returns the concatenated results.
/// `task` names the work in the progress lines.
pub(crate) fn map_batches<T>(
    task: &'static str,
    posters: &[Poster],
    mut run: impl FnMut(&[Poster]) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    let ticker = Ticker::new(task, posters.len());
    let mut results = Vec::new();
    let mut done = 0;
    for batch in posters.chunks(BATCH_SIZE) {
        results.extend(run(batch)?);
        done += batch.len();
        ticker.tick(done);
    }
    ticker.finish();
    Ok(results)
}

/// Returns the logits of each poster, before any calibration. The posters have the size of `input`.
pub(crate) fn logits(
    model: &Model,
    posters: &[Poster],
    input: &Preprocess,
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    map_batches("classifying posters", posters, |batch| {
        rows(model.forward(input.batch(&pixels(batch)?, device)?))
    })
}

/// Returns the calibrated probabilities of each poster.
pub(crate) fn probabilities(classifier: &Classifier, posters: &[Poster]) -> Result<Vec<Vec<f32>>> {
    let classify = |posters: &[Pixels]| pollster::block_on(classifier.probabilities(posters));
    map_batches("classifying posters", posters, |batch| {
        let posters = pixels(batch)?;
        if classifier.uses_burn() {
            return Ok(classify(&posters)?);
        }
        let each = posters.par_iter().map(|poster| classify(slice::from_ref(poster)));
        Ok(each.collect::<marquee::Result<Vec<_>>>()?.concat())
    })
}

/// Reads the pixels of a batch.
///
/// # Errors
/// They cannot be read from their file.
pub(crate) fn pixels(batch: &[Poster]) -> io::Result<Vec<Pixels>> {
    batch.iter().map(|poster| Ok(poster.pixels.read()?.into_owned())).collect()
}

/// Reads a tensor `[N, genres]` as one row per poster.
pub(crate) fn rows(logits: Tensor<2>) -> Result<Vec<Vec<f32>>> {
    let [_, genres] = logits.dims();
    let values: Vec<f32> = logits.try_into_vec_as()?;
    Ok(values.chunks_exact(genres).map(<[f32]>::to_vec).collect())
}
