//! Decoded posters. Every poster is decoded once, because decoding in every epoch would take as long as training on a
//! GPU.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow, bail};
use image::ImageReader;
use marquee::Preprocess;
use marquee::metrics::LabelRow;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::data::dataset::Dataset;
use crate::data::pixel_store::{PixelStore, StoredPixels};
use crate::progress::Ticker;

/// A labelled poster with its pixels.
#[derive(Clone)]
pub(crate) struct Poster {
    pub(crate) row: LabelRow,
    pub(crate) pixels: StoredPixels,
    /// SHA-256 of the image file; equal for identical files.
    pub(crate) hash: [u8; 32],
}

/// The size at which posters are kept. It is part of the key of cached features, in which `Input` has no tag, so that the
/// keys of runs without `stored_scale` stay as they were.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum Resolution {
    /// Each poster's own width and height, or those of this input where the poster has more.
    AtMost(Preprocess),
    /// The size of a model's input.
    #[serde(untagged)]
    Input(Preprocess),
}

impl Resolution {
    /// Returns the most bytes that a poster takes.
    fn bytes(&self) -> u64 {
        let (Self::Input(input) | Self::AtMost(input)) = self;
        u64::from(input.width) * u64::from(input.height) * 3
    }

    /// Returns the size for one image file.
    fn of(&self, bytes: &[u8]) -> Preprocess {
        match self {
            Self::Input(input) => input.clone(),
            Self::AtMost(most) => {
                let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
                // A file without a readable size fails when it is decoded, with a reason.
                let size = reader.ok().and_then(|reader| reader.into_dimensions().ok());
                let (width, height) = size.unwrap_or((most.width, most.height));
                let (width, height) = (width.clamp(1, most.width), height.clamp(1, most.height));
                Preprocess { width, height, ..most.clone() }
            }
        }
    }
}

/// Decodes the posters of all rows in parallel, in row order, to a model's input size. Many posters are kept in a
/// file in the folder for temporary files.
///
/// # Errors
/// Lists all images that are missing or broken. With `skip_bad`, prints the list and leaves them out.
pub(crate) fn load(dataset: &Dataset, input: &Preprocess, skip_bad: bool) -> Result<Vec<Poster>> {
    load_into(dataset, &Resolution::Input(input.clone()), skip_bad, &std::env::temp_dir())
}

/// Decodes the posters of all rows in parallel, in row order. Many posters are kept in a file in `dir`.
///
/// # Errors
/// Those of [`load`], or the file cannot be written.
pub(crate) fn load_into(
    dataset: &Dataset,
    resolution: &Resolution,
    skip_bad: bool,
    dir: &Path,
) -> Result<Vec<Poster>> {
    let total = dataset.rows.len();
    let store = PixelStore::open(total as u64 * resolution.bytes(), dir)?;
    let ticker = Ticker::new("decoding posters", total);
    let done = AtomicUsize::new(0);
    let loaded: Vec<Result<Result<Poster, String>>> = dataset
        .rows
        .par_iter()
        .map(|row| {
            let poster = load_one(dataset, resolution, row, &store);
            ticker.tick(done.fetch_add(1, Ordering::Relaxed) + 1);
            poster
        })
        .collect();
    let loaded: Vec<Result<Poster, String>> = loaded.into_iter().collect::<Result<_>>()?;
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

/// Decodes posters again, at another size, in place. Not for many posters: they are kept in memory.
///
/// # Errors
/// An image file can no longer be read.
pub(crate) fn decode_again(
    dataset: &Dataset,
    posters: &mut [Poster],
    input: &Preprocess,
) -> Result<()> {
    let resolution = Resolution::Input(input.clone());
    posters.par_iter_mut().try_for_each(|poster| {
        let loaded = load_one(dataset, &resolution, &poster.row, &PixelStore::Memory)?;
        poster.pixels = loaded.map_err(|reason| anyhow!(reason))?.pixels;
        Ok(())
    })
}

/// Decodes and keeps a poster. The inner error says why the image is unusable, the outer one that it cannot be kept.
fn load_one(
    dataset: &Dataset,
    resolution: &Resolution,
    row: &LabelRow,
    store: &PixelStore,
) -> Result<Result<Poster, String>> {
    let decoded = image_bytes(dataset, row).and_then(|(path, bytes)| {
        let pixels = resolution.of(&bytes).decode(&bytes);
        let pixels = pixels.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((pixels, Sha256::digest(&bytes).into()))
    });
    let (pixels, hash) = match decoded {
        Ok(decoded) => decoded,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(Ok(Poster { row: row.clone(), pixels: store.keep(pixels)?, hash }))
}

/// Reads the image file of a row.
fn image_bytes(dataset: &Dataset, row: &LabelRow) -> Result<(PathBuf, Vec<u8>), String> {
    let path = dataset.image_path(&row.id).ok_or_else(|| {
        let dir = dataset.dir.join("Images");
        format!("{}: there is no {}.jpg, .jpeg, .png or .webp", dir.display(), row.id)
    })?;
    let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((path, bytes))
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn training_posters_keep_their_own_resolution_up_to_the_largest() -> Result<()> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("Images"))?;
        std::fs::write(dir.path().join("train.csv"), "Id,Comedy\nsmall,1\nlarge,0\nwide,0\n")?;
        for (id, width, height) in [("small", 30, 40), ("large", 300, 400), ("wide", 300, 40)] {
            let path = dir.path().join(format!("Images/{id}.png"));
            RgbImage::from_pixel(width, height, image::Rgb([9, 9, 9])).save(path)?;
        }
        let dataset = Dataset::read(dir.path(), None)?;
        let size = |width, height| Preprocess { width, height, mean: [0.0; 3], std: [1.0; 3] };
        let sizes = |posters: &[Poster]| -> Result<Vec<[u32; 2]>> {
            let sizes = posters.iter().map(|poster| {
                let pixels = poster.pixels.read()?;
                Ok([pixels.width(), pixels.height()])
            });
            sizes.collect()
        };
        let mut posters =
            load_into(&dataset, &Resolution::AtMost(size(100, 200)), false, dir.path())?;
        assert_eq!(sizes(&posters)?, [[30, 40], [100, 200], [100, 40]]);
        decode_again(&dataset, &mut posters, &size(20, 30))?;
        assert_eq!(sizes(&posters)?, [[20, 30]; 3]);
        Ok(())
    }
}
