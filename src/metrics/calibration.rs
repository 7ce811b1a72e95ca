//! Whether probabilities come true as often as they say.

use serde::Serialize;

/// Number of bins of reliability diagrams and calibration errors, of equal width over 0..=1.
pub const CALIBRATION_BINS: usize = 15;

/// Probabilities from this one on count in the calibration error of probable genres. Most probabilities are far below
/// it, and well calibrated by being near 0; they hide the error of those that decide.
pub const PROBABLE: f32 = 0.1;

/// Returns the bin of a probability.
pub fn calibration_bin(probability: f32) -> usize {
    ((probability * CALIBRATION_BINS as f32) as usize).min(CALIBRATION_BINS - 1)
}

/// Predictions of about the same probability.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Number of predictions.
    #[serde(rename = "answers")]
    pub count: usize,
    /// Their mean probability.
    pub probability: f64,
    /// Fraction of them that is true.
    pub frequency: f64,
}

/// Sorts predictions into bins by their probability. Empty bins are left out.
pub(super) fn reliability_bins(
    predictions: impl Iterator<Item = (f32, bool)>,
) -> Vec<ReliabilityBin> {
    let mut bins = vec![ReliabilityBin::default(); CALIBRATION_BINS];
    for (probability, label) in predictions {
        let bin = &mut bins[calibration_bin(probability)];
        bin.count += 1;
        bin.probability += f64::from(probability);
        bin.frequency += f64::from(u8::from(label));
    }
    bins.retain(|bin| bin.count > 0);
    for bin in &mut bins {
        bin.probability /= bin.count as f64;
        bin.frequency /= bin.count as f64;
    }
    bins
}

/// Returns the expected calibration error: the mean distance between probability and frequency over the bins,
/// weighted by their counts (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3). NaN without
/// predictions.
pub(super) fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let total: usize = bins.iter().map(|bin| bin.count).sum();
    let error = |bin: &ReliabilityBin| (bin.probability - bin.frequency).abs() * bin.count as f64;
    bins.iter().map(error).sum::<f64>() / total as f64
}
