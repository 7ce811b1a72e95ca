//! The model before its first training step.

use anyhow::Result;
use burn::tensor::Device;
use marquee::Model;

use crate::data::posters::Poster;
use crate::formats::pretrained;
use crate::training::config::Config;

/// Builds the model: with pretrained weights if the configuration names some, with its front parts frozen, and with a
/// head that predicts each genre's frequency.
pub(crate) fn build(config: &Config, frequencies: &[f32], device: &Device) -> Result<Model> {
    let input = [config.input.width, config.input.height];
    let mut model = Model::init(&config.architecture, input, frequencies.len(), device)?;
    if let Some(path) = &config.pretrained {
        pretrained::load(&mut model, &config.architecture, path, false)?;
    }
    Ok(match model {
        Model::EfficientNetLite(lite) => {
            Model::EfficientNetLite(lite.with_prior(frequencies).freeze(config.frozen_parts))
        }
        model => model,
    })
}

/// Returns the frequency of each genre among the posters, above 0 and below 1: `(count + 0.5) / (posters + 1)`.
pub(crate) fn genre_frequencies(posters: &[Poster]) -> Vec<f32> {
    let genres = posters.first().map_or(0, |poster| poster.row.labels.len());
    let count = |genre: usize| posters.iter().filter(|poster| poster.row.labels[genre]).count();
    (0..genres).map(|genre| (count(genre) as f32 + 0.5) / (posters.len() as f32 + 1.0)).collect()
}
