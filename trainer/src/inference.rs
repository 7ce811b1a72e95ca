//! What a network answers about many posters, before any calibration.

use anyhow::Result;
use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use marquee::{Model, Preprocess};

use crate::data::loader::Loader;
use crate::data::posters::Poster;
use crate::progress::Ticker;

/// Posters at a time.
pub(crate) const BATCH: usize = 32;

/// Each poster's logits, in the posters' order.
pub(crate) fn logits(
    model: &Model,
    posters: &[Poster],
    input: &Preprocess,
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let ticker = Ticker::new("classifying posters", posters.len());
    let mut answers = Vec::with_capacity(posters.len());
    for batch in Loader::in_order(posters.to_vec(), input, BATCH, device).iter() {
        let logits = model.forward(batch?.images);
        let [_, genres] = logits.dims();
        let logits: Vec<f32> = logits.try_into_vec_as()?;
        answers.extend(logits.chunks_exact(genres).map(<[f32]>::to_vec));
        ticker.tick(answers.len());
    }
    ticker.finish();
    Ok(answers)
}
