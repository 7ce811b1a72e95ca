//! The precision of stored weights: chosen by what it costs in mean average precision.

use anyhow::Result;
use burn::tensor::Device;
use marquee::{Bundle, Classifier, Evaluation, Precision};

use crate::data::posters::Poster;
use crate::evaluation::classified_posters::ClassifiedPosters;

/// Largest loss of validation mean average precision at which 8-bit weights are chosen over half precision.
const MAX_LOSS: f64 = 0.002;

/// Returns 8 bits if they cost less than [`MAX_LOSS`] on the validation posters, half precision otherwise.
pub(crate) fn choose(bundle: &Bundle, validation: &[Poster], device: &Device) -> Result<Precision> {
    let mean_average_precision = |precision| {
        let evaluation = evaluate(bundle, precision, validation, device)?;
        anyhow::Ok(evaluation.model.mean_average_precision)
    };
    let half = mean_average_precision(Precision::Half)?;
    let int8 = mean_average_precision(Precision::Int8)?;
    println!(
        "mean average precision, validation: {half:.4} in half precision, {int8:.4} in 8 bits"
    );
    Ok(if half - int8 < MAX_LOSS { Precision::Int8 } else { Precision::Half })
}

/// Evaluates `bundle` as it will be read back after it was written in `precision`.
pub(crate) fn evaluate(
    bundle: &Bundle,
    precision: Precision,
    posters: &[Poster],
    device: &Device,
) -> Result<Evaluation> {
    let stored = Bundle::load(&pollster::block_on(bundle.encode(precision))?, device)?;
    let classifier = Classifier::new(stored);
    Ok(ClassifiedPosters::new(&classifier, posters.to_vec())?.evaluate())
}
