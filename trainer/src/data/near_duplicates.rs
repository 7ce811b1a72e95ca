//! Posters that look nearly alike: one film's poster in two printings, or one template with two titles.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use image::RgbImage;
use image_hasher::{HashAlg, HasherConfig, ImageHash};
use marquee::Preprocess;
use rayon::prelude::*;

use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::progress::Ticker;

/// Whether each of 16 x 16 places is darker than the one beside it.
pub(crate) type Look = ImageHash<[u8; 32]>;

/// Of the 256 places, how many differ at most between pictures that are nearly the same. Among 7,052 posters (reduced
/// by a plain mean) five pairs are at most 26 apart, all of them such; the next, 35 apart, are different pictures.
const NEARLY: u32 = 28;

/// What each poster looks like from afar. Their files are read again, at a size that is always the same, so that what
/// looks alike does not depend on the network.
///
/// # Errors
/// Where an image cannot be read any more.
pub(crate) fn looks(dataset: &Dataset, posters: &[Poster]) -> Result<Vec<Look>> {
    let hasher = HasherConfig::with_bytes_type::<[u8; 32]>()
        .hash_alg(HashAlg::Gradient)
        .hash_size(16, 16)
        .to_hasher();
    // What the hash would reduce pictures to: a place more a row than it has differences.
    let small = Preprocess { width: 17, height: 16, mean: [0.5; 3], std: [0.5; 3] };
    let ticker = Ticker::new("comparing posters", posters.len());
    let done = AtomicUsize::new(0);
    let looks = posters.par_iter().map(|poster| {
        let path = dataset.image(&poster.row.id);
        let path = path.with_context(|| format!("the image of {} is gone", poster.row.id))?;
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let pixels = small.decode(&bytes).with_context(|| path.display().to_string())?;
        let picture = RgbImage::from_raw(small.width, small.height, pixels.rgb);
        let picture = picture.with_context(|| format!("{} has no pixels", path.display()))?;
        ticker.tick(done.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(hasher.hash_image(&picture))
    });
    let looks = looks.collect();
    ticker.finish();
    looks
}

/// Whether two pictures are the same or nearly so.
pub(crate) fn alike(one: &Look, other: &Look) -> bool {
    one.dist(other) <= NEARLY
}
