//! Fits a bundle's calibration and thresholds.

use anyhow::Result;
use burn::tensor::Device;
use marquee::Bundle;
use marquee::metrics::Label;

use crate::data::posters::Poster;
use crate::evaluation::calibration::Calibration;
use crate::evaluation::thresholds;
use crate::inference;

/// Returns `bundle` with its calibration and thresholds fitted on `validation`.
///
/// The common temperature and the thresholds are stored in the manifest. Each genre's shift and scale become part
/// of the model's last layer.
pub(crate) fn calibrate(bundle: Bundle, validation: &[Poster], device: &Device) -> Result<Bundle> {
    let Bundle { mut manifest, model } = bundle;
    let logits = inference::logits(&model, validation, &manifest.input, device)?;
    let labels: Vec<Vec<Label>> =
        validation.iter().map(|poster| poster.row.labels.clone()).collect();
    let calibration = Calibration::fit(&logits, &labels, &manifest.frequencies());

    let probabilities: Vec<Vec<f32>> =
        logits.iter().map(|row| calibration.probabilities(row)).collect();
    let thresholds = thresholds::fit(&probabilities);
    for (genre, threshold) in manifest.genres.iter_mut().zip(thresholds) {
        genre.threshold = threshold;
    }
    manifest.temperature = calibration.temperature;
    let shifts: Vec<f32> = calibration.genres.iter().map(|genre| genre.shift).collect();
    let scales: Vec<f32> = calibration.genres.iter().map(|genre| genre.scale).collect();
    Ok(Bundle { manifest, model: model.calibrated(&shifts, &scales) })
}
