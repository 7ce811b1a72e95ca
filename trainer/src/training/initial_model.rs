//! The model before its first training step.

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::Model;

use crate::data::posters::Poster;
use crate::formats::pretrained;
use crate::training::config::Config;

/// Builds the model: with pretrained weights if the configuration names some, and with its front parts frozen. The head
/// predicts each genre's frequency, or is that of the bundle from which the model starts.
pub(crate) fn build(
    config: &Config,
    genres: &[String],
    frequencies: &[f32],
    device: &Device,
) -> Result<Model> {
    let Config { architecture, .. } = config;
    let input = [config.input.width, config.input.height];
    let bundle = config.pretrained.as_deref().map(pretrained::read_bundle).transpose()?.flatten();
    let model = if let (Some(path), Some(files)) = (&config.pretrained, bundle) {
        let genres: Vec<(&str, f32)> =
            genres.iter().map(String::as_str).zip(frequencies.iter().copied()).collect();
        pretrained::model_from_bundle(&files, architecture, input, &genres, device)
            .with_context(|| format!("--pretrained {}", path.display()))?
    } else {
        let mut model = Model::init(architecture, input, genres.len(), device)?;
        if let Some(path) = &config.pretrained {
            pretrained::load(&mut model, architecture, path, false)?;
        }
        match model {
            Model::EfficientNetLite(lite) => Model::EfficientNetLite(lite.with_prior(frequencies)),
            model => model,
        }
    };
    Ok(match model {
        Model::EfficientNetLite(lite) => Model::EfficientNetLite(lite.freeze(config.frozen_parts)),
        model => model,
    })
}

/// Returns the frequency of each genre among the posters whose label of it is known, above 0 and below 1:
/// `(positives + 0.5) / (known + 1)`.
pub(crate) fn genre_frequencies<'a>(
    mut posters: impl Iterator<Item = &'a Poster> + Clone,
) -> Vec<f32> {
    let all = posters.clone();
    let genres = posters.next().map_or(0, |poster| poster.row.labels.len());
    let count = |genre: usize, label: bool| {
        all.clone().filter(|poster| poster.row.labels[genre] == Some(label)).count() as f32
    };
    let frequency = |genre| {
        let (positives, negatives) = (count(genre, true), count(genre, false));
        (positives + 0.5) / (positives + negatives + 1.0)
    };
    (0..genres).map(frequency).collect()
}
