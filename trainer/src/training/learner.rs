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
