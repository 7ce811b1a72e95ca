//! The file's metadata: everything that a program needs besides the graph, so that preprocessing travels with the
//! weights.

use anyhow::Result;
use marquee::Manifest;

use super::proto::Entry;
use super::{OnnxInput, OnnxOptions, OnnxWeights};

/// Returns the metadata. Lists are JSON arrays; everything else is plain text.
pub(super) fn entries(manifest: &Manifest, options: OnnxOptions) -> Result<Vec<Entry>> {
    let names: Vec<&str> = manifest.genres.iter().map(|genre| genre.name.as_str()).collect();
    let thresholds: Vec<f32> = manifest.genres.iter().map(|genre| genre.threshold).collect();
    let input = match options.input {
        OnnxInput::Normalised => "float32 [N, 3, height, width]: (value / 255 - mean) / std",
        OnnxInput::Pixels => "uint8 [N, height, width, 3]: red, green, blue, 0..=255",
    };
    let weights = match options.weights {
        OnnxWeights::Full => "32-bit floats",
        OnnxWeights::Half => "16-bit floats, computed in 32 bits",
        OnnxWeights::Int8 => {
            "8-bit integers with a scale per output channel, computed in 32-bit floats"
        }
    };
    let entries = [
        ("genres", serde_json::to_string(&names)?),
        ("thresholds", serde_json::to_string(&thresholds)?),
        (
            "output",
            "one calibrated probability per genre, in the order of genres; a genre is likely \
                    from its threshold on"
                .into(),
        ),
        ("input", input.into()),
        ("width", manifest.input.width.to_string()),
        ("height", manifest.input.height.to_string()),
        ("mean", serde_json::to_string(&manifest.input.mean)?),
        ("std", serde_json::to_string(&manifest.input.std)?),
        ("colour", "RGB; greyscale and CMYK images are converted".into()),
        ("exif_orientation", "applied before resizing".into()),
        ("alpha", "blended with white before resizing".into()),
        ("animation", "first frame".into()),
        ("resize_filter", "bilinear".into()),
        ("resize_antialias", "true: the filter widens with the scale, as in Pillow".into()),
        ("resize_aspect_ratio", "not kept: the whole poster is resized to width x height".into()),
        ("weights", weights.into()),
        ("licence", manifest.training.licence.clone()),
    ];
    Ok(entries.map(|(key, value)| Entry { key: key.into(), value }).into())
}
