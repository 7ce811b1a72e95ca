//! Decoded posters in memory. Every poster is decoded once and kept at the input size (120 kB at 200 x 200), because
//! decoding in every epoch would take longer than training.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use marquee::metrics::LabelRow;
use marquee::{Pixels, Preprocess};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::data::dataset::Dataset;
use crate::progress::Ticker;

/// A labelled poster with its pixels.
#[derive(Clone)]
pub(crate) struct Poster {
    pub(crate) row: LabelRow,
    pub(crate) pixels: Pixels,
    /// SHA-256 of the image file; equal for identical files.
    pub(crate) hash: [u8; 32],
}

/// Decodes the posters of all rows in parallel, in row order.
///
/// # Errors
/// Lists all images that are missing or broken. With `skip_bad`, prints the list and leaves them out.
pub(crate) fn load(dataset: &Dataset, input: &Preprocess, skip_bad: bool) -> Result<Vec<Poster>> {
    let total = dataset.rows.len();
    let ticker = Ticker::new("decoding posters", total);
    let done = AtomicUsize::new(0);
    let loaded: Vec<Result<Poster, String>> = dataset
        .rows
        .par_iter()
        .map(|row| {
            let poster = load_one(dataset, input, row);
            ticker.tick(done.fetch_add(1, Ordering::Relaxed) + 1);
            poster
        })
        .collect();
    ticker.finish();

    let (posters, bad): (Vec<_>, Vec<_>) = loaded.into_iter().partition(Result::is_ok);
    let bad: Vec<String> = bad.into_iter().filter_map(Result::err).collect();
    let posters: Vec<Poster> = posters.into_iter().flatten().collect();
    let list = bad.join("\n  ");
    if bad.is_empty() {
        return Ok(posters);
    }
    let images = if bad.len() == 1 { "image is" } else { "images are" };
    let summary = format!("{} of {total} {images} missing or broken:\n  {list}", bad.len());
    if !skip_bad {
        bail!("{summary}\nrepair them, or leave them out with --skip-bad");
    }
    if posters.is_empty() {
        bail!("{summary}\nno poster is left");
    }
    eprintln!("leaving out: {summary}");
    Ok(posters)
}

fn load_one(dataset: &Dataset, input: &Preprocess, row: &LabelRow) -> Result<Poster, String> {
    let path = dataset.image_path(&row.id).ok_or_else(|| {
        let dir = dataset.dir.join("Images");
        format!("{}: there is no {}.jpg, .jpeg, .png or .webp", dir.display(), row.id)
    })?;
    let with_path = |reason: String| format!("{}: {reason}", path.display());
    let bytes = std::fs::read(&path).map_err(|error| with_path(error.to_string()))?;
    let pixels = input.decode(&bytes).map_err(|error| with_path(error.to_string()))?;
    Ok(Poster { row: row.clone(), pixels, hash: Sha256::digest(&bytes).into() })
}
