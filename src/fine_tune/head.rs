//! Trains the linear heads: the one that is kept and those of the cross-validation, side by side as columns.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::options::FineTuneOptions;

pub(super) struct HeadTrainer {
    layer: Linear,
    /// Initial weight `[features, heads * genres]` and bias `[heads * genres]`.
    initial: (Tensor<2>, Tensor<1>),
    /// Strength of the penalty in each column, `[1, heads * genres]`.
    pull: Tensor<2>,
    optimiser: ModuleOptimizer,
    accumulator: GradientsAccumulator<Linear>,
}

impl HeadTrainer {
    /// Begins with `weight` and `bias` for every head, on an autodiff `device`.
    pub(super) fn new(
        (weight, bias): (Tensor<2>, Tensor<1>),
        [known, new]: [usize; 2],
        options: &FineTuneOptions,
        device: &Device,
    ) -> Self {
        let heads = options.heads();
        let weight = Tensor::cat(vec![weight; heads], 1).autodiff();
        let bias = Tensor::cat(vec![bias; heads], 0).autodiff();
        let layer = linear(weight.clone().require_grad(), bias.clone().require_grad());
        let pull = (0..heads).flat_map(|_| {
            std::iter::repeat_n(options.pull as f32, known)
                .chain(std::iter::repeat_n(options.decay as f32, new))
        });
        let pull = TensorData::new::<f32, _>(pull.collect(), [1, heads * (known + new)]);
        Self {
            layer,
            initial: (weight.detach(), bias.detach()),
            pull: Tensor::from_data(pull, device),
            optimiser: AdamConfig::new().init(),
            accumulator: GradientsAccumulator::new(),
        }
    }

    /// Returns the logits `[N, heads * genres]` of features `[N, features]`.
    pub(super) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.layer.forward(features)
    }

    /// Returns the L2-SP penalty: the squared distance of each column from its initial value, times its pull,
    /// as `[1]`. The initial values of new genres are 0, so for them it is weight decay.
    pub(super) fn penalty(&self) -> Tensor<1> {
        let (weight, bias) = &self.initial;
        let mut distance = (self.layer.weight.val() - weight.clone()).powi_scalar(2).sum_dim(0);
        if let Some(current) = &self.layer.bias {
            distance = distance + (current.val() - bias.clone()).powi_scalar(2).unsqueeze::<2>();
        }
        (distance * self.pull.clone()).sum()
    }

    /// Adds the gradients of a part of the batch.
    pub(super) fn accumulate(&mut self, gradients: &mut Gradients) {
        let gradients = GradientsParams::from_module(gradients, &self.layer);
        self.accumulator.accumulate(&self.layer, gradients);
    }

    /// Takes a step with the accumulated gradients.
    pub(super) fn step(&mut self, learning_rate: f64) {
        let gradients = self.accumulator.grads();
        self.layer = self.optimiser.step(learning_rate, self.layer.clone(), gradients);
    }

    /// Returns the head that is kept, the first `genres` columns, without autodiff.
    pub(super) fn kept(&self, genres: usize) -> Linear {
        let layer = self.layer.valid();
        let weight = layer.weight.val().narrow(1, 0, genres);
        let bias = layer.bias.map(|bias| bias.val().narrow(0, 0, genres));
        let bias = bias.unwrap_or_else(|| Tensor::zeros([genres], &weight.device()));
        linear(weight, bias)
    }
}

/// Returns a linear layer with the given weight `[inputs, outputs]` and bias `[outputs]`.
pub(super) fn linear(weight: Tensor<2>, bias: Tensor<1>) -> Linear {
    Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) }
}
