//! What Burn's learner needs to know of a network: one step of training, one of judging.

use burn::module::Module;
use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Int, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use marquee::Model;

use crate::loader::Batch;

/// A network that is being trained. A type of our own, since the traits and [`Model`] are both others'.
#[derive(Module, Debug)]
pub(crate) struct Learning {
    pub(crate) model: Model,
}

impl Learning {
    fn judge(&self, batch: Batch) -> ClassificationOutput {
        let logits = self.model.forward(batch.images);
        let loss = binary_cross_entropy(logits.clone(), batch.labels.clone());
        // Accuracy as the notebook counts it: the most probable genre against the first true one.
        let first_genre = batch.labels.float().argmax(1).flatten(0, 1);
        ClassificationOutput::new(loss, logits, first_genre)
    }
}

impl TrainStep for Learning {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let output = self.judge(batch);
        TrainOutput::new(self, output.loss.clone().mean().backward(), output)
    }
}

impl InferenceStep for Learning {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.judge(batch)
    }
}

/// `[N]`: each poster's binary cross-entropy, averaged over the genres, of logits `[N, genres]` and labels
/// of 0 or 1. One value a poster and not their mean, so that a smaller last batch weighs as it should.
fn binary_cross_entropy(logits: Tensor<2>, labels: Tensor<2, Int>) -> Tensor<1> {
    // -y log s(x) - (1 - y) log(1 - s(x)) = (1 - y) x - log s(x), which does not overflow.
    let losses = (labels.float().neg() + 1.0) * logits.clone() - log_sigmoid(logits);
    losses.mean_dim(1).flatten(0, 1)
}
