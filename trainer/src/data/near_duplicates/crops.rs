//! Hashes of a poster and of its crops. Another edition of a poster is often cut differently by a few per cent, which
//! moves the picture by a cell of the perceptual hash; one of the crops' hashes then still matches.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use marquee::{Pixels, Preprocess};
use rayon::prelude::*;

use crate::data::dataset::Dataset;
use crate::data::posters::Poster;
use crate::progress::Ticker;

/// A gradient hash of 256 bits: for each of 16 x 16 cells, whether it is darker than its right neighbour.
pub(super) type Hash = [u64; 4];

/// Cells of a hash: 16 differences in a row need 17 columns.
const COLUMNS: usize = 17;
const ROWS: usize = 16;

/// Size in pixels to which posters are decoded, four pixels to a cell.
const WIDTH: usize = 4 * COLUMNS;
const HEIGHT: usize = 4 * ROWS;

/// What the crops cut off the two opposite edges, as fractions of the width or the height.
const CUTS: [[f64; 2]; 6] =
    [[0.0, 0.0], [0.025, 0.0], [0.0, 0.025], [0.025, 0.025], [0.05, 0.0], [0.0, 0.05]];

/// What near-duplicates of one poster are recognised by.
pub(crate) struct Fingerprint {
    /// SHA-256 of the image file.
    pub(super) file: [u8; 32],
    /// The hashes of the poster's crops, by all combinations of [`CUTS`] in width and height. The first is the whole
    /// poster. Empty if only identical files count.
    pub(super) crops: Vec<Hash>,
}

/// Computes the fingerprint of each poster, in order. With `perceptual`, the files are decoded again at a fixed size,
/// so that the result does not depend on the model's input size; otherwise, only identical files will match.
///
/// # Errors
/// An image file can no longer be read.
pub(crate) fn fingerprints(
    dataset: &Dataset,
    posters: &[Poster],
    perceptual: bool,
) -> Result<Vec<Fingerprint>> {
    if !perceptual {
        let of_file = |poster: &Poster| Fingerprint { file: poster.hash, crops: Vec::new() };
        return Ok(posters.iter().map(of_file).collect());
    }
    let ticker = Ticker::new("comparing posters", posters.len());
    let done = AtomicUsize::new(0);
    let hashes = posters.par_iter().map(|poster| {
        let path = dataset.image_path(&poster.row.id);
        let path = path.with_context(|| format!("the image of {} is gone", poster.row.id))?;
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        ticker.tick(done.fetch_add(1, Ordering::Relaxed) + 1);
        fingerprint(&bytes, poster.hash).with_context(|| path.display().to_string())
    });
    let hashes = hashes.collect();
    ticker.finish();
    hashes
}

/// Computes the fingerprint of an image file, whose SHA-256 is `file`.
///
/// # Errors
/// The file is not an image.
pub(super) fn fingerprint(bytes: &[u8], file: [u8; 32]) -> marquee::Result<Fingerprint> {
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    let small = Preprocess { width, height, mean: [0.5; 3], std: [0.5; 3] };
    Ok(Fingerprint { file, crops: crop_hashes(&small.decode(bytes)?) })
}

/// Hashes the crops of a poster of [`WIDTH`] x [`HEIGHT`] pixels.
fn crop_hashes(pixels: &Pixels) -> Vec<Hash> {
    let sums = SummedArea::of(pixels);
    let combinations = CUTS.iter().flat_map(|x| CUTS.iter().map(move |y| (x, y)));
    combinations.map(|(x, y)| sums.hash(*x, *y)).collect()
}

/// A summed-area table of a poster's brightness (Crow 1984): the mean of any rectangle in constant time.
struct SummedArea {
    /// `[HEIGHT + 1][WIDTH + 1]`: the sum of all pixels above and to the left.
    sums: Vec<f64>,
}

impl SummedArea {
    const STRIDE: usize = WIDTH + 1;

    fn of(pixels: &Pixels) -> Self {
        let mut sums = vec![0.0; Self::STRIDE * (HEIGHT + 1)];
        for (y, row) in pixels.rgb().chunks_exact(3 * WIDTH).enumerate() {
            let mut sum = 0.0;
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                // Luma of ITU-R BT.601.
                let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(f64::from);
                sum += 0.299 * red + 0.587 * green + 0.114 * blue;
                let above = sums[y * Self::STRIDE + x + 1];
                sums[(y + 1) * Self::STRIDE + x + 1] = above + sum;
            }
        }
        Self { sums }
    }

    /// Returns the sum above and to the left of a point between pixels, by bilinear interpolation.
    fn at(&self, x: f64, y: f64) -> f64 {
        let (column, row) = ((x as usize).min(WIDTH - 1), (y as usize).min(HEIGHT - 1));
        let (right, below) = (x - column as f64, y - row as f64);
        let sum = |row: usize| {
            let [a, b] = [0, 1].map(|next| self.sums[row * Self::STRIDE + column + next]);
            a + (b - a) * right
        };
        sum(row) + (sum(row + 1) - sum(row)) * below
    }

    /// Returns the hash of the poster without `cut_x` of its left and right and `cut_y` of its top and bottom.
    fn hash(&self, [left, right]: [f64; 2], [top, bottom]: [f64; 2]) -> Hash {
        let x = |column: usize| {
            WIDTH as f64 * (left + (1.0 - left - right) * column as f64 / COLUMNS as f64)
        };
        let y =
            |row: usize| HEIGHT as f64 * (top + (1.0 - top - bottom) * row as f64 / ROWS as f64);
        let mut hash = Hash::default();
        let mut bit = 0;
        for row in 0..ROWS {
            // The sums of the strip between two rows of cells, up to each column.
            let strip: Vec<f64> =
                (0..=COLUMNS).map(|c| self.at(x(c), y(row + 1)) - self.at(x(c), y(row))).collect();
            for cells in strip.windows(3) {
                if cells[1] - cells[0] < cells[2] - cells[1] {
                    hash[bit / 64] |= 1 << (bit % 64);
                }
                bit += 1;
            }
        }
        hash
    }
}
