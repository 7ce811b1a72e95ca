//! The training loss: binary cross-entropy, optionally asymmetric.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use serde::{Deserialize, Serialize};

use crate::documented::documented;

documented! {
    /// The loss and its targets. The default is plain binary cross-entropy.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct LossConfig {
        /// Label smoothing, 0..1: the weight of each genre's frequency in its target (Szegedy et al. 2016, "Rethinking
        /// the Inception Architecture", section 7).
        pub(crate) smoothing: f64,
        /// Asymmetric loss, 0 or more: the exponent that reduces the loss of easy negatives (Ridnik et al. 2021,
        /// "Asymmetric Loss For Multi-Label Classification"). With both exponents 0, the loss is plain binary
        /// cross-entropy.
        pub(crate) negative_gamma: f64,
        /// Asymmetric loss, 0 or more: the exponent that reduces the loss of easy positives.
        pub(crate) positive_gamma: f64,
    }
}

impl LossConfig {
    /// Returns each poster's loss, averaged over the genres: `[N]`, from logits and targets `[N, genres]`, the targets
    /// within 0..=1. The caller averages over posters, so that a smaller last batch gets its proper weight.
    pub(crate) fn per_poster(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        if self.negative_gamma == 0.0 && self.positive_gamma == 0.0 {
            return binary_cross_entropy(logits, targets);
        }
        let probability = sigmoid(logits.clone());
        let negatives = targets.clone().neg() + 1.0;
        let focus = |error: Tensor<2>, gamma: f64| error.powf_scalar(gamma);
        // log(1 - s(x)) = log s(-x), which does not overflow.
        let positive = targets
            * log_sigmoid(logits.clone())
            * focus(probability.clone().neg() + 1.0, self.positive_gamma);
        let negative =
            negatives * log_sigmoid(logits.neg()) * focus(probability, self.negative_gamma);
        (positive + negative).neg().mean_dim(1).flatten(0, 1)
    }
}

/// Returns each poster's binary cross-entropy, averaged over the genres: `[N]`, from logits and targets `[N, genres]`.
pub(crate) fn binary_cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    // -y log s(x) - (1 - y) log(1 - s(x)) = (1 - y) x - log s(x), which does not overflow.
    let losses = (targets.neg() + 1.0) * logits.clone() - log_sigmoid(logits);
    losses.mean_dim(1).flatten(0, 1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn loss(config: &LossConfig, logit: f32, target: f32) -> f32 {
        let device = Device::flex();
        let [logits, targets] = [logit, target].map(|v| Tensor::from_floats([[v]], &device));
        config.per_poster(logits, targets).into_scalar()
    }

    #[test]
    fn the_cross_entropy_of_a_coin_flip_is_ln_2() {
        let plain = LossConfig::default();
        assert!((loss(&plain, 0.0, 1.0) - 2f32.ln()).abs() < 1e-6);
        assert!((loss(&plain, 40.0, 0.0) - 40.0).abs() < 1e-4);
    }

    #[test]
    fn asymmetric_loss_weights_a_negative_by_its_probability() {
        let config = LossConfig { negative_gamma: 2.0, ..LossConfig::default() };
        assert!((loss(&config, 0.0, 1.0) - 2f32.ln()).abs() < 1e-6);
        assert!((loss(&config, 0.0, 0.0) - 0.25 * 2f32.ln()).abs() < 1e-6);
    }
}
