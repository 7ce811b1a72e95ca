//! Trains the last stage of the model and the convolution after it.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Gradients, Tensor};

use super::options::FineTuneOptions;
use crate::architecture::efficientnet_lite::{LAST_STAGE, PARTS};
use crate::model::EfficientNetLite;

/// Learning rate of the last stage, relative to the head's.
const RELATIVE_RATE: f64 = 0.1;

pub(super) struct LastStageTrainer {
    /// The whole model, of which only the last parts are run and trained.
    model: EfficientNetLite,
    /// Initial weights of the trained convolutions.
    initial: Vec<Tensor<4>>,
    /// Strength of the penalty.
    pull: f64,
    optimiser: ModuleOptimizer,
    accumulator: GradientsAccumulator<EfficientNetLite>,
}

impl LastStageTrainer {
    /// Begins with `origin`, on an autodiff `device`.
    pub(super) fn new(
        origin: &EfficientNetLite,
        options: &FineTuneOptions,
        device: &Device,
    ) -> Self {
        let model = origin.clone().to_device(device).train().freeze(LAST_STAGE);
        let initial = model.conv_weights(LAST_STAGE).into_iter().map(Tensor::detach).collect();
        Self {
            model,
            initial,
            pull: options.pull,
            optimiser: AdamConfig::new().init(),
            accumulator: GradientsAccumulator::new(),
        }
    }

    /// Returns the head's input `[N, features]` for inputs `[N, channels, rows, columns]` of the last stage.
    pub(super) fn forward(&self, inputs: Tensor<4>) -> Tensor<2> {
        EfficientNetLite::pool(self.model.run(LAST_STAGE..PARTS, inputs))
    }

    /// Adds the L2-SP penalty to `sum`: the squared distance of the convolutions' weights from their initial
    /// values, times `pull`. Biases are left out, as they can do little harm.
    pub(super) fn add_penalty(&self, sum: Tensor<1>) -> Tensor<1> {
        let weights = self.model.conv_weights(LAST_STAGE).into_iter();
        weights.zip(&self.initial).fold(sum, |sum, (weight, initial)| {
            sum + (weight - initial.clone()).powi_scalar(2).sum() * self.pull
        })
    }

    /// Adds the gradients of a part of the batch.
    pub(super) fn accumulate(&mut self, gradients: &mut Gradients) {
        let gradients = GradientsParams::from_module(gradients, &self.model);
        self.accumulator.accumulate(&self.model, gradients);
    }

    /// Takes a step with the accumulated gradients; the learning rate is the head's.
    pub(super) fn step(&mut self, learning_rate: f64) {
        let gradients = self.accumulator.grads();
        let rate = learning_rate * RELATIVE_RATE;
        self.model = self.optimiser.step(rate, self.model.clone(), gradients);
    }

    /// Returns the model without autodiff. Its head is not the trained one.
    pub(super) fn model(&self) -> EfficientNetLite {
        self.model.valid()
    }
}
