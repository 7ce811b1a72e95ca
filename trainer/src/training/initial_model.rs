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
