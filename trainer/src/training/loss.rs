//! The training loss: binary cross-entropy, for labels optionally asymmetric.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use serde::{Deserialize, Serialize};

use crate::data::loader::{total_weights, weights};
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
        /// "Asymmetric Loss For Multi-Label Classification"). With both exponents and the margin 0, the loss is plain
        /// binary cross-entropy. Soft labels are always learnt by plain cross-entropy, whose minimum lies at the soft
        /// label.
        pub(crate) negative_gamma: f64,
        /// Asymmetric loss, 0 or more: the exponent that reduces the loss of easy positives.
        pub(crate) positive_gamma: f64,
        /// Asymmetric loss, 0..1: the margin that is subtracted from the probabilities of negatives. Negatives below it
        /// cost nothing. The paper uses 0.05.
        pub(crate) negative_margin: f64,
    }
}

impl LossConfig {
    /// Returns each poster's loss, averaged over the genres: `[N]`, from logits `[N, genres]` and targets
    /// `[N, TARGET_WEIGHTS, genres]`. The caller averages over posters, so that a smaller last batch gets its proper
    /// weight.
    pub(crate) fn per_poster(&self, logits: Tensor<2>, targets: Tensor<3>) -> Tensor<1> {
        if self.is_cross_entropy() {
            return binary_cross_entropy(logits, targets);
        }
        let [present, absent, soft_present, soft_absent] = weights(targets);
        let labels = self.asymmetric(logits.clone(), present, absent);
        let soft_labels = cross_entropy(logits, soft_present, soft_absent);
        mean_over_genres(labels + soft_labels)
    }

    fn is_cross_entropy(&self) -> bool {
        [self.negative_gamma, self.positive_gamma, self.negative_margin] == [0.0; 3]
    }

    /// Returns the asymmetric loss, `[N, genres]`, from logits and the weights of present and absent genres.
    fn asymmetric(&self, logits: Tensor<2>, present: Tensor<2>, absent: Tensor<2>) -> Tensor<2> {
        let probability = sigmoid(logits.clone());
        let focus = |loss: Tensor<2>, error: Tensor<2>, gamma: f64| {
            // The gradient of error^0 at 0 would not be a number.
            if gamma == 0.0 { loss } else { loss * error.powf_scalar(gamma) }
        };
        let positive = present * log_sigmoid(logits.clone());
        let positive = focus(positive, probability.clone().neg() + 1.0, self.positive_gamma);
        let (shifted, log_negative) = if self.negative_margin == 0.0 {
            // log(1 - s(x)) = log s(-x), which does not overflow.
            (probability, log_sigmoid(logits.neg()))
        } else {
            // Not 0, where the gradient of a power below 1 is infinite.
            let shifted = (probability - self.negative_margin).clamp_min(1e-8);
            let log_negative = (shifted.clone().neg() + 1.0).log();
            (shifted, log_negative)
        };
        let negative = focus(absent * log_negative, shifted, self.negative_gamma);
        (positive + negative).neg()
    }
}

/// Returns each poster's binary cross-entropy, averaged over the genres: `[N]`, from logits `[N, genres]` and targets
/// `[N, TARGET_WEIGHTS, genres]`.
pub(crate) fn binary_cross_entropy(logits: Tensor<2>, targets: Tensor<3>) -> Tensor<1> {
    let [present, absent] = total_weights(targets);
    mean_over_genres(cross_entropy(logits, present, absent))
}

/// Returns the cross-entropy, `[N, genres]`, from logits and the weights of present and absent genres.
fn cross_entropy(logits: Tensor<2>, present: Tensor<2>, absent: Tensor<2>) -> Tensor<2> {
    // -p log s(x) - a log(1 - s(x)) = a x - (p + a) log s(x), which does not overflow.
    absent.clone() * logits.clone() - (present + absent) * log_sigmoid(logits)
}

