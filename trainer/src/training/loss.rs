//! What training makes small.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use serde::{Deserialize, Serialize};

/// How far off a network is, and what it is told to aim at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LossConfig {
    /// Share of each label that is replaced by its genre's frequency, 0..1: no label is quite certain
    /// (Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7).
    pub(crate) smoothing: f64,
    /// Exponents that weigh easy negatives and easy positives down; both 0 is plain cross-entropy (Ridnik et
    /// al. 2021, "Asymmetric Loss For Multi-Label Classification").
    pub(crate) negative_gamma: f64,
    pub(crate) positive_gamma: f64,
}

impl LossConfig {
    /// `[N]`: each poster's loss, averaged over the genres, of logits and targets `[N, genres]`, the targets
    /// within 0..=1. One value a poster and not their mean, so that a smaller last batch weighs as it should.
    pub(crate) fn of(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        if self.negative_gamma == 0.0 && self.positive_gamma == 0.0 {
            return binary_cross_entropy(logits, targets);
        }
        let probability = sigmoid(logits.clone());
        let absent = targets.clone().neg() + 1.0;
        let easy = |share: Tensor<2>, gamma: f64| share.powf_scalar(gamma);
        // log(1 - s(x)) = log s(-x), which does not overflow.
        let positive = targets
            * log_sigmoid(logits.clone())
            * easy(probability.clone().neg() + 1.0, self.positive_gamma);
        let negative = absent * log_sigmoid(logits.neg()) * easy(probability, self.negative_gamma);
        (positive + negative).neg().mean_dim(1).flatten(0, 1)
    }
}

/// `[N]`: each poster's binary cross-entropy, averaged over the genres.
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
        config.of(logits, targets).into_scalar()
    }

    #[test]
    fn cross_entropy_of_an_even_chance_is_ln_2() {
        let plain = LossConfig::default();
        assert!((loss(&plain, 0.0, 1.0) - 2f32.ln()).abs() < 1e-6);
        assert!((loss(&plain, 40.0, 0.0) - 40.0).abs() < 1e-4);
    }

    #[test]
    fn asymmetric_loss_weighs_a_negative_by_its_probability() {
        let config = LossConfig { negative_gamma: 2.0, ..LossConfig::default() };
        assert!((loss(&config, 0.0, 1.0) - 2f32.ln()).abs() < 1e-6);
        assert!((loss(&config, 0.0, 0.0) - 0.25 * 2f32.ln()).abs() < 1e-6);
    }
}
