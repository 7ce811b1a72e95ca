//! What Burn's learner needs of a model: a training step, a validation step, and their metrics.

use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{ExecutionError, Tensor};
use burn::train::metric::{AccuracyInput, Adaptor, ItemLazy, LossInput};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use marquee::Model;

use crate::data::loader::{Batch, total_weights};
use crate::training::ema;
use crate::training::loss::{LossConfig, binary_cross_entropy};
use crate::training::map_metric::MapInput;

/// A model in training, with the moving average of its weights. The names of the first two fields are part of the
/// checkpoint format.
#[derive(Module, Debug)]
pub(crate) struct TrainingModel {
    pub(crate) model: Model,
    /// The exponential moving average of the weights, if there is one. It is evaluated and exported.
    pub(crate) average: Option<Model>,
    #[module(skip)]
    loss: LossConfig,
    #[module(skip)]
    ema_decay: f64,
    /// Optimiser steps so far, for the warm-up of the average.
    #[module(skip)]
    steps: usize,
}

impl TrainingModel {
    /// Wraps `model` for training. An `ema_decay` of 0 turns averaging off.
    pub(crate) fn new(model: Model, loss: &LossConfig, ema_decay: f64) -> Self {
        let average = (ema_decay > 0.0).then(|| ema::start(&model));
        Self { model, average, loss: loss.clone(), ema_decay, steps: 0 }
    }

    /// Continues after `steps` optimiser steps, for a resumed run.
    pub(crate) fn after_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Returns the model to evaluate and export: the average if there is one.
    pub(crate) fn into_evaluated(self) -> Model {
        self.average.unwrap_or(self.model)
    }
}

/// The results of a step, from which the metrics are computed.
pub(crate) struct StepOutput {
    /// `[N]`.
    loss: Tensor<1>,
    /// `[N, genres]`.
    logits: Tensor<2>,
    /// `[N, TARGET_WEIGHTS, genres]`.
    targets: Tensor<3>,
}

impl StepOutput {
    /// Returns each poster's loss: `[N]`.
    pub(crate) fn into_loss(self) -> Tensor<1> {
        self.loss
    }
}

impl TrainStep for TrainingModel {
    type Input = Batch;
    type Output = StepOutput;

    fn step(&self, Batch { inputs, part, targets }: Batch) -> TrainOutput<StepOutput> {
        let logits = self.model.forward_from(part, inputs);
        let loss = self.loss.per_poster(logits.clone(), targets.clone());
        let gradients = loss.clone().mean().backward();
        TrainOutput::new(self, gradients, StepOutput { loss, logits, targets })
    }

    fn optimize(
        mut self,
        optimiser: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        gradients: GradientsParams,
    ) -> Self {
        // The optimiser updates the model alone: the average has no gradients, and no optimiser state.
        self.model = optimiser.step(rate, self.model, gradients);
        self.steps += 1;
        let decay = ema::decay_at(self.ema_decay, self.steps);
        self.average = self.average.map(|average| ema::update(average, &self.model, decay));
        self
    }
}

impl InferenceStep for TrainingModel {
    type Input = Batch;
    type Output = StepOutput;

    fn step(&self, Batch { inputs, part, targets }: Batch) -> StepOutput {
        let model = self.average.as_ref().unwrap_or(&self.model);
        let logits = model.forward_from(part, inputs);
        let loss = binary_cross_entropy(logits.clone(), targets.clone());
        StepOutput { loss, logits, targets }
    }
}

impl ItemLazy for StepOutput {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.loss.device().flush()?;
        Ok(Self {
            loss: self.loss.without_autodiff(),
            logits: self.logits.without_autodiff(),
            targets: self.targets.without_autodiff(),
        })
    }
}

impl Adaptor<LossInput> for StepOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

impl Adaptor<AccuracyInput> for StepOutput {
    /// Prepares accuracy as the original notebook counts it: the most probable genre must be the first true one.
    fn adapt(&self) -> AccuracyInput {
        let [present, _] = total_weights(self.targets.clone());
        let first_genre = present.argmax(1).flatten(0, 1);
        AccuracyInput::new(self.logits.clone(), first_genre)
    }
}

impl Adaptor<MapInput> for StepOutput {
    fn adapt(&self) -> MapInput {
        MapInput { logits: self.logits.clone(), targets: self.targets.clone() }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use marquee::Architecture;
    use marquee::architecture::seed_cnn::SeedCnnConfig;

    use super::*;
    use crate::data::loader::TARGET_WEIGHTS;
    use crate::training::adamw::AdamW;
    use crate::training::config::OptimiserConfig;

    fn bias(model: &Model) -> Vec<f64> {
        let tensors = model.tensors().unwrap_or_else(|error| panic!("{error}"));
        let bias = tensors.into_iter().find(|tensor| tensor.name == "output.bias");
        bias.into_iter().flat_map(|bias| bias.values).map(f64::from).collect()
    }

    /// Trains for six steps that begin after `done` others. Returns the average's bias, and what it should be by
    /// the `decays` of these steps.
    fn averages(done: usize, decays: [f64; 6]) -> (Vec<f64>, Vec<f64>) {
        let device = Device::flex().autodiff();
        device.seed(5);
        let sizes = SeedCnnConfig { channels: [2, 2, 2], hidden: 4, ..SeedCnnConfig::default() };
        let model = Model::init(&Architecture::SeedCnn(sizes), [22, 22], 2, &device);
        let model = model.unwrap_or_else(|error| panic!("{error}"));
        let mut model = TrainingModel::new(model, &LossConfig::default(), 0.6).after_steps(done);
        let mut optimiser = ModuleOptimizer::from(AdamW::new(&OptimiserConfig::default()));
        let mut expected = bias(&model.model);
        for decay in decays {
            let inputs = Tensor::ones([2, 3, 22, 22], &device);
            // Present genres alone: with as many absent ones, a bias of zero has no gradient.
            let absent = Tensor::zeros([2, 1, 2], &device);
            let present = Tensor::ones([2, 1, 2], &device);
            let targets: Vec<Tensor<3>> = (0..TARGET_WEIGHTS)
                .map(|weight| if weight == 0 { present.clone() } else { absent.clone() })
                .collect();
            let targets = Tensor::cat(targets, 1);
            let output = TrainStep::step(&model, Batch { inputs, part: 0, targets });
            model = model.optimize(&mut optimiser, 0.1.into(), output.grads);
            for (average, weight) in expected.iter_mut().zip(bias(&model.model)) {
                *average = decay * *average + (1.0 - decay) * weight;
            }
        }
        let average = model.average.as_ref().map(bias).unwrap_or_default();
        assert_ne!(average, bias(&model.model), "nothing was trained");
        (average, expected)
    }

    #[test]
    fn the_average_follows_the_weights_with_a_warm_up_that_a_resumed_run_does_not_repeat() {
        let warm_up = [2.0 / 11.0, 3.0 / 12.0, 4.0 / 13.0, 5.0 / 14.0, 6.0 / 15.0, 7.0 / 16.0];
        for (done, decays) in [(0, warm_up), (100, [0.6; 6])] {
            let (average, expected) = averages(done, decays);
            assert_eq!(average.len(), 2);
            for (average, expected) in average.iter().zip(expected) {
                assert!((average - expected).abs() < 1e-6, "{average} is not {expected}");
            }
        }
    }
}