fn mean_over_genres(losses: Tensor<2>) -> Tensor<1> {
    losses.mean_dim(1).flatten(0, 1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// The weights of one genre's target, in the order of `TARGET_WEIGHTS`.
    const PRESENT: [f32; 4] = [1.0, 0.0, 0.0, 0.0];
    const ABSENT: [f32; 4] = [0.0, 1.0, 0.0, 0.0];

    fn tensors(logit: f32, weights: [f32; 4], device: &Device) -> (Tensor<2>, Tensor<3>) {
        let targets = Tensor::from_floats([weights.map(|weight| [weight])], device);
        (Tensor::from_floats([[logit]], device), targets)
    }

    fn loss(config: &LossConfig, logit: f32, weights: [f32; 4]) -> f32 {
        let (logits, targets) = tensors(logit, weights, &Device::flex());
        config.per_poster(logits, targets).into_scalar()
    }

    fn slope(config: &LossConfig, logit: f32, weights: [f32; 4]) -> f32 {
        let (logits, targets) = tensors(logit, weights, &Device::flex().autodiff());
        let logits = logits.require_grad();
        let gradients = config.per_poster(logits.clone(), targets).mean().backward();
        logits.grad(&gradients).map_or(f32::NAN, Tensor::into_scalar)
    }

    fn asymmetric() -> LossConfig {
        LossConfig {
            negative_gamma: 4.0,
            positive_gamma: 1.0,
            negative_margin: 0.05,
            ..LossConfig::default()
        }
    }

    #[test]
    fn the_cross_entropy_of_a_coin_flip_is_ln_2() {
        let plain = LossConfig::default();
        assert!((loss(&plain, 0.0, PRESENT) - 2f32.ln()).abs() < 1e-6);
        assert!((loss(&plain, 40.0, ABSENT) - 40.0).abs() < 1e-4);
    }

    #[test]
    fn asymmetric_loss_weights_a_negative_by_its_probability() {
        let config = LossConfig { negative_gamma: 2.0, ..LossConfig::default() };
        assert!((loss(&config, 0.0, PRESENT) - 2f32.ln()).abs() < 1e-6);
        assert!((loss(&config, 0.0, ABSENT) - 0.25 * 2f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn negatives_below_the_margin_cost_nothing() {
        let config = asymmetric();
        let logit = |probability: f32| (probability / (1.0 - probability)).ln();
        for probability in [0.001, 0.049] {
            assert!(loss(&config, logit(probability), ABSENT) < 1e-9);
            assert_eq!(slope(&config, logit(probability), ABSENT), 0.0);
        }
        // Equation 7 of the paper, at p = 0.5: -(0.45^4) ln(1 - 0.45).
        let expected = -0.45f32.powi(4) * 0.55f32.ln();
        assert!((loss(&config, 0.0, ABSENT) - expected).abs() < 1e-6);
        assert!(slope(&config, 0.0, ABSENT) > 0.0);
        assert!((loss(&config, 0.0, PRESENT) - 0.5 * 2f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn the_loss_is_least_at_the_soft_label() {
        for config in [LossConfig::default(), asymmetric()] {
            for soft_label in [0.02f32, 0.3, 0.9] {
                let weights = [0.0, 0.0, soft_label, 1.0 - soft_label];
                let minimum = (soft_label / (1.0 - soft_label)).ln();
                assert!(slope(&config, minimum, weights).abs() < 1e-6);
                assert!(slope(&config, minimum - 0.1, weights) < -1e-4);
                assert!(slope(&config, minimum + 0.1, weights) > 1e-4);
            }
        }
    }

    #[test]
    fn an_unknown_label_has_no_loss_and_no_gradient() {
        for config in [LossConfig::default(), asymmetric()] {
            for logit in [-30.0, 0.0, 30.0] {
                assert_eq!(loss(&config, logit, [0.0; 4]), 0.0);
                assert_eq!(slope(&config, logit, [0.0; 4]), 0.0);
            }
        }
    }

    #[test]
    fn gradients_are_finite_at_extreme_logits() {
        for config in [asymmetric(), LossConfig { negative_gamma: 0.5, ..asymmetric() }] {
            for logit in [-90.0, 90.0] {
                for weights in [PRESENT, ABSENT] {
                    assert!(slope(&config, logit, weights).is_finite(), "{logit} {weights:?}");
                }
            }
        }
    }
}
