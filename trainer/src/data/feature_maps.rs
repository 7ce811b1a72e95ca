//! Cached feature maps: the outputs of a model's frozen front, which take the place of the posters in training.

use std::path::Path;

use anyhow::{Context, Result};
use half::f16;
use marquee::bundle::write_atomically;

/// Feature maps of posters in half precision: several augmented views of each, to keep some variety.
pub(crate) struct FeatureMaps {
    /// The part of the model that takes them as input; see [`marquee::Model::forward_from`].
    pub(crate) part: usize,
    /// Channels, height and width of one map.
    pub(crate) shape: [usize; 3],
    posters: usize,
    /// Layout: `[views][posters][channels][height][width]`.
    values: Vec<f16>,
}

impl FeatureMaps {
    /// Makes feature maps from `values` in the layout `[views][posters][channels][height][width]`.
    pub(crate) fn new(part: usize, shape: [usize; 3], posters: usize, values: Vec<f16>) -> Self {
        Self { part, shape, posters, values }
    }

    /// Returns the map of a poster in an epoch. The epochs cycle through the views.
    pub(crate) fn get(&self, epoch: u64, poster: usize) -> Vec<f32> {
        let size: usize = self.shape.iter().product();
        let views = self.values.len() / (size * self.posters);
        let view = (epoch % views as u64) as usize;
        let first = (view * self.posters + poster) * size;
        self.values[first..first + size].iter().map(|value| value.to_f32()).collect()
    }
}

/// Reads cached values; `None` if the file is missing or does not hold `length` values.
pub(crate) fn read_values(path: &Path, length: usize) -> Option<Vec<f16>> {
    let bytes = std::fs::read(path).ok().filter(|bytes| bytes.len() == length * 2)?;
    let (halves, _) = bytes.as_chunks::<2>();
    Some(halves.iter().map(|bytes| f16::from_le_bytes(*bytes)).collect())
}

/// Writes values as little-endian half-precision numbers, and creates the folder if needed.
pub(crate) fn write_values(path: &Path, values: &[f16]) -> Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    write_atomically(path, &bytes)?;
    Ok(())
}
