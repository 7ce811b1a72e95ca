//! Near-duplicates: one poster in two printings, or one template with two titles. They are found by a perceptual
//! hash.
//!
//! The split of the main data compares whole posters; it must not change with every better comparison. Additional
//! data are compared by the hashes of their crops too, in `crops` and `search`.

mod crops;
mod search;

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use image::RgbImage;
use image_hasher::{HashAlg, HasherConfig, ImageHash};
use marquee::Preprocess;
use rayon::prelude::*;

use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::progress::Ticker;

pub(crate) use crops::{Fingerprint, fingerprints};
pub(crate) use search::near_duplicates;

/// A gradient hash of 256 bits: for each of 16 x 16 pixels, whether it is darker than its neighbour in the row.
pub(crate) type PerceptualHash = ImageHash<[u8; 32]>;

/// Largest Hamming distance between near-duplicates, out of 256 bits. Among 7,052 posters, five pairs are at most 26
/// apart, and all five are near-duplicates; the next pair, 35 apart, shows different pictures.
const MAX_DISTANCE: u32 = 28;

/// Computes the perceptual hash of each poster, in order. The files are decoded again at a fixed size, so that the
/// result does not depend on the model's input size.
///
/// # Errors
/// An image file can no longer be read.
pub(crate) fn perceptual_hashes(
    dataset: &Dataset,
    posters: &[Poster],
) -> Result<Vec<PerceptualHash>> {
    let hasher = HasherConfig::with_bytes_type::<[u8; 32]>()
        .hash_alg(HashAlg::Gradient)
        .hash_size(16, 16)
        .to_hasher();
    // The size to which the hasher would reduce each image: 16 differences need 17 columns.
    let small = Preprocess { width: 17, height: 16, mean: [0.5; 3], std: [0.5; 3] };
    let ticker = Ticker::new("comparing posters", posters.len());
    let done = AtomicUsize::new(0);
    let hashes = posters.par_iter().map(|poster| {
        let path = dataset.image_path(&poster.row.id);
        let path = path.with_context(|| format!("the image of {} is gone", poster.row.id))?;
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let pixels = small.decode(&bytes).with_context(|| path.display().to_string())?;
        let image = RgbImage::from_raw(small.width, small.height, pixels.into_rgb());
        let image = image.with_context(|| format!("{} has no pixels", path.display()))?;
        ticker.tick(done.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(hasher.hash_image(&image))
    });
    let hashes = hashes.collect();
    ticker.finish();
    hashes
}

/// Returns whether two posters are identical or nearly so.
pub(crate) fn are_near_duplicates(one: &PerceptualHash, other: &PerceptualHash) -> bool {
    one.dist(other) <= MAX_DISTANCE
}
