//! What Burn's learner needs to know of a network: one step of training, one of judging.

use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{ExecutionError, Tensor};
use burn::train::metric::{AccuracyInput, Adaptor, ItemLazy, LossInput};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use marquee::Model;

use crate::data::loader::Batch;
use crate::training::ema;
use crate::training::loss::{LossConfig, binary_cross_entropy};
use crate::training::map_metric::RankingInput;

/// A network that is being trained. A type of our own, since the traits and [`Model`] are both others'.
#[derive(Module, Debug)]
pub(crate) struct Learning {
    pub(crate) model: Model,
    /// The average of the weights so far, where one is kept; it is what is judged.
    pub(crate) average: Option<Model>,
    #[module(skip)]
    loss: LossConfig,
    /// Of the average.
    #[module(skip)]
    decay: f64,
}

impl Learning {
    /// Trains `model`; with a `decay` above 0 it keeps an average of the weights and judges that.
    pub(crate) fn new(model: Model, loss: &LossConfig, decay: f64) -> Self {
        let average = (decay > 0.0).then(|| ema::start(&model));
        Self { model, average, loss: loss.clone(), decay }
    }

    /// The network that is judged and shipped.
    pub(crate) fn best(self) -> Model {
        self.average.unwrap_or(self.model)
    }
}

/// What is known of a batch behind a step.
pub(crate) struct Judged {
    /// `[N]`.
    loss: Tensor<1>,
    /// `[N, genres]`.
    logits: Tensor<2>,
    /// `[N, genres]`, 0..=1.
    targets: Tensor<2>,
}

impl Judged {
    /// `[N]`.
    pub(crate) fn loss(self) -> Tensor<1> {
        self.loss
    }
}

impl TrainStep for Learning {
    type Input = Batch;
    type Output = Judged;

    fn step(&self, Batch { images, part, targets }: Batch) -> TrainOutput<Judged> {
        let logits = self.model.forward_from(part, images);
        let loss = self.loss.of(logits.clone(), targets.clone());
        let gradients = loss.clone().mean().backward();
        TrainOutput::new(self, gradients, Judged { loss, logits, targets })
    }

    fn optimize(
        mut self,
        optimiser: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        gradients: GradientsParams,
    ) -> Self {
        // Only the network itself: the average has no gradients, and no state in the optimiser.
        self.model = optimiser.step(rate, self.model, gradients);
        self.average = self.average.map(|average| ema::update(average, &self.model, self.decay));
        self
    }
}

impl InferenceStep for Learning {
    type Input = Batch;
    type Output = Judged;

    fn step(&self, Batch { images, part, targets }: Batch) -> Judged {
        let model = self.average.as_ref().unwrap_or(&self.model);
        let logits = model.forward_from(part, images);
        let loss = binary_cross_entropy(logits.clone(), targets.clone());
        Judged { loss, logits, targets }
    }
}

impl ItemLazy for Judged {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.loss.device().flush()?;
        Ok(Self {
            loss: self.loss.without_autodiff(),
            logits: self.logits.without_autodiff(),
            targets: self.targets.without_autodiff(),
        })
    }
}

impl Adaptor<LossInput> for Judged {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

impl Adaptor<AccuracyInput> for Judged {
    /// Accuracy as the notebook counts it: the most probable genre against the first true one.
    fn adapt(&self) -> AccuracyInput {
        let first_genre = self.targets.clone().argmax(1).flatten(0, 1);
        AccuracyInput::new(self.logits.clone(), first_genre)
    }
}

impl Adaptor<RankingInput> for Judged {
    fn adapt(&self) -> RankingInput {
        RankingInput { logits: self.logits.clone(), targets: self.targets.clone() }
    }
}
