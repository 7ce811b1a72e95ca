//! Where in a poster the model sees a genre.

use marquee::architecture::GridAxis;
use marquee::contributions::Contributions;
use marquee::{Error, Manifest};

use crate::model::NativeModel;
use crate::poster::{Poster, PosterError};

/// The heatmaps of all genres over one poster.
pub(crate) struct Heatmaps {
    /// Columns and rows of the maps.
    pub(crate) axes: [GridAxis; 2],
    /// Each genre's log-odds without evidence from the poster, and what each cell adds to them: `[rows, columns]`
    /// row-major.
    pub(crate) maps: Vec<(f32, Vec<f32>)>,
}

/// Computes the heatmaps of all genres.
///
/// # Errors
/// Those of [`NativeModel::probabilities`], and [`Error::NoHeatmaps`].
pub(crate) fn explain(model: &NativeModel, poster: &Poster<'_>) -> Result<Heatmaps, PosterError> {
    let Manifest { architecture, input, temperature, .. } = &model.manifest;
    let no_heatmaps =
        || PosterError::Failed(Error::NoHeatmaps { architecture: architecture.name() });
    let [x, y] = architecture.grid([input.width, input.height]).ok_or_else(no_heatmaps)?;
    let contributions = model.contributions(&poster.pixels(input)?).map_err(PosterError::Failed)?;
    let Contributions { maps, bias } = contributions.ok_or_else(no_heatmaps)?;
    let maps = maps.chunks(x.count * y.count).zip(bias).map(|(values, bias)| {
        (bias / temperature, values.iter().map(|value| value / temperature).collect())
    });
    Ok(Heatmaps { maps: maps.collect(), axes: [x, y] })
}
